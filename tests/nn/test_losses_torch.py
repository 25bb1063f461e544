"""Losses beside PyTorch's, values and gradients, over random outputs and targets."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'autograd-core[torch]'")

from torch.nn import functional  # noqa: E402 - after the skip

from autograd_core import Value  # noqa: E402
from nn import losses  # noqa: E402

reproducibly = settings(derandomize=True, deadline=None, max_examples=100)


def assert_same(ours, theirs, outputs):
    """Compare the value and the gradient by the outputs, a row."""
    ys, tensor = [Value(y) for y in outputs], torch.tensor(outputs, dtype=torch.float64, requires_grad=True)
    cost, expected = ours(ys), theirs(tensor)
    cost.backward()
    expected.backward()
    assert cost.data == pytest.approx(expected.item(), rel=1e-12, abs=1e-12)
    np.testing.assert_allclose([y.grad for y in ys], tensor.grad.numpy(), rtol=1e-12, atol=1e-12)


def floats(rows):
    return torch.tensor(rows, dtype=torch.float64)


moderate = st.floats(-30.0, 30.0)
probabilities = st.floats(1e-6, 1.0 - 1e-6)


@reproducibly
@given(st.lists(st.tuples(moderate, moderate), min_size=1, max_size=5))
def test_squared_errors(pairs):
    ys, ts = [list(column) for column in zip(*pairs, strict=True)]
    assert_same(
        lambda y: losses.squared_error(y, ts), lambda y: functional.mse_loss(y, floats(ts), reduction="sum"), ys
    )
    assert_same(lambda y: losses.half_squared_error(y, ts), lambda y: 0.5 * ((y - floats(ts)) ** 2).sum(), ys)


@reproducibly
@given(moderate, st.sampled_from([-1, 1]))
def test_hinge(score, label):
    """As in margin_ranking_loss of the score and 0, with a margin of 1."""

    def theirs(y):
        return functional.margin_ranking_loss(y, torch.zeros_like(y), floats([label]), margin=1.0, reduction="sum")

    if label * score != 1.0:  # where PyTorch takes the other slope
        assert_same(lambda y: losses.hinge(y[0], label), theirs, [score])


@reproducibly
@given(probabilities, moderate, st.sampled_from([0.0, 1.0]) | st.floats(0.0, 1.0))
def test_binary_losses(p, z, label):
    assert_same(lambda y: losses.nll(y[0], label), lambda y: functional.binary_cross_entropy(y, floats([label])), [p])
    assert_same(
        lambda y: losses.nll_with_logits(y[0], label),
        lambda y: functional.binary_cross_entropy_with_logits(y, floats([label])),
        [z],
    )


@reproducibly
@given(st.lists(st.tuples(moderate, probabilities), min_size=1, max_size=6), st.data())
def test_losses_of_several_classes(pairs, data):
    zs, soft = [list(column) for column in zip(*pairs, strict=True)]
    k = data.draw(st.integers(0, len(zs) - 1))
    ts = [t / sum(soft) for t in soft]
    assert_same(lambda y: losses.nllm_with_logits(y, k), lambda y: functional.cross_entropy(y, torch.tensor(k)), zs)
    assert_same(lambda y: losses.nllm_with_logits(y, ts), lambda y: functional.cross_entropy(y, floats(ts)), zs)
    assert_same(lambda y: losses.nllm(y, k), lambda y: functional.nll_loss(y.log()[None], torch.tensor([k])), ts)


@reproducibly
@given(st.lists(st.integers(-4, 4), min_size=2, max_size=6), st.data())
def test_the_0_1_loss_decides_as_argmax_does(zs, data):
    k = data.draw(st.integers(0, len(zs) - 1))
    assert losses.zero_one(zs, k) == float(np.argmax(zs) != k)
