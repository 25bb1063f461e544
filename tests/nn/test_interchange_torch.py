"""PyTorch as the other side: the same names, outputs and gradients, there and back."""

from collections import OrderedDict

import numpy as np
import pytest
from messages import message_of

torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'autograd-core[torch]'")

from autograd_core import ArgumentError  # noqa: E402 - after the skip
from autograd_core.op import OPS, Parametric, Unary  # noqa: E402
from autograd_core.ops import softmax, square  # noqa: E402
from nn import MLP, Layer, Sequential, io  # noqa: E402
from nn.batchnorm import BatchNorm  # noqa: E402
from nn.dropout import Dropout, Noise  # noqa: E402
from nn.interchange import Elementwise, from_torch, to_torch  # noqa: E402

X = np.random.default_rng(0).normal(scale=2.0, size=(7, 3))
SHARED = ["elu", "gelu", "identity", "leaky_relu", "log_sigmoid", "relu", "sigmoid", "silu", "softplus", "tanh"]
TAKES = (
    "build the model of Layer, MLP, Sequential, Elementwise, softmax, Dropout and BatchNorm, with elu, gelu, identity, "
    "leaky_relu, log_sigmoid, relu, sigmoid, silu, softplus, tanh; dropout inverted, and ε inside the root"
)


def shuffled(model, seed=1):
    """Give every parameter and buffer a number of its own, biases included."""
    rng = np.random.default_rng(seed)
    for _, buffer in model.named_buffers():
        if buffer.shape:
            buffer[...] = rng.uniform(0.5, 2.0, size=buffer.shape)
    for p in model.parameters():
        p.data = float(rng.normal())
    return model


def outputs(model, rows=X):
    found = [[y] if not isinstance(y, tuple | list) else y for y in model.on_batch(rows.tolist())]
    return np.array([[y.data for y in row] for row in found])


def gradients(model, rows=X):
    """Return the gradient of Σ k y_k² over all samples, as arrays by name."""
    model.zero_grad()
    total = 0.0
    for row in model.on_batch(rows.tolist()):
        for k, y in enumerate(row if isinstance(row, tuple | list) else [row]):
            total = total + square(y) * (k + 1.0)
    total.backward()
    by_name = {}
    for name, p in model.named_parameters():
        by_name.setdefault(name.partition("[")[0], []).append(p.grad)
    return [np.array(numbers) for numbers in by_name.values()]


def torch_gradients(network, rows=X):
    network.zero_grad()
    y = network(torch.from_numpy(rows))
    (y**2 * torch.arange(1.0, y.shape[1] + 1.0, dtype=torch.float64)).sum().backward()
    return [p.grad.numpy().ravel() for p in network.parameters()]


def assert_the_same(model, network):
    """Compare outputs and all gradients to 1e-12, and what the network is made of."""
    assert type(network) is torch.nn.Sequential
    assert {p.dtype for p in network.parameters()} <= {torch.float64}
    with torch.no_grad():
        np.testing.assert_allclose(network(torch.from_numpy(X)).numpy(), outputs(model), rtol=1e-12, atol=1e-12)
    ours, theirs = gradients(model), torch_gradients(network)
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


# ---------------------------------------------------------------- to PyTorch


MODELS = {
    "a layer": lambda: Layer(3, 4, "tanh", rng=0),
    "a layer without bias": lambda: Layer(3, 2, "sigmoid", bias=False, rng=0),
    "one output": lambda: MLP(3, [4, 1], "gelu", rng=0),
    "no hidden layer": lambda: MLP(3, [2], rng=0),
    "deep": lambda: MLP(3, [5, 4, 3, 2], "tanh", "sigmoid", rng=0),
    "probabilities": lambda: MLP(3, [5, 4], "relu", "softmax", rng=0),
    "layers in a row": lambda: Sequential(Layer(3, 4, "silu", rng=0), Layer(4, 2, "identity", bias=False, rng=1)),
    "activations by themselves": lambda: Sequential(
        Layer(3, 4, "identity", rng=0), Elementwise("tanh"), Layer(4, 3, "identity", rng=1), softmax
    ),
    "a row in a row": lambda: Sequential(
        Sequential(Layer(3, 3, "elu", rng=0), Layer(3, 4, rng=2)), MLP(4, [3, 2], rng=1)
    ),
    "batch normalisation": lambda: Sequential(
        Layer(3, 4, "identity", rng=0), BatchNorm(4, eps=1e-3, momentum=0.3), Elementwise("relu"), Layer(4, 2, rng=1)
    ),
    "batch normalisation alone": lambda: Sequential(Layer(3, 4, "tanh", rng=0), BatchNorm(4, affine=False, momentum=None)),
}  # fmt: skip


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("training", [True, False], ids=["in training", "in evaluation"])
def test_the_network_computes_what_the_model_does_and_so_do_its_gradients(make, training):
    model = shuffled(make()).train(training)
    network = to_torch(model)
    assert {part.training for part in network.modules() if not isinstance(part, torch.nn.Softmax)} == {training}
    assert_the_same(model, network)


@pytest.mark.parametrize("name", SHARED)
def test_every_activation_that_pytorch_has_is_the_same_there(name):
    """Far out too, where PyTorch's softplus would take a short cut."""
    z = np.concatenate([np.linspace(-60.0, 60.0, 481), [-700.0, -1e-9, 1e-9, 700.0]])
    model = Sequential(Layer(1, 1, name, init=lambda *_: 1.0))
    network = to_torch(model)
    with torch.no_grad():
        there = network(torch.from_numpy(z[:, None])).numpy()
    np.testing.assert_allclose(there, outputs(model, z[:, None]), rtol=1e-12, atol=1e-15)
    assert outputs(model, z[:, None]).tolist() == outputs(from_torch(network), z[:, None]).tolist()


def test_the_activations_are_all_those_that_the_table_and_pytorch_share():
    unary = [name for name, op in OPS.items() if isinstance(op, Unary | Parametric)]
    spelt = {name.lower() for name in torch.nn.modules.activation.__all__} | {"identity"}
    assert sorted(name for name in unary if name.replace("_", "") in spelt) == SHARED


@pytest.mark.parametrize(("name", "parameter"), [("leaky_relu", 0.2), ("elu", 2.5)])
def test_the_parameter_of_an_activation_goes_there_and_back(name, parameter):
    model = shuffled(Sequential(Layer(3, 2, "identity", rng=0), Elementwise(name, parameter)))
    network = to_torch(model)
    assert_the_same(model, network)
    assert repr(from_torch(network)) == repr(model)


def test_the_names_and_layout_are_pytorchs_where_activations_are_modules_of_their_own():
    model = shuffled(
        Sequential(Layer(3, 5, "identity", rng=0), Elementwise("relu"), Layer(5, 2, "identity", rng=1), BatchNorm(2))
    )
    plain = torch.nn.Sequential(
        torch.nn.Linear(3, 5), torch.nn.ReLU(), torch.nn.Linear(5, 2), torch.nn.BatchNorm1d(2)
    ).double()
    shapes = {name: tuple(tensor.shape) for name, tensor in plain.state_dict().items()}
    assert {name: array.shape for name, array in model.state_dict().items()} == shapes
    assert list(shapes)[:4] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    plain.load_state_dict({name: torch.from_numpy(array) for name, array in model.state_dict().items()})
    assert_the_same(model, plain)
    for p in plain.parameters():
        torch.nn.init.normal_(p)
    model.load_state_dict({name: tensor.numpy() for name, tensor in plain.state_dict().items()})
    assert_the_same(model, plain)


def test_an_mlp_is_the_sequential_that_everybody_writes():
    network = to_torch(MLP(2, [4, 3], "tanh", "softmax", rng=0))
    assert [type(module).__name__ for module in network] == ["Linear", "Tanh", "Linear", "Softmax"]
    assert list(network.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]


def test_the_weights_are_copies():
    model = MLP(2, [1], rng=0)
    network = to_torch(model)
    before = model([1.0, 2.0]).data
    with torch.no_grad():
        for p in network.parameters():
            p.add_(1.0)
    assert model([1.0, 2.0]).data == before


def test_a_module_that_is_used_twice_stays_one():
    layer = Layer(3, 3, "tanh", rng=0)
    model = Sequential(layer, layer)
    network = to_torch(model)
    assert network[0] is network[2]
    assert_the_same(model, network)
    back = from_torch(network)
    assert back.modules[0] is back.modules[2]
    assert_the_same(back, network)


def test_pytorchs_own_generator_is_left_alone():
    before = torch.get_rng_state()
    to_torch(MLP(2, [4, 1], rng=0))
    assert torch.equal(torch.get_rng_state(), before)


def test_dropout_drops_as_often_and_scales_as_much_on_both_sides():
    model = Sequential(Dropout(drop=0.25, rng=0), Layer(3, 1, "identity", rng=0))
    network = to_torch(model)
    assert (type(network[0]), network[0].p) == (torch.nn.Dropout, 0.25)
    assert_the_same(model.eval(), network.eval())
    ones = np.ones((4000, 3))
    for made in (network[0].train()(torch.from_numpy(ones)).numpy(), outputs(model.modules[0].train(), ones)):
        assert sorted(set(made.ravel().tolist())) == [0.0, 1.0 / 0.75]
        assert np.mean(made == 0.0) == pytest.approx(0.25, abs=0.02)


class Doubled(Layer):
    def forward(self, x):
        return tuple([y + y for y in super().forward(x)])


UNKNOWN = {
    "an op that torch.nn has not": (lambda: MLP(2, [3, 1], "sin", rng=0), "Elementwise('sin')"),
    "a function": (lambda: Layer(2, 3, square, rng=0), "Elementwise('square')"),
    "a lambda": (lambda: Layer(2, 3, lambda z: z * z, rng=0), "Layer(2, 3, '<lambda>')"),
    "the printed dropout": (lambda: Sequential(Dropout(keep=0.5, inverted=False)), "Dropout(keep=0.5, inverted=False)"),
    "noise": (lambda: Sequential(Noise(0.1)), "Noise(0.1)"),
    "ε outside": (lambda: Sequential(BatchNorm(2, eps_inside_root=False)), "BatchNorm(2)"),
    "a subclass": (lambda: Doubled(2, 1, rng=0), "Layer(2, 1, 'relu')"),
    "a plain function": (lambda: Sequential(abs), "<built-in function abs>"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "shown"), UNKNOWN.values(), ids=UNKNOWN)
def test_what_pytorch_has_no_module_for_is_named(make, shown):
    message = message_of(ArgumentError, lambda: to_torch(make()))
    assert message == f"PyTorch has no module that computes what {shown} does: {TAKES}"


# ---------------------------------------------------------------- from PyTorch


def networks():
    torch.manual_seed(0)
    nn = torch.nn
    return {
        "linear": nn.Sequential(nn.Linear(3, 2)),
        "usual": nn.Sequential(nn.Linear(3, 5), nn.ReLU(inplace=True), nn.Linear(5, 1, bias=False), nn.Sigmoid()),
        "every activation": nn.Sequential(
            nn.Linear(3, 4), nn.ELU(), nn.GELU(), nn.Identity(), nn.LeakyReLU(0.3), nn.SiLU(), nn.Softplus(), nn.Tanh(),
            nn.LogSigmoid(),
        ),
        "nested": nn.Sequential(nn.Sequential(nn.Linear(3, 3), nn.Tanh()), nn.Sequential(nn.Linear(3, 2))),
        "probabilities": nn.Sequential(nn.Linear(3, 4), nn.Softmax(dim=1)),
        "normalised": nn.Sequential(nn.BatchNorm1d(3, affine=False), nn.Linear(3, 4), nn.BatchNorm1d(4, eps=0.1), nn.Tanh()),
    }  # fmt: skip


@pytest.mark.parametrize("kind", networks())
@pytest.mark.parametrize("training", [True, False], ids=["in training", "in evaluation"])
def test_the_model_computes_what_the_network_does_and_so_do_its_gradients(kind, training):
    network = networks()[kind].double().train(training)
    model = from_torch(network)
    assert model.training is training
    assert list(model.state_dict()) == list(network.state_dict()) or kind == "normalised"
    assert {name: a.shape for name, a in model.state_dict().items()} == {
        name: tuple(tensor.shape) for name, tensor in network.state_dict().items()
    }
    assert_the_same(model, network)


def there(model):
    return model, to_torch(model)


def back(network):
    return from_torch(network), network


@pytest.mark.parametrize("momentum", [0.1, 0.3, None])
@pytest.mark.parametrize(
    "make",
    [
        lambda momentum: there(Sequential(BatchNorm(3, momentum=momentum), Layer(3, 2, rng=0))),
        lambda momentum: back(
            torch.nn.Sequential(torch.nn.BatchNorm1d(3, momentum=momentum), torch.nn.ReLU()).double()
        ),
    ],
    ids=["to PyTorch", "from PyTorch"],
)
def test_the_running_averages_go_on_alike(make, momentum):
    model, network = make(momentum)
    for seed in range(3):
        rows = np.random.default_rng(seed).normal(size=(5, 3))
        network(torch.from_numpy(rows))
        model.on_batch(rows.tolist())
    averages = ("0.running_mean", "0.running_var", "0.num_batches_tracked")
    for name in averages:
        np.testing.assert_allclose(model.state_dict()[name], network.state_dict()[name].numpy(), rtol=1e-12, atol=1e-14)
    assert_the_same(model.eval(), network.eval())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_smaller_floats_are_converted_exactly(dtype):
    network = networks()["usual"].to(dtype)
    model = from_torch(network)
    for name, tensor in network.state_dict().items():
        assert model.state_dict()[name].ravel().tolist() == [float(w) for w in tensor.ravel()]


def test_a_dropout_draws_from_the_generator_that_was_given():
    network = torch.nn.Sequential(torch.nn.Dropout(0.5), torch.nn.Dropout(0.1))
    first, second = (outputs(from_torch(network, rng=3), np.ones((9, 4))) for _ in range(2))
    assert first.tolist() == second.tolist()
    assert from_torch(network).modules[1].keep == 0.9


def there_and_back(model):
    return from_torch(to_torch(model))


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_what_goes_there_and_back_is_the_same_function_to_the_bit(make):
    model = shuffled(make()).eval()
    assert outputs(there_and_back(model)).tolist() == outputs(model).tolist()


NOT_SEQUENTIAL = {
    "a module": (lambda: torch.nn.Linear(3, 2), "Linear(in_features=3, out_features=2, bias=True)"),
    "no network": (lambda: "model.pt", "'model.pt'"),
    "a state": (dict, "{}"),
}
FOREIGN = {
    "convolution": lambda: torch.nn.Conv2d(1, 2, 3),
    "another GELU": lambda: torch.nn.GELU("tanh"),
    "another softplus": lambda: torch.nn.Softplus(beta=2.0),
    "softmax over the batch": lambda: torch.nn.Softmax(dim=0),
    "an activation with weights": torch.nn.PReLU,
    "no running averages": lambda: torch.nn.BatchNorm1d(2, track_running_stats=False),
    "a subclass": lambda: type("Mine", (torch.nn.Linear,), {})(1, 1),
}


@pytest.mark.parametrize(("make", "shown"), NOT_SEQUENTIAL.values(), ids=NOT_SEQUENTIAL)
def test_only_a_sequential_is_taken(make, shown):
    message = message_of(ArgumentError, lambda: from_torch(make()))
    assert message == f"{shown} is no torch.nn.Sequential: wrap its modules in one, in their order"


@pytest.mark.parametrize("make", FOREIGN.values(), ids=FOREIGN)
def test_a_module_without_a_counterpart_is_named(make):
    module = make()
    message = message_of(ArgumentError, lambda: from_torch(torch.nn.Sequential(module)))
    assert message == (
        f"{module!r:.80} has no counterpart here: use Linear, Softmax(dim=-1), Dropout, BatchNorm1d, Sequential or one of ELU, "
        "GELU, Identity, LeakyReLU, LogSigmoid, ReLU, SiLU, Sigmoid, Softplus, Tanh, with their usual settings"
    )


def test_a_weight_that_is_not_finite_does_not_come_in():
    network = torch.nn.Sequential(torch.nn.Linear(1, 1))
    torch.nn.init.constant_(network[0].weight, float("nan"))
    message = message_of(ArgumentError, lambda: from_torch(network))
    assert message == "0.weight holds numbers that are not finite: load those of a run that went well"


# ---------------------------------------------------------------- files


def test_pytorch_and_we_read_each_others_files(tmp_path):
    files = pytest.importorskip("safetensors.torch")
    model = shuffled(Sequential(Layer(3, 4, "identity", rng=0), Elementwise("tanh"), Layer(4, 2, "identity", rng=1)))
    io.save(model, tmp_path / "ours.safetensors")
    network = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2)).double()
    network.load_state_dict(files.load_file(tmp_path / "ours.safetensors"))
    assert_the_same(model, network)
    torch.manual_seed(1)
    small = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2))
    files.save_model(small, str(tmp_path / "theirs.safetensors"))
    io.load(model, tmp_path / "theirs.safetensors")
    assert_the_same(model, small.double())


def test_names_that_a_sequential_was_given_become_places():
    inner = torch.nn.Sequential(OrderedDict(first=torch.nn.Linear(4, 4), norm=torch.nn.BatchNorm1d(4)))
    theirs = torch.nn.Sequential(
        OrderedDict(hidden=torch.nn.Linear(3, 4), act=torch.nn.Tanh(), inner=inner, out=torch.nn.Linear(4, 2))
    ).double()
    ours = from_torch(theirs.eval())
    assert sorted(ours.state_dict()) == [
        "0.bias", "0.weight", "2.0.bias", "2.0.weight", "2.1.bias", "2.1.num_batches_tracked", "2.1.running_mean",
        "2.1.running_var", "2.1.weight", "3.bias", "3.weight",
    ]  # fmt: skip
    np.testing.assert_allclose(outputs(ours), theirs(torch.tensor(X)).detach().numpy(), rtol=1e-13, atol=1e-14)


def test_a_named_module_that_is_used_twice_stays_one():
    linear = torch.nn.Linear(3, 3).double()
    ours = from_torch(torch.nn.Sequential(OrderedDict(a=linear, b=torch.nn.ReLU(), c=linear)))
    assert len(ours.parameters()) == 12
