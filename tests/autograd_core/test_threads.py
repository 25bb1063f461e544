"""Threads: each records, sweeps and updates a model of its own, and none notices the others."""

import random
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier

import pytest

from autograd_core import Value, detect_anomaly, dot, gradients, mean, no_grad, scope, sigmoid, tanh, topological_order

THREADS = 8


@contextmanager
def hurried_threads() -> Iterator[None]:
    """Let the interpreter switch between threads as often as it can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


def trained(seed: int) -> list[float]:
    """Train a small network and return every loss, weight and gradient along the way; modes differ by seed."""
    rng = random.Random(seed)
    samples = [([rng.uniform(-1, 1), rng.uniform(-1, 1)], rng.choice([0.0, 1.0])) for _ in range(6)]
    hidden = [[Value(rng.uniform(-1, 1)) for _ in range(3)] for _ in range(4)]
    last = [Value(rng.uniform(-1, 1)) for _ in range(4)]
    leaves = [w for row in (*hidden, last) for w in row]

    def loss() -> Value:
        with scope(f"model {seed}"):
            outputs = [sigmoid(dot(last, [tanh(dot(row, [*x, 1.0])) for row in hidden])) for x, _ in samples]
        return mean([(y - target) ** 2 for y, (_, target) in zip(outputs, samples, strict=True)])

    history: list[float] = []
    for _ in range(12):
        y = loss()
        assert {v.scope.path for v in topological_order(y) if v.scope} == {f"model {seed}"}
        history += [slope.data for slope in gradients(y, leaves)]
        y.backward()
        for w in leaves:
            w.data -= 0.5 * w.grad
            w.grad = 0.0
        if seed % 2:
            with no_grad():
                validation = loss()
            assert validation.inputs == ()
        else:
            with detect_anomaly():
                validation = loss()
            assert validation.inputs != ()
        history += [y.data, validation.data, *[w.data for w in leaves]]
    return history


def test_eight_threads_that_train_at_once_get_what_each_gets_alone():
    alone = [trained(seed) for seed in range(THREADS)]
    start = Barrier(THREADS)

    def together(seed: int) -> list[float]:
        start.wait()
        return trained(seed)

    with hurried_threads(), ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(together, range(THREADS))) == alone


def test_a_mode_holds_in_its_own_thread_alone():
    x = Value(2.0)
    entered, measured = Barrier(2), Barrier(2)

    def without_recording() -> tuple[Value, ...]:
        with no_grad(), scope("quiet"):
            entered.wait()
            measured.wait()
            return (x * 3.0).inputs

    with ThreadPoolExecutor(1) as pool:
        quiet = pool.submit(without_recording)
        entered.wait()
        y = x * 3.0
        measured.wait()
        assert quiet.result() == ()
    assert y.inputs[0] is x
    assert y.scope is None


def test_a_shared_model_is_read_by_many_threads_at_once():
    """Pure gradients touch no node, so threads may share a graph."""
    xs = [Value(0.1 * i) for i in range(20)]
    y = mean([tanh(x * x) * xs[0] for x in xs])
    alone = [slope.data for slope in gradients(y, xs)]
    with hurried_threads(), ThreadPoolExecutor(THREADS) as pool:
        for found in pool.map(lambda _: [slope.data for slope in gradients(y, xs)], range(4 * THREADS)):
            assert found == alone
    assert [x.grad for x in xs] == [0.0] * len(xs)


@pytest.mark.parametrize("mode", [no_grad, detect_anomaly])
def test_an_error_in_one_thread_ends_its_mode(mode):
    def broken() -> tuple[Value, ...]:
        with pytest.raises(ZeroDivisionError), mode():
            raise ZeroDivisionError
        return (Value(2.0) * 3.0).inputs

    with ThreadPoolExecutor(1) as pool:
        assert [v.data for v in pool.submit(broken).result()] == [2.0, 3.0]
