"""A lifted program computes what the recorded graph does: value, gradient, each sample's gradient, and the Hessian.

The reference is the eager engine, whose own derivatives are held to those of other engines elsewhere. The tolerance is
1e-12 of the largest number of each kind, as in the tests of random graphs.
"""

import numpy as np
import pytest
from expressions import close_to_a_kink
from hypothesis import HealthCheck, assume, given, settings
from lifted import WIRINGS, eager, functions, nested, networks

from autograd_core import lift



@pytest.fixture
def examples(request):
    """How many are drawn: 100 of each kind, and 1,000 of each under --everything."""
    count = 1000 if request.config.getoption("--everything") else 100
    return settings(derandomize=True, deadline=None, max_examples=count, database=None)


def close(found, expected):
    """Compare numbers, or arrays by name."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        largest = max([np.abs(array).max(initial=0.0) for array in expected.values()])
        pairs = [(found[name], expected[name]) for name in expected]
    else:
        largest, pairs = np.abs(expected).max(initial=0.0), [(found, expected)]
    for one, other in pairs:
        assert np.shape(one) == np.shape(other)
        assert np.all(np.abs(one - other) <= 1e-12 * max(largest, 1.0)), (one, other)


def at_a_kink(function):
    """Tell whether a rounding decides on which side of a kink some sample is."""
    samples = range(len(function.batch["x"]))
    rows = [{name: nested(array[i]) for name, array in function.batch.items()} for i in samples]
    return any([close_to_a_kink(function.f(**row)) for row in rows])


def check(function, backend="numpy"):
    """Compare all that a program can be asked for."""
    program = lift(function.f, inputs=function.inputs, params=function.params).to(backend)
    rng = np.random.default_rng(0)
    direction = {name: rng.uniform(-1.0, 1.0, shape) for name, shape in program.params.items()}
    values, slopes, bends = eager(function, direction)
    batch = dict(function.batch)
    close(program(**batch), values)
    close(program.per_sample_grad(**batch), slopes)
    for reduce in ("sum", "mean"):
        total, gradient = program.value_and_grad(reduce=reduce, **batch)
        close(total, getattr(values, reduce)())
        close(gradient, {name: getattr(slope, reduce)(axis=0) for name, slope in slopes.items()})
    sample_weights = rng.uniform(0.0, 2.0, len(values))
    total, gradient = program.value_and_grad(weights=sample_weights, **batch)
    close(total, sample_weights @ values)
    close(gradient, {name: np.tensordot(sample_weights, slope, 1) for name, slope in slopes.items()})
    along = sum([(slopes[name] * direction[name]).reshape(len(values), -1).sum(axis=1) for name in slopes])
    found, slope = program.jvp(direction, **batch)
    close(found, values)
    close(slope, along)
    close(program.hvp(direction, reduce="sum", **batch), {name: bend.sum(axis=0) for name, bend in bends.items()})


def test_random_irregular_programs_equal_the_eager_engine(examples):
    @settings(examples, suppress_health_check=[HealthCheck.too_slow])
    @given(functions())
    def property(function):
        assume(not at_a_kink(function))
        check(function)

    property()


def test_random_networks_equal_the_eager_engine(examples):
    @settings(examples, suppress_health_check=[HealthCheck.too_slow])
    @given(networks)
    def property(function):
        assume(not at_a_kink(function))
        check(function)

    property()


@pytest.mark.parametrize("wiring", WIRINGS)
def test_every_wiring_of_neurons_equals_the_eager_engine(wiring):
    check(WIRINGS[wiring]())
