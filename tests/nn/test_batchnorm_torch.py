"""Batch normalisation and dropout beside PyTorch's: outputs, gradients, running averages, states by name."""

import copy
from random import Random

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'autograd-core[torch]'")

from nn import Layer, Sequential  # noqa: E402 - after the skip
from nn.batchnorm import BatchNorm  # noqa: E402
from nn.dropout import Dropout  # noqa: E402

OPTIONS = {
    "by default": {},
    "a large eps": {"eps": 0.3},
    "another momentum": {"momentum": 0.37},
    "plain averages": {"momentum": None},
    "no weights": {"affine": False},
}


def twins(options, size=3):
    """Return a layer and PyTorch's with the same state, neither of them at its start."""
    theirs = torch.nn.BatchNorm1d(size, dtype=torch.float64, **options)
    rng = np.random.default_rng(0)
    state = {name: rng.uniform(0.5, 2.0, size) for name in theirs.state_dict() if name != "num_batches_tracked"}
    theirs.load_state_dict({n: torch.tensor(x) for n, x in state.items()} | {"num_batches_tracked": torch.tensor(3)})
    ours = BatchNorm(size, **options)
    ours.load_state_dict({name: tensor.numpy() for name, tensor in theirs.state_dict().items()})
    return ours, theirs


def same(ours, theirs, what=""):
    np.testing.assert_allclose(np.array(ours), theirs.detach().numpy(), rtol=0.0, atol=1e-12, err_msg=what)


def values(rows):
    return [[y.data for y in row] for row in rows]


def assert_same_gradients(ours, theirs, what):
    expected = dict(theirs.named_parameters())
    found = {name: [p.grad for p in tensor] for name, tensor in ours.named_tensors()}
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        same(found[name], tensor.grad, f"{what}: {name}")


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_forward_backward_and_running_averages_are_pytorchs_over_several_batches(options):
    ours, theirs = twins(options)
    below, rng = Layer(2, 3, "identity", rng=0), np.random.default_rng(1)
    linear = torch.nn.Linear(2, 3, dtype=torch.float64)
    linear.load_state_dict({name: torch.tensor(array) for name, array in below.state_dict().items()})
    model = Sequential(below, ours)
    for i, size in enumerate([4, 2, 7, 5, 1, 3]):
        training = i not in (3, 4)
        model.train(training)
        theirs.train(training)
        X, R = rng.normal(1.0, 3.0, size=(size, 2)), rng.normal(size=(size, 3))
        model.zero_grad()
        outputs = model.on_batch(X.tolist())
        for row, rs in zip(outputs, R.tolist(), strict=True):
            for y, r in zip(row, rs, strict=True):
                (r * y + 0.5 * y * y).backward()
        theirs.zero_grad()
        linear.zero_grad()
        expected = theirs(linear(torch.tensor(X)))
        (torch.tensor(R) * expected + 0.5 * expected**2).sum().backward()
        same(values(outputs), expected, f"outputs of batch {i}")
        assert_same_gradients(ours, theirs, f"batch {i}")
        for name, tensor in linear.named_parameters():
            found = [[w.grad for w in n.w] if name == "weight" else n.b.grad for n in below.neurons]
            same(found, tensor.grad, f"batch {i}: {name} below")
        state = ours.state_dict()
        for name, tensor in theirs.state_dict().items():
            same(state[name], tensor, f"{name} after batch {i}")


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_states_go_to_pytorch_and_back_by_name(options):
    ours, theirs = twins(options)
    ours.on_batch([[1.0, 2.0, 3.0], [4.0, 6.0, 8.0]])
    theirs.load_state_dict({name: torch.tensor(array) for name, array in ours.state_dict().items()}, strict=True)
    assert theirs.num_batches_tracked.item() == 4
    twin = BatchNorm(3, **options)
    twin.load_state_dict({name: tensor.numpy() for name, tensor in theirs.state_dict().items()})
    assert {n: a.tolist() for n, a in twin.state_dict().items()} == {
        n: a.tolist() for n, a in ours.state_dict().items()
    }
    same(
        [y.data for y in ours.eval()([1.0, 2.0, 3.0])],
        theirs.eval()(torch.tensor([[1.0, 2.0, 3.0]], dtype=torch.float64))[0],
    )


def test_both_refuse_a_batch_of_one_in_training_and_take_it_in_evaluation():
    ours, theirs = twins({})
    row = [1.0, 2.0, 3.0]
    with pytest.raises(ValueError, match="nothing varies"):
        ours.on_batch([row])
    with pytest.raises(ValueError, match="more than 1 value"):
        theirs(torch.tensor([row]))


# ---------------------------------------------------------------- dropout


class Masked(Random):
    """A generator that keeps where PyTorch's mask does."""

    def __new__(cls, *_):
        return super().__new__(cls, 0)

    def __init__(self, mask):
        super().__init__(0)
        self.kept = iter(mask.ravel().tolist())

    def random(self):
        return 0.0 if next(self.kept) else 0.999999


@pytest.mark.parametrize("drop", [0.0, 0.2, 0.5, 0.9])
def test_dropout_by_pytorchs_masks_has_pytorchs_outputs_and_gradients(drop):
    X, R = (np.random.default_rng(seed).normal(size=(6, 5)) for seed in (0, 1))
    weights = torch.tensor(X, requires_grad=True)
    torch.manual_seed(3)
    mask = torch.nn.functional.dropout(torch.ones(6, 5, dtype=torch.float64), drop).numpy()
    torch.manual_seed(3)
    expected = torch.nn.functional.dropout(torch.tanh(weights), drop)
    (expected * torch.tensor(R)).sum().backward()

    layer = Sequential(Layer(1, 5, "tanh", bias=False, rng=0), Dropout(drop=drop, rng=Masked(mask)))
    for row, rs, grads, outputs in zip(X.tolist(), R.tolist(), weights.grad, expected, strict=True):
        layer.zero_grad()
        layer.load_state_dict({"0.weight": [[x] for x in row]})
        units = layer([1.0])
        for unit, r in zip(units, rs, strict=True):
            (unit * r).backward()
        same([unit.data for unit in units], outputs)
        same([p.grad for p in layer.parameters()], grads)


def test_dropout_as_printed_is_the_mask_alone_and_is_made_up_for_in_evaluation():
    X = np.random.default_rng(0).normal(size=(4, 6))
    mask = np.random.default_rng(1).integers(0, 2, size=(4, 6))
    layer = Dropout(keep=0.5, inverted=False, rng=Masked(mask))
    same(values(layer.on_batch(X.tolist())), torch.tensor(X) * torch.tensor(mask))
    inverted = Dropout(keep=0.5, rng=Masked(mask))
    same(values(inverted.on_batch(X.tolist())), torch.tensor(X) * torch.tensor(mask) / 0.5)
    same(values(copy.copy(layer).eval().on_batch(X.tolist())), torch.tensor(X) * 0.5)
    same(
        values(inverted.eval().on_batch(X.tolist())), torch.nn.functional.dropout(torch.tensor(X), 0.5, training=False)
    )
