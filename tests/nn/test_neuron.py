"""Neurons, layers and networks compute what the formulas say, and learn by nothing but the chain rule."""

import ast
from pathlib import Path
from random import Random

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad as hips_grad
from autograd.scipy.special import erf
from messages import message_of

import nn
from autograd_core import ArgumentError, OperandTypeError, Value, dot, ops, tanh
from autograd_core.op import OPS, Parametric, Unary
from nn import MLP, Layer, Module, Neuron, Sequential, init
from nn.losses import nllm, nllm_with_logits, squared_error
from nn.neuron import output_activation

FORMULAS = {
    "identity": lambda z: z,
    "relu": lambda z: anp.maximum(z, 0.0),
    "leaky_relu": lambda z: anp.where(z > 0.0, z, 0.01 * z),
    "elu": lambda z: anp.where(z > 0.0, z, anp.exp(z) - 1.0),
    "tanh": anp.tanh,
    "sigmoid": lambda z: 1.0 / (1.0 + anp.exp(-z)),
    "log_sigmoid": lambda z: -anp.log(1.0 + anp.exp(-z)),
    "softplus": lambda z: anp.log(1.0 + anp.exp(z)),
    "gelu": lambda z: 0.5 * z * (1.0 + erf(z / anp.sqrt(2.0))),
    "silu": lambda z: z / (1.0 + anp.exp(-z)),
    "sin": anp.sin,
    "square": lambda z: z * z,
}

X = np.random.default_rng(0).normal(size=(12, 3))


def with_biases(model):
    """Move the biases away from 0, where they would hide mistakes."""
    for i, p in enumerate(model.parameters()):
        p.data += 0.05 * (i % 7 - 3)
    return model


def numbers(outputs):
    return [y.data for y in outputs]


# ---------------------------------------------------------------- values


@pytest.mark.parametrize(("activation", "formula"), FORMULAS.items(), ids=FORMULAS)
def test_a_neuron_is_the_activation_of_the_weighted_sum(activation, formula):
    neuron = with_biases(Neuron(3, activation, rng=0))
    w, b = neuron.state_dict().values()
    outputs = [neuron(x).data for x in X.tolist()]
    np.testing.assert_allclose(outputs, formula(X @ w + b), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(("activation", "formula"), FORMULAS.items(), ids=FORMULAS)
def test_a_layer_is_the_activation_of_x_times_w_transposed(activation, formula):
    layer = with_biases(Layer(3, 4, activation, rng=0))
    W, b = layer.state_dict().values()
    outputs = [numbers(layer(x)) for x in X.tolist()]
    np.testing.assert_allclose(outputs, formula(X @ W.T + b), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(("activation", "formula"), FORMULAS.items(), ids=FORMULAS)
def test_an_mlp_is_its_layers_one_on_the_other(activation, formula):
    model = with_biases(MLP(3, [4, 5, 2], activation=activation, output="sigmoid", rng=0))
    W1, b1, W2, b2, W3, b3 = model.state_dict().values()
    expected = FORMULAS["sigmoid"](formula(formula(X @ W1.T + b1) @ W2.T + b2) @ W3.T + b3)
    outputs = [numbers(model(x)) for x in X.tolist()]
    np.testing.assert_allclose(outputs, expected, rtol=1e-12, atol=1e-14)


def test_a_sequential_is_its_modules_and_functions_one_on_the_other():
    model = with_biases(Sequential(Layer(3, 4, "tanh", rng=0), lambda row: [2.0 * y for y in row], Layer(4, 1, rng=1)))
    W1, b1, W2, b2 = model.state_dict().values()
    expected = np.maximum(2.0 * np.tanh(X @ W1.T + b1) @ W2.T + b2, 0.0)
    np.testing.assert_allclose([numbers(model(x)) for x in X.tolist()], expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", sorted(name for name, op in OPS.items() if isinstance(op, Unary | Parametric)))
def test_every_op_of_one_number_is_an_activation(name):
    neuron = Neuron(1, name, bias=False, init=lambda *_: 0.5)
    assert neuron([0.75]).data == OPS[name](0.375)


@pytest.mark.parametrize("activation", [tanh, lambda v: v.tanh()], ids=["op", "function"])
def test_a_function_of_a_value_is_an_activation(activation):
    assert Neuron(2, activation, rng=0)([0.5, 1.0]).data == Neuron(2, "tanh", rng=0)([0.5, 1.0]).data


def test_sizes_may_be_numpys():
    model = MLP(np.int64(2), [np.int32(3), np.uint8(1)], rng=0)
    assert repr(model) == "MLP([Layer(2, 3, 'relu'), Layer(3, 1, 'identity')])"


def test_relu_is_the_activation_unless_another_is_named_and_the_last_layer_has_none():
    assert Neuron(1, rng=0).activation == "relu"
    assert [layer.neurons[0].activation for layer in MLP(1, [2, 2, 1], rng=0).layers] == ["relu", "relu", "identity"]


def test_a_neuron_without_bias_is_the_weighted_sum_alone():
    neuron = Neuron(2, "identity", bias=False, rng=0)
    assert neuron.b is None
    assert neuron([0.0, 0.0]).data == 0.0
    assert len(neuron.parameters()) == 2
    assert len(Layer(2, 3, bias=False, rng=0).parameters()) == 6


@pytest.mark.parametrize(("nonlin", "activation"), [(True, "relu"), (False, "identity"), (None, "tanh")])
def test_micrograds_nonlin_switches_between_relu_and_nothing(nonlin, activation):
    assert Neuron(2, "tanh", nonlin=nonlin, rng=0).activation == activation
    assert Layer(2, 1, "tanh", nonlin=nonlin, rng=0).neurons[0].activation == activation


def test_one_output_comes_as_a_value_and_several_as_a_row():
    assert isinstance(MLP(2, [3, 1], rng=0)([1.0, 2.0]), Value)
    assert isinstance(MLP(2, [3, 2], rng=0)([1.0, 2.0]), tuple)
    assert isinstance(Layer(2, 1, rng=0)([1.0, 2.0]), tuple)
    assert isinstance(Neuron(2, rng=0)([1.0, 2.0]), Value)


@pytest.mark.parametrize(
    "x",
    [[0.5, 2], (0.5, 2.0), np.array([0.5, 2.0]), [np.float32(0.5), Value(2.0)], iter([0.5, 2.0])],
    ids=["list", "tuple", "array", "mixed", "iterator"],
)
def test_inputs_are_any_row_of_numbers(x):
    model = MLP(2, [3, 1], rng=0)
    assert model(x).data == model([Value(0.5), Value(2.0)]).data


def test_a_neuron_records_one_node_for_its_sum_one_for_its_bias_and_one_for_its_activation():
    y = Neuron(3, "tanh", rng=0)([1.0, 2.0, 3.0])
    assert y.op is ops.tanh
    assert y.inputs[0].op is ops.add
    assert y.inputs[0].inputs[0].op is ops.dot
    assert Neuron(3, "identity", bias=False, rng=0)([1.0, 2.0, 3.0]).op is ops.dot


def test_the_neurons_of_a_layer_share_one_row_of_inputs():
    first, second = Layer(3, 2, "identity", bias=False, rng=0)([1.0, 2.0, 3.0])
    assert first.operands[1] is second.operands[1]


# ---------------------------------------------------------------- softmax


def test_an_mlp_may_end_in_a_softmax_of_its_linear_last_layer():
    model = with_biases(MLP(3, [4, 3], "tanh", "softmax", rng=0))
    W1, b1, W2, b2 = model.state_dict().values()
    scores = np.tanh(X @ W1.T + b1) @ W2.T + b2
    expected = np.exp(scores) / np.sum(np.exp(scores), axis=1, keepdims=True)
    np.testing.assert_allclose([numbers(model(x)) for x in X.tolist()], expected, rtol=1e-13)
    np.testing.assert_allclose([numbers(row) for row in model.on_batch(X.tolist())], expected, rtol=1e-13)


def test_a_softmax_changes_neither_the_names_of_the_state_nor_the_weights_of_a_seed():
    linear, model = MLP(3, [4, 3], rng=0), MLP(3, [4, 3], output="softmax", rng=0)
    assert list(model.state_dict()) == list(linear.state_dict())
    assert [p.data for p in model.parameters()] == [p.data for p in linear.parameters()]
    assert isinstance(model([0.1, 0.2, 0.3]), tuple)


def test_the_slope_of_nllm_by_the_scores_under_a_softmax_is_output_minus_target():
    """Catalogue: mit.loss.nllm.dZ. The biases of the layer stand for the scores."""
    layer = Layer(1, 3, "softmax", init="zero", rng=0)
    layer.load_state_dict({"weight": [[0.0]] * 3, "bias": [0.2, -0.5, 1.3]})
    nllm(layer([1.0]), 1).backward()
    assert [neuron.b.grad for neuron in layer.neurons] == pytest.approx([0.2221851258, -0.8896661318, 0.667481006])


def test_the_gradient_through_a_softmax_agrees_with_hips_autograd():
    model = with_biases(MLP(3, [4, 3], "tanh", "softmax", rng=0))
    T = np.random.default_rng(1).normal(size=(12, 3))
    for x, t in zip(X.tolist(), T.tolist(), strict=True):
        squared_error(model(x), t).backward()

    def loss(p):
        H = anp.tanh(anp.dot(X, p["layers.0.weight"].T) + p["layers.0.bias"])
        E = anp.exp(anp.dot(H, p["layers.1.weight"].T) + p["layers.1.bias"])
        return anp.sum((E / anp.sum(E, axis=1, keepdims=True) - T) ** 2)

    assert_same_gradients(model, loss)


def test_micrograds_nonlin_outdoes_a_softmax_too():
    assert repr(Layer(2, 2, "softmax", nonlin=False)) == "Layer(2, 2, 'identity')"


class Squashed(MLP):
    def forward(self, x):
        return super().forward(x).sigmoid()


class Declared(Squashed):
    output_activation = "sigmoid"


OUTPUT_ACTIVATIONS = {
    "an MLP": (lambda: MLP(2, [3, 2], "tanh", "sigmoid"), "sigmoid"),
    "an MLP by default": (lambda: MLP(2, [3, 2]), "identity"),
    "an MLP with a softmax": (lambda: MLP(2, [3, 2], output="softmax"), "softmax"),
    "a layer": (lambda: Layer(2, 2, "tanh"), "tanh"),
    "a neuron": (lambda: Neuron(2), "relu"),
    "an op for an activation": (lambda: MLP(2, [2], output=tanh), "tanh"),
    "a function for an activation": (lambda: MLP(2, [2], output=lambda v: v.tanh()), None),
    "a layer last": (lambda: Sequential(Layer(2, 2), Layer(2, 1, "sigmoid")), "sigmoid"),
    "an MLP last": (lambda: Sequential(Layer(2, 2), MLP(2, [1])), "identity"),
    "a function last": (lambda: Sequential(Layer(2, 2), lambda row: row), None),
    "softmax last": (lambda: Sequential(Layer(2, 2, "identity"), ops.softmax), "softmax"),
    "nothing at all": (Sequential, None),
    "an op": (lambda: ops.sigmoid, "sigmoid"),
    "a function": (lambda: len, None),
    "a module that computes more": (lambda: Squashed(2, [1]), None),
    "one that says so": (lambda: Declared(2, [1]), "sigmoid"),
    "one that says nothing": (Module, None),
}


@pytest.mark.parametrize(("make", "name"), OUTPUT_ACTIVATIONS.values(), ids=OUTPUT_ACTIVATIONS)
def test_the_activation_that_outputs_come_through_is_known_by_name_or_not_at_all(make, name):
    assert output_activation(make()) == name


def test_neurons_of_several_kinds_have_no_output_activation_in_common():
    layer = Layer(2, 2, rng=0)
    layer.neurons = (Neuron(2, "tanh", rng=0), Neuron(2, "relu", rng=0))
    assert output_activation(layer) is None


# ---------------------------------------------------------------- repr and errors

REPRS = {
    "Neuron(3, 'relu')": lambda: Neuron(3),
    "Neuron(3, 'tanh', bias=False)": lambda: Neuron(3, "tanh", bias=False),
    "Layer(2, 4, 'sigmoid')": lambda: Layer(2, 4, "sigmoid"),
    "Layer(2, 4, 'relu', bias=False)": lambda: Layer(2, 4, bias=False),
    "MLP([Layer(2, 3, 'relu'), Layer(3, 1, 'identity')])": lambda: MLP(2, [3, 1]),
    "MLP([Layer(2, 3, 'relu'), Layer(3, 2, 'softmax')])": lambda: MLP(2, [3, 2], output="softmax"),
    "Layer(2, 4, 'softmax', bias=False)": lambda: Layer(2, 4, "softmax", bias=False),
    "Sequential(Layer(2, 1, 'relu'), Neuron(1, 'tanh'))": lambda: Sequential(Layer(2, 1), Neuron(1, "tanh")),
}


@pytest.mark.parametrize(("text", "make"), REPRS.items(), ids=REPRS)
def test_repr_says_what_it_is_made_of(text, make):
    assert repr(make()) == text


def test_repr_says_the_same_whatever_the_bias_is():
    neuron = Neuron(1, rng=0)
    for b in (0.0, 1.0):
        neuron.b.data = b
        assert repr(neuron) == "Neuron(1, 'relu')"


ACTIVATIONS = ", ".join(sorted(name for name, op in OPS.items() if isinstance(op, Unary | Parametric)))
UNKNOWN_INIT = (
    "there is no initialiser named 'xavier': choose one of he, he_uniform, glorot, glorot_normal, gaussian_variance, "
    "gaussian_deviation, normal, uniform, zero, or constant(number)"
)
FAULTS = {
    "no inputs": (lambda: Neuron(0), "nin is 0: pass a whole number from 1 up"),
    "inputs in part": (lambda: Layer(2.5, 1), "nin is 2.5: pass a whole number from 1 up"),
    "no outputs": (lambda: Layer(2, 0), "nout is 0: pass a whole number from 1 up"),
    "outputs below zero": (lambda: MLP(2, [3, -1]), "nout is -1: pass a whole number from 1 up"),
    "no layers": (lambda: MLP(2, []), "nouts is []: name the size of each layer, as in [16, 1]"),
    "unknown activation": (
        lambda: Neuron(2, "swish"),
        f"there is no activation named 'swish': choose one of {ACTIVATIONS}",
    ),
    "an op of two numbers": (
        lambda: MLP(2, [2, 1], "hypot"),
        f"there is no activation named 'hypot': choose one of {ACTIVATIONS}",
    ),
    "the softmax of one number": (
        lambda: Neuron(2, "softmax"),
        "softmax is of a whole row of outputs: give it to a Layer, or to an MLP as its output",
    ),
    "unknown initialiser": (lambda: MLP(2, [2, 1], init="xavier"), UNKNOWN_INIT),
    "unknown initialiser of biases": (lambda: MLP(2, [2, 1], bias_init="xavier"), UNKNOWN_INIT),
    "inputs of a neuron": (
        lambda: Neuron(2)([1.0]),
        "Neuron(2, 'relu') takes 2 inputs and was given 1: pass one number for each",
    ),
    "inputs of a layer": (
        lambda: Layer(2, 3, "tanh", bias=False)([1.0, 2.0, 3.0]),
        "Layer(2, 3, 'tanh', bias=False) takes 2 inputs and was given 3: pass one number for each",
    ),
    "inputs of a network": (
        lambda: MLP(2, [3, 1])([]),
        "Layer(2, 3, 'relu') takes 2 inputs and was given 0: pass one number for each",
    ),
}


@pytest.mark.parametrize(("call", "message"), FAULTS.values(), ids=FAULTS)
def test_a_network_that_cannot_be_is_refused(call, message):
    assert message_of(ArgumentError, call) == message


def test_the_activations_that_an_error_lists_are_the_usual_ones_too():
    assert set(FORMULAS) <= set(ACTIVATIONS.split(", "))


def test_an_input_that_is_no_number_is_refused():
    message = message_of(OperandTypeError, lambda: MLP(2, [1], rng=0)([1.0, "2"]))
    assert message == "'2' of type str is no real number: convert it first, with float(...)"


# ---------------------------------------------------------------- gradients


def gradients_by_name(model):
    """Return the gradients in the form of the state."""
    weights = [p.data for p in model.parameters()]
    grads = [p.grad for p in model.parameters()]
    for p, g in zip(model.parameters(), grads, strict=True):
        p.data = g
    by_name = model.state_dict()
    for p, w in zip(model.parameters(), weights, strict=True):
        p.data = w
    return by_name


def assert_same_gradients(model, loss):
    """Compare the gradients of a model with those of a function of its state, by HIPS autograd."""
    expected = hips_grad(loss)(model.state_dict())
    found = gradients_by_name(model)
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        assert np.any(gradient)
        np.testing.assert_allclose(found[name], gradient, rtol=0.0, atol=1e-12, err_msg=name)


@pytest.mark.parametrize(("activation", "formula"), FORMULAS.items(), ids=FORMULAS)
def test_the_gradient_of_every_weight_agrees_with_hips_autograd(activation, formula):
    model = with_biases(MLP(3, [5, 4, 2], activation=activation, init="glorot", rng=0))
    T = np.random.default_rng(1).normal(size=(12, 2))
    for x, t in zip(X.tolist(), T.tolist(), strict=True):
        squared_error(model(x), t).backward()

    def loss(p):
        H = X
        for i, g in enumerate([formula, formula, FORMULAS["identity"]]):
            H = g(anp.dot(H, p[f"layers.{i}.weight"].T) + p[f"layers.{i}.bias"])
        return anp.sum((H - T) ** 2)

    assert_same_gradients(model, loss)


def test_the_gradient_of_a_classifier_agrees_with_hips_autograd():
    model = with_biases(MLP(3, [4, 3], activation="tanh", rng=0))
    classes = [0, 1, 2] * 4
    for x, k in zip(X.tolist(), classes, strict=True):
        nllm_with_logits(model(x), k).backward()

    def loss(p):
        H = anp.tanh(anp.dot(X, p["layers.0.weight"].T) + p["layers.0.bias"])
        Z = anp.dot(H, p["layers.1.weight"].T) + p["layers.1.bias"]
        return anp.sum(anp.log(anp.sum(anp.exp(Z), axis=1)) - Z[np.arange(12), classes])

    assert_same_gradients(model, loss)


def test_the_gradient_of_every_weight_agrees_with_central_differences():
    model = with_biases(MLP(3, [4, 4, 1], activation="tanh", rng=0))
    x, h = [0.3, -0.8, 0.5], 1e-5
    squared_error(model(x), 0.25).backward()
    for name, p in model.named_parameters():
        start = p.data
        p.data = start + h
        ahead = squared_error(model(x), 0.25).data
        p.data = start - h
        behind = squared_error(model(x), 0.25).data
        p.data = start
        assert p.grad == pytest.approx((ahead - behind) / (2.0 * h), abs=1e-8), name


def test_the_gradient_reaches_the_inputs():
    model = with_biases(MLP(3, [4, 1], activation="tanh", rng=0))
    x = [Value(0.3), Value(-0.8), Value(0.5)]
    model(x).backward()
    W1, b1, W2, _ = model.state_dict().values()
    slope = 1.0 - np.tanh(W1 @ numbers(x) + b1) ** 2
    np.testing.assert_allclose([v.grad for v in x], (W2[0] * slope) @ W1, rtol=1e-13)


class Wired(Module):
    """No chain of layers: one layer used twice, inputs that skip ahead, and a neuron that takes its weights from it."""

    def __init__(self):
        self.first = Layer(3, 4, "tanh", rng=0)
        self.again = Layer(4, 4, "sigmoid", rng=1)
        self.gate = Neuron(7, "sigmoid", rng=2)
        self.head = Neuron(5, "identity", rng=3)

    def forward(self, x):
        h1 = self.first(x)
        h2 = self.again(h1)
        h3 = self.again([a + b for a, b in zip(h1, h2, strict=True)])
        gate = self.gate((*h2, *x))
        mixed = [gate * a + (1.0 - gate) * b for a, b in zip(h3, h1, strict=True)]
        return self.head([*mixed, gate]) + dot(self.again.neurons[0].w, h2)


def wired_in_numpy(p, x):
    sigmoid = FORMULAS["sigmoid"]
    h1 = anp.tanh(anp.dot(p["first.weight"], x) + p["first.bias"])
    h2 = sigmoid(anp.dot(p["again.weight"], h1) + p["again.bias"])
    h3 = sigmoid(anp.dot(p["again.weight"], h1 + h2) + p["again.bias"])
    gate = sigmoid(anp.dot(p["gate.weight"], anp.concatenate([h2, x])) + p["gate.bias"])
    mixed = gate * h3 + (1.0 - gate) * h1
    head = anp.dot(p["head.weight"][:4], mixed) + p["head.weight"][4] * gate + p["head.bias"]
    return head + anp.dot(p["again.weight"][0], h2)


def test_any_acyclic_wiring_with_shortcuts_and_shared_weights_is_a_network():
    model = with_biases(Wired())
    expected = [wired_in_numpy(model.state_dict(), x) for x in X]
    np.testing.assert_allclose(numbers(map(model, X.tolist())), expected, rtol=1e-13)
    for x in X.tolist():
        squared_error(model(x), 1.0).backward()
    assert_same_gradients(model, lambda p: sum((wired_in_numpy(p, x) - 1.0) ** 2 for x in X))


# ---------------------------------------------------------------- seeds


@pytest.mark.parametrize(
    "make", [lambda s: Neuron(5, rng=s), lambda s: Layer(4, 3, rng=s), lambda s: MLP(3, [4, 1], rng=s)]
)
def test_the_same_seed_gives_the_same_weights_to_the_bit_and_another_seed_others(make):
    weights = [[p.data for p in make(seed).parameters()] for seed in (7, 7, 8)]
    assert weights[0] == weights[1] != weights[2]
    assert [p.data for p in make(Random(7)).parameters()] == weights[0]


def test_without_a_seed_weights_differ_each_time():
    assert Neuron(5).state_dict()["weight"].tolist() != Neuron(5).state_dict()["weight"].tolist()


def test_weights_are_drawn_neuron_by_neuron_from_one_generator():
    model = MLP(2, [3, 1], init="uniform", rng=7)
    rng = Random(7)
    drawn = [rng.uniform(-1.0, 1.0) for _ in range(9)]
    assert [w.data for layer in model.layers for neuron in layer.neurons for w in neuron.w] == drawn


def test_a_generator_that_is_passed_goes_on_where_it_was():
    rng = Random(7)
    assert [p.data for p in Layer(2, 2, rng=rng).parameters()] != [p.data for p in Layer(2, 2, rng=rng).parameters()]


def test_the_global_generator_is_neither_used_nor_moved():
    import random

    random.seed(1)
    expected = random.random()
    random.seed(1)
    MLP(2, [3, 1])
    assert random.random() == expected


def test_biases_start_at_zero():
    assert [neuron.b.data for layer in MLP(2, [3, 2], rng=0).layers for neuron in layer.neurons] == [0.0] * 5


def test_biases_are_drawn_neuron_by_neuron_after_the_weights():
    model = MLP(2, [3, 1], init="uniform", bias_init="normal", rng=7)
    rng, expected = Random(7), []
    for nin, nout in ((2, 3), (3, 1)):
        for _ in range(nout):
            expected += [rng.uniform(-1.0, 1.0) for _ in range(nin)] + [rng.gauss(0.0, 1.0)]
    drawn = [p.data for layer in model.layers for neuron in layer.neurons for p in neuron.parameters()]
    assert drawn == expected


@pytest.mark.parametrize("make", [lambda **o: MLP(2, [3], **o), lambda **o: Layer(2, 3, **o)], ids=["MLP", "Layer"])
def test_biases_may_start_at_a_constant(make):
    assert make(bias_init=init.constant(0.1)).state_dict().popitem()[1].tolist() == [0.1] * 3


def test_biases_that_start_at_a_number_take_nothing_from_the_generator():
    """So that a seed gives the same weights with them and without."""
    with_bias = [Layer(3, 4, rng=7, bias_init=b).state_dict()["weight"] for b in ("zero", init.constant(0.1))]
    without = Layer(3, 4, bias=False, rng=7).state_dict()["weight"]
    assert with_bias[0].tolist() == with_bias[1].tolist() == without.tolist()


def test_an_initialiser_is_told_the_inputs_and_outputs_of_the_layer():
    told = []

    def init(rng, nin, nout):
        told.append((nin, nout))
        return 0.5

    model = MLP(3, [2, 1], init=init, rng=0)
    assert told == [(3, 2)] * 6 + [(2, 1)] * 2
    assert {w.data for layer in model.layers for neuron in layer.neurons for w in neuron.w} == {0.5}


# ---------------------------------------------------------------- nothing but the chain rule

# The lectures' formulas are written by hand on purpose, and nothing in nn reads them: the import contract sees to that.
SOURCES = sorted(path for path in Path(nn.__file__).parent.rglob("*.py") if "lectures" not in path.parts)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_file_of_nn_has_a_backward_pass_or_a_gradient_written_by_hand(path):
    backward, assigned = by_hand(ast.parse(path.read_text(encoding="utf-8")))
    assert backward == []
    assert set(assigned) <= {"0.0"}


def test_the_check_for_hand_written_gradients_finds_them():
    source = "def _backward(self): ...\nvjp = lambda g: g\np.grad = 0.0\np.grad += d\np.grad, q = d, 1\nsetattr(p, '_adjoint', d)"
    assert by_hand(ast.parse(source)) == (["_backward", "vjp"], ["0.0", "+=", "d, 1", "setattr"])


def by_hand(tree):
    """Return the names of functions that look like a backward pass, and what is assigned to gradients."""
    backward, assigned = [], []
    for node in ast.walk(tree):
        names = []
        targets, number = [], ""
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names = [name]
            case ast.Assign(targets=found, value=value):
                targets, number = found, ast.unparse(value).strip("()")
            case ast.AnnAssign(target=target, value=value) if value:
                targets, number = [target], ast.unparse(value)
            case ast.AugAssign(target=target):
                targets, number = [target], "+="
            case ast.Call(func=ast.Name(id="setattr"), args=[_, ast.Constant(value="grad" | "_adjoint"), *_]):
                assigned.append("setattr")
        parts = [part for target in targets for part in ast.walk(target)]
        names += [part.id for part in parts if isinstance(part, ast.Name)]
        backward += [name for name in names if name.strip("_") in ("backward", "vjp", "pullback", "pull")]
        if any(isinstance(part, ast.Attribute) and part.attr in ("grad", "_adjoint") for part in parts):
            assigned.append(number)
    return backward, assigned
