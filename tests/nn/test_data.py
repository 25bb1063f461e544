"""Batches and splits: every sample has its turn once, in an order that the generator alone decides."""

from random import Random

import pytest
from messages import message_of

from autograd_core import ArgumentError
from nn.data import Samples, batches, split

SIZES = [(1, 1), (7, 1), (7, 2), (7, 7), (7, 100), (100, 16)]


@pytest.mark.parametrize(("n", "size"), SIZES)
def test_the_batches_hold_every_sample_once(n, size):
    assert sorted(i for batch in batches(n, size, Random(0)) for i in batch) == list(range(n))


@pytest.mark.parametrize(("n", "size"), SIZES)
def test_every_batch_is_full_but_for_the_last(n, size):
    *full, last = [len(batch) for batch in batches(n, size, Random(0))]
    assert full == [size] * ((n - 1) // size)
    assert last == n - len(full) * size


def test_the_order_is_the_generators():
    order = list(range(20))
    Random(5).shuffle(order)
    assert list(batches(20, 8, Random(5))) == [order[:8], order[8:16], order[16:]]


def test_the_same_seed_gives_the_same_batches_and_another_seed_others():
    runs = [list(batches(20, 8, Random(seed))) for seed in (0, 0, 1)]
    assert runs[0] == runs[1] != runs[2]


def test_a_generator_that_goes_on_shuffles_anew():
    rng = Random(0)
    assert list(batches(20, 8, rng)) != list(batches(20, 8, rng))


def test_a_sample_comes_in_every_place_as_often_as_in_any_other():
    rng = Random(0)
    places = [next(batches(5, 5, rng)).index(0) for _ in range(2000)]
    for place in range(5):
        assert abs(places.count(place) - 400) < 5.0 * (2000 * 0.2 * 0.8) ** 0.5


@pytest.mark.parametrize(
    ("n", "held_out", "count"), [(10, 0.2, 2), (10, 0.25, 2), (11, 0.5, 6), (1797, 0.2, 359), (2, 0.5, 1)]
)
def test_a_split_holds_out_its_part_rounded_to_whole_samples(n, held_out, count):
    train, test = split(n, held_out, Random(0))
    assert (len(train), len(test)) == (n - count, count)


def test_the_parts_are_disjoint_and_hold_everything_in_ascending_order():
    train, test = split(100, 0.3, Random(0))
    assert sorted([*train, *test]) == list(range(100))
    assert train == sorted(train)
    assert test == sorted(test)


def test_the_same_seed_gives_the_same_split_and_another_seed_another():
    splits = [split(100, 0.3, Random(seed)) for seed in (0, 0, 1)]
    assert splits[0] == splits[1] != splits[2]


def test_every_sample_is_held_out_as_often_as_any_other():
    rng = Random(0)
    held = [i for _ in range(2000) for i in split(10, 0.3, rng)[1]]
    for i in range(10):
        assert abs(held.count(i) - 600) < 5.0 * (2000 * 0.3 * 0.7) ** 0.5


@pytest.mark.parametrize(
    ("n", "held_out"), [(10, 0.0), (10, 1.0), (10, 0.04), (10, 0.96), (10, -0.2), (10, 1.5), (1, 0.5), (0, 0.5)]
)
def test_a_split_with_an_empty_part_is_refused(n, held_out):
    message = message_of(ArgumentError, lambda: split(n, held_out, Random(0)))
    assert message == f"holding out {held_out} of {n} samples leaves one part empty: choose another part"


# ---------------------------------------------------------------- samples


def test_without_a_generator_samples_keep_their_order():
    assert list(batches(5, 2, None)) == [[0, 1], [2, 3], [4]]


def test_samples_are_rows_of_values_with_their_targets_and_weights():
    samples = Samples.of(iter([[1, 2.5], (3, True)]), ["a", "b"], iter([1, 3]))
    assert [[x.data for x in row] for row in samples.rows] == [[1.0, 2.5], [3.0, 1.0]]
    assert (samples.targets, samples.weights, len(samples), samples.weight) == (["a", "b"], [1.0, 3.0], 2, 4.0)


def test_picked_samples_keep_their_targets_and_weights_together():
    samples = Samples.of([[0.0], [1.0], [2.0]], ["a", "b", "c"], [1.0, 2.0, 3.0]).pick([2, 0])
    assert ([x.data for (x,) in samples.rows], samples.targets, samples.weights) == ([2.0, 0.0], ["c", "a"], [3.0, 1.0])


def test_without_weights_every_sample_counts_as_one():
    samples = Samples.of([[0.0], [1.0], [2.0]], [1, 2, 3])
    assert (samples.weights, samples.weight, samples.pick([1]).weights) == (None, 3.0, None)


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_a_weight_that_is_none_is_refused(weight):
    message = message_of(ArgumentError, lambda: Samples.of([[0.0], [1.0]], [1, 2], [1.0, weight]))
    assert message == f"the weight of sample 1 is {weight!r}: pass finite numbers from 0 up"
