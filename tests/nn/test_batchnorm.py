"""Batch normalisation: the lecture's figures and closed forms, running averages, and what cannot be normalised.

The closed forms of the gradients are those of `nn.lectures`, which know nothing of graphs, and HIPS autograd.
"""

import copy
import math
from fractions import Fraction

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad as hips_grad
from hypothesis import given, settings
from hypothesis import strategies as st
from messages import message_of

from autograd_core import ArgumentError, OperandTypeError, Value, gradcheck, gradients, topological_order
from nn import MLP, Layer, Module, Sequential, fit, optim
from nn.batchnorm import BatchNorm
from nn.lectures.mit6036.batchnorm_gradients import input_gradient_exact, loss_slope
from nn.losses import squared_error

reproducibly = settings(derandomize=True, deadline=None, max_examples=40)

# The catalogue's F-BN: 2 units, 4 examples as columns; here examples are rows.
Z = np.array([[0.5, -1.2, 2.0, 0.3], [1.0, 0.7, -0.4, -2.1]])
G, B = np.array([1.5, -0.8]), np.array([0.2, 0.1])
R = np.array([[0.3, -0.6, 0.9, 0.2], [-0.5, 0.4, 0.1, 0.7]])
MU, SIGMA = [0.4, -0.2], [1.1335784049, 1.2144957801]


def layer_of(**options):
    layer = BatchNorm(2, **options)
    layer.load_state_dict(layer.state_dict() | {"weight": G, "bias": B})
    return layer


def run(layer, at=Z):
    """Return leaves for units x examples, and the outputs of the layer in the same order."""
    leaves = [[Value(z) for z in unit] for unit in at.tolist()]
    rows = layer.on_batch([list(sample) for sample in zip(*leaves, strict=True)])
    return leaves, [list(unit) for unit in zip(*rows, strict=True)]


def lecture_loss(outputs):
    """Return L = Σ R Ẑ + ½ Σ Ẑ²."""
    terms = [
        r * z + 0.5 * z * z for unit, rs in zip(outputs, R.tolist(), strict=True) for z, r in zip(unit, rs, strict=True)
    ]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def data(nested):
    return np.array([[v.data for v in row] for row in nested])


def grads(nested):
    return np.array([[v.grad for v in row] for row in nested])


# ---------------------------------------------------------------- the lecture's figures


def test_forward_and_gradients_are_the_lectures_for_an_epsilon_of_0():
    """Catalogue: F-BN; mit.bn.mu, sigma, zhat, dB, dG, dZ."""
    layer = layer_of(eps=0.0)
    leaves, outputs = run(layer)
    expected = G[:, None] * (Z - np.array(MU)[:, None]) / np.array(SIGMA)[:, None] + B[:, None]
    np.testing.assert_allclose(data(outputs), expected, atol=1e-9)
    lecture_loss(outputs).backward()
    assert [b.grad for b in layer.bias] == pytest.approx([1.6, 1.1], abs=1e-12)
    assert [g.grad for g in layer.weight] == pytest.approx([8.1260108605, -4.5091852817], abs=1e-9)
    dZ = [
        [0.0702812089, -0.0659047234, -0.066419604, 0.0620431185],
        [0.2316089855, -0.3079746381, 0.0849065478, -0.0085408953],
    ]
    np.testing.assert_allclose(grads(leaves), dZ, atol=1e-9)
    np.testing.assert_allclose(grads(leaves).sum(axis=1), 0.0, atol=1e-12)
    np.testing.assert_allclose((grads(leaves) * (Z - np.array(MU)[:, None])).sum(axis=1), 0.0, atol=1e-12)


@pytest.mark.parametrize(
    ("inside", "factors"), [(False, [0.81065, 0.76075]), (True, [0.84972, 0.79682])], ids=["σ + ε", "√(σ² + ε)"]
)
def test_epsilon_stands_inside_the_root_or_outside(inside, factors):
    """Catalogue: mit.bn.zbar, E-MIT-23: ε = .1."""
    layer = BatchNorm(2, eps=0.1, eps_inside_root=inside, affine=False)
    _, outputs = run(layer)
    np.testing.assert_allclose(data(outputs), (Z - np.array(MU)[:, None]) * np.array(factors)[:, None], atol=1e-4)


@pytest.mark.parametrize("eps", [0.0, 1e-5, 0.01, 0.1])
def test_the_gradient_keeps_the_epsilon_of_the_forward_pass(eps):
    """Catalogue: E-MIT-24: with s = σ + ε."""
    leaves, outputs = run(layer_of(eps=eps, eps_inside_root=False))
    lecture_loss(outputs).backward()
    slope = loss_slope(Z, G[:, None], B[:, None], R, eps)
    np.testing.assert_allclose(grads(leaves), input_gradient_exact(slope, Z, G[:, None], eps), atol=1e-12)


@pytest.mark.parametrize("eps", [1e-5, 0.1])
def test_the_gradient_with_epsilon_in_the_root_agrees_with_hips_autograd(eps):
    layer = layer_of(eps=eps)
    leaves, outputs = run(layer)
    lecture_loss(outputs).backward()

    def loss(at, g, b):
        centred = at - anp.mean(at, axis=1, keepdims=True)
        hats = g[:, None] * centred / anp.sqrt(anp.mean(centred**2, axis=1, keepdims=True) + eps) + b[:, None]
        return anp.sum(R * hats + 0.5 * hats**2)

    dZ, dG, dB = (hips_grad(loss, i)(Z, G, B) for i in range(3))
    np.testing.assert_allclose(grads(leaves), dZ, atol=1e-12)
    np.testing.assert_allclose([g.grad for g in layer.weight], dG, atol=1e-12)
    np.testing.assert_allclose([b.grad for b in layer.bias], dB, atol=1e-12)


@pytest.mark.parametrize("inside", [True, False])
def test_derivatives_of_two_orders_agree_with_finite_differences(inside):
    def f(rows):
        return [list(row) for row in BatchNorm(2, eps=0.01, eps_inside_root=inside).on_batch(rows)]

    assert gradcheck(f, [[0.5, 1.0], [-1.2, 0.7], [2.0, -0.4]], order=2, rtol=1e-5, atol=1e-6)


def test_an_example_reaches_the_outputs_of_its_unit_alone():
    """Catalogue: mit.bn.dZ.sum."""
    leaves, outputs = run(layer_of())
    mine = gradients(outputs[0][2], [z for unit in leaves for z in unit])
    assert all(slope.data for slope in mine[:4])
    assert [slope.data for slope in mine[4:]] == [0.0] * 4


def test_a_bias_below_has_no_effect():
    """Catalogue: mit.bn.module: ∂L/∂W_0 = 0."""
    model = Sequential(Layer(3, 2, "identity", rng=0), BatchNorm(2), Layer(2, 1, "tanh", rng=1))
    X = np.random.default_rng(0).normal(size=(5, 3)).tolist()
    before = [row[0].data for row in model.on_batch(X)]
    for row in model.on_batch(X):
        squared_error(row, [0.3]).backward()
    below = model.modules[0]
    assert [neuron.b.grad for neuron in below.neurons] == pytest.approx([0.0, 0.0], abs=1e-15)
    assert all(w.grad for neuron in below.neurons for w in neuron.w)
    for neuron in below.neurons:
        neuron.b.data = 3.0
    assert [row[0].data for row in model.on_batch(X)] == pytest.approx(before, abs=1e-14)


@reproducibly
@given(st.integers(0, 99), st.floats(0.01, 100.0), st.floats(-10.0, 10.0), st.integers(2, 6))
def test_the_scale_and_shift_of_what_comes_in_do_not_matter(seed, c, d, size):
    """Catalogue: mit.bn.scale: Z → cZ + d for c > 0, ε = 0."""
    at = np.random.default_rng(seed).normal(size=(2, size))
    plain, moved = [data(run(BatchNorm(2, eps=0.0), x)[1]) for x in (at, c * at + d)]
    np.testing.assert_allclose(moved, plain, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(plain.mean(axis=1), 0.0, atol=1e-9)
    np.testing.assert_allclose(plain.std(axis=1), 1.0, atol=1e-9)


def test_an_example_comes_out_differently_in_another_mini_batch():
    """Catalogue: mit.bn.regularises."""
    layer = BatchNorm(1)
    assert layer.on_batch([[1.0], [2.0]])[0][0].data != layer.on_batch([[1.0], [5.0], [3.0]])[0][0].data


def test_the_graph_is_small():
    """One mean, dot, scaling, +ε, √ and quotient for each unit; a difference, product and sum for each number."""
    _, outputs = run(layer_of())
    recorded = {node for unit in outputs for z in unit for node in topological_order(z) if node.op}
    assert len(recorded) == 2 * (6 + 3 * 4)
    _, outputs = run(BatchNorm(2, affine=False))
    recorded = {node for unit in outputs for z in unit for node in topological_order(z) if node.op}
    assert len(recorded) == 2 * (6 + 2 * 4)


# ---------------------------------------------------------------- units that do not vary


@pytest.mark.parametrize("inside", [True, False])
def test_a_unit_that_does_not_vary_gives_its_bias_and_a_finite_gradient(inside):
    layer = layer_of(eps_inside_root=inside)
    leaves, outputs = run(layer, np.array([[2.0] * 4, [1.0, 0.5, -1.0, 0.0]]))
    assert data(outputs)[0].tolist() == [0.2] * 4
    (outputs[0][0] * 2.0 + outputs[0][1] + outputs[1][0]).backward()
    deviation = math.sqrt(1e-5) if inside else 1e-5
    expected = (np.array([2.0, 1.0, 0.0, 0.0]) - 0.75) * 1.5 / deviation
    np.testing.assert_allclose(grads(leaves)[0], expected, rtol=1e-12)
    assert layer.weight[0].grad == 0.0
    assert layer.bias[0].grad == 3.0
    assert np.isfinite(grads(leaves)).all()


@pytest.mark.parametrize("inside", [True, False])
def test_its_second_derivatives_are_finite_with_the_root_and_nan_without(inside):
    leaves, outputs = run(BatchNorm(1, eps_inside_root=inside), np.array([[2.0] * 3]))
    (slope,) = gradients(outputs[0][0] * outputs[0][0] + outputs[0][1], leaves[0][:1])
    (second,) = gradients(slope, leaves[0][:1])
    assert math.isfinite(slope.data)
    assert math.isfinite(second.data) is inside


def test_without_an_epsilon_it_is_0_over_0():
    _, outputs = run(BatchNorm(1, eps=0.0), np.array([[2.0] * 3]))
    assert np.isnan(data(outputs)).all()


# ---------------------------------------------------------------- running averages and evaluation


def statistics(batches, momentum):
    """Return what the running mean and variance of one unit come to, by PyTorch's documented rule."""
    mean, variance = 0.0, 1.0
    for t, batch in enumerate(batches, start=1):
        part = 1.0 / t if momentum is None else momentum
        mean = (1.0 - part) * mean + part * np.mean(batch)
        variance = (1.0 - part) * variance + part * np.var(batch, ddof=1)
    return mean, variance


@reproducibly
@given(st.integers(0, 99), st.none() | st.floats(0.0, 1.0), st.integers(1, 4))
def test_running_averages_are_of_means_and_unbiased_variances(seed, momentum, count):
    rng = np.random.default_rng(seed)
    batches = [rng.normal(size=rng.integers(2, 6)) for _ in range(count)]
    layer = BatchNorm(1, momentum=momentum)
    for batch in batches:
        layer.on_batch([[z] for z in batch.tolist()])
    mean, variance = statistics(batches, momentum)
    assert layer.running_mean.tolist() == pytest.approx([mean], abs=1e-14)
    assert layer.running_var.tolist() == pytest.approx([variance], abs=1e-14)
    assert layer.num_batches_tracked == count


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize("affine", [True, False])
def test_in_evaluation_each_sample_stands_alone_with_the_running_averages(inside, affine):
    layer = (
        layer_of(eps=0.1, eps_inside_root=inside)
        if affine
        else BatchNorm(2, eps=0.1, eps_inside_root=inside, affine=False)
    )
    layer.running_mean[...], layer.running_var[...] = MU, np.square(SIGMA)
    layer.eval()
    state = layer.state_dict()
    g, b = (G, B) if affine else (1.0, 0.0)
    s = np.sqrt(np.square(SIGMA) + 0.1) if inside else np.array(SIGMA) + 0.1
    expected = g * (Z.T - MU) / s + b
    rows = [[z.data for z in layer(sample)] for sample in Z.T.tolist()]
    np.testing.assert_allclose(rows, expected, rtol=1e-13)
    assert [[z.data for z in row] for row in layer.on_batch(Z.T.tolist())] == rows
    assert [[z.data for z in row] for row in layer.on_batch(Z.T.tolist()[:1])] == rows[:1]
    assert {name: array.tolist() for name, array in layer.state_dict().items()} == {
        name: array.tolist() for name, array in state.items()
    }


def test_a_fresh_layer_lets_samples_pass_in_evaluation():
    assert [y.data for y in BatchNorm(2, eps=0.0).eval()([3.0, -4.0])] == [3.0, -4.0]


@pytest.mark.parametrize("training", [True, False])
def test_rows_are_tuples_as_those_of_layers_are(training):
    assert {type(row) for row in BatchNorm(2).train(training).on_batch(Z.T.tolist())} == {tuple}


def test_gradients_pass_in_evaluation():
    layer, x = layer_of(eps=0.0).eval(), Value(3.0)
    layer.running_var[...] = 4.0
    layer([x, 1.0])[0].backward()
    assert (x.grad, layer.weight[0].grad, layer.bias[0].grad) == (0.75, 1.5, 1.0)


def test_a_batch_that_is_refused_leaves_the_running_averages():
    layer = BatchNorm(2)
    for rows in ([[1.0, 2.0]], [[1.0, 2.0], [1.0]], [[1.0, 2.0], ["1", 2.0]]):
        with pytest.raises((ArgumentError, OperandTypeError)):
            layer.on_batch(rows)
    assert layer.running_mean.tolist() == [0.0, 0.0]
    assert layer.num_batches_tracked == 0.0


# ---------------------------------------------------------------- state and networks


def test_state_has_pytorchs_names_and_shapes():
    state = BatchNorm(3).state_dict()
    shapes = {"weight": (3,), "bias": (3,), "running_mean": (3,), "running_var": (3,), "num_batches_tracked": ()}
    assert {name: array.shape for name, array in state.items()} == shapes
    assert list(BatchNorm(3, affine=False).state_dict()) == list(shapes)[2:]


def test_a_state_that_is_loaded_gives_the_same_outputs_and_goes_on_from_there():
    model, twin = layer_of(momentum=None), BatchNorm(2, momentum=None)
    model.on_batch(Z.T.tolist())
    twin.load_state_dict(model.state_dict())
    other = copy.deepcopy(model)
    for m in (model, twin, other):
        m.on_batch((2.0 * Z.T).tolist())
    outputs = [[y.data for y in m.eval()([0.3, 0.4])] for m in (model, twin, other)]
    assert outputs[0] == outputs[1] == outputs[2]


def test_a_network_with_it_learns_from_numbers_of_any_size():
    model = Sequential(BatchNorm(2), MLP(2, [8, 1], "tanh", init="glorot", rng=0))
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2)) * [100.0, 0.01] + [500.0, 3.0]
    Y = np.sign((X[:, 0] - 500.0) * (X[:, 1] - 3.0))
    sgd = optim.SGD(model.parameters(), lr=0.1)
    history = fit(model, X, Y, loss=squared_error, optimiser=sgd, epochs=40, batch_size=10, rng=0, progress=False)
    assert history.loss[-1] < 0.5 * history.loss[0]
    model.eval()
    right = sum(model(x).data * y > 0.0 for x, y in zip(X.tolist(), Y.tolist(), strict=True))
    assert right >= 54


def test_repr_says_how_many_units_there_are():
    assert repr(BatchNorm(np.int64(3))) == "BatchNorm(3)"


# ---------------------------------------------------------------- errors

ONE = "BatchNorm(2) normalises over a mini-batch in training, and was given"
ONE_SAMPLE = "call model.on_batch(rows), with a forward_batch beside each forward of your own, or model.eval() to use what it has seen"
NO_VARIANCE = "in which nothing varies: choose a batch_size that leaves no such batch at the end, or call model.eval()"
FAULTS = {
    "one sample": (
        lambda: BatchNorm(2)([1.0, 2.0]),
        f"{ONE} one sample: {ONE_SAMPLE}",
    ),
    "one sample in a network": (
        lambda: Sequential(Layer(1, 2, rng=0), BatchNorm(2))([1.0]),
        f"{ONE} one sample: {ONE_SAMPLE}",
    ),
    "a batch of one": (
        lambda: BatchNorm(2).on_batch([[1.0, 2.0]]),
        f"{ONE} one of 1, {NO_VARIANCE}",
    ),
    "an empty batch": (
        lambda: BatchNorm(2).on_batch([]),
        f"{ONE} one of 0, {NO_VARIANCE}",
    ),
    "too few numbers": (
        lambda: BatchNorm(2).on_batch([[1.0, 2.0], [1.0]]),
        "BatchNorm(2) takes 2 inputs and was given 1: pass one number for each",
    ),
    "too many numbers in evaluation": (
        lambda: BatchNorm(2).eval()([1.0, 2.0, 3.0]),
        "BatchNorm(2) takes 2 inputs and was given 3: pass one number for each",
    ),
    "no units": (lambda: BatchNorm(0), "size is 0: pass a whole number from 1 up"),
    "a negative eps": (lambda: BatchNorm(2, eps=-1.0), "eps is -1.0: pass a finite number from 0 up"),
    "an eps of nan": (lambda: BatchNorm(2, eps=math.nan), "eps is nan: pass a finite number from 0 up"),
    "a momentum beyond 1": (
        lambda: BatchNorm(2, momentum=9),
        "momentum is 9: pass a number from 0 to 1, or None for the plain average",
    ),
}


@pytest.mark.parametrize(("call", "message"), FAULTS.values(), ids=FAULTS)
def test_what_cannot_be_normalised_is_refused(call, message):
    assert message_of(ArgumentError, call) == message


class Net(Module):
    """A network whose author has not thought of batches."""

    def __init__(self):
        self.norm = BatchNorm(2)

    def forward(self, x):
        return self.norm(x)


def test_a_forward_without_a_forward_batch_is_told_of_it():
    message = message_of(ArgumentError, lambda: Net().on_batch(Z.T.tolist()))
    assert message == f"{ONE} one sample: {ONE_SAMPLE}"


@pytest.mark.parametrize("momentum", [np.float32(0.25), Fraction(1, 4)])
def test_momentum_of_any_kind_of_number_gives_running_statistics_of_float64(momentum):
    layer, expected = BatchNorm(1, momentum=momentum), BatchNorm(1, momentum=0.25)
    for each in (layer, expected):
        each.on_batch([[0.1], [0.7], [0.3]])
    assert type(layer.momentum) is float
    assert (layer.running_mean.tolist(), layer.running_var.tolist()) == (
        expected.running_mean.tolist(),
        expected.running_var.tolist(),
    )
