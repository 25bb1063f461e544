"""Early stopping: after how many epochs without an improvement, and with which weights."""

import math
import pickle
from copy import deepcopy
from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from messages import message_of

from autograd_core import ArgumentError
from nn import MLP, EarlyStopping
from nn.stopping import Watch


def watched(losses, **rule):
    """Return after how many losses the watch says stop (or None), and the watch."""
    watch, model = Watch(EarlyStopping(**rule)), MLP(1, [1], rng=0)
    for epoch, loss in enumerate(losses, start=1):
        model.parameters()[0].data = float(epoch)
        if watch.see(epoch, loss, model):
            return epoch, watch, model
    return None, watch, model


@given(st.lists(st.floats(0.0, 10.0), min_size=1, max_size=30), st.integers(1, 5))
def test_it_stops_when_the_lowest_loss_is_so_many_epochs_ago(losses, patience):
    stopped, watch, _ = watched(losses, patience=patience)
    seen = losses[:stopped]
    assert (watch.best, watch.best_epoch) == (min(seen), seen.index(min(seen)) + 1)
    assert watch.waited == len(seen) - watch.best_epoch
    assert (stopped is not None) == (watch.waited >= patience)


def test_an_improvement_that_is_too_small_counts_as_none():
    assert watched([1.0, 0.95, 0.91], patience=2, min_improvement=0.1)[0] == 3
    assert watched([1.0, 0.95, 0.85], patience=2, min_improvement=0.1)[0] is None


def test_a_loss_that_is_nan_is_no_improvement():
    assert watched([1.0, math.nan, math.nan], patience=2)[0] == 3


def test_the_best_weights_are_given_back_or_not():
    for restore, weight in ((True, 2.0), (False, 4.0)):
        _, watch, model = watched([1.0, 0.5, 0.7, 0.8], patience=2, restore=restore)
        watch.restore(model)
        assert model.parameters()[0].data == weight


def test_a_rule_of_numpys_numbers_is_that_of_pythons():
    rule = EarlyStopping(np.int64(3), np.float32(0.5), restore=np.True_)
    assert rule == EarlyStopping(3, 0.5, restore=True)
    assert [type(number) for number in astuple(rule)] == [int, float, bool]


@pytest.mark.parametrize("copied", [deepcopy, lambda rule: pickle.loads(pickle.dumps(rule))], ids=["copy", "pickle"])
def test_a_rule_can_be_copied(copied):
    assert copied(EarlyStopping(3, 0.5, restore=False)) == EarlyStopping(3, 0.5, restore=False)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"patience": 0}, "patience is 0: pass a whole number from 1 up"),
        ({"min_improvement": -0.1}, "min_improvement is -0.1: pass a finite number from 0 up"),
        ({"min_improvement": math.nan}, "min_improvement is nan: pass a finite number from 0 up"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(rule, message):
    assert message_of(ArgumentError, lambda: EarlyStopping(**rule)) == message
