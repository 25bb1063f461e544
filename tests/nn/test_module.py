"""Module: which parameters it finds, what they are called, and how they go in and out as arrays."""

import copy
import pickle
from random import Random

import numpy as np
import pytest
from messages import message_of

from autograd_core import ArgumentError, Value, scope, topological_order
from nn import MLP, Layer, Module, Neuron, Sequential


class Line(Module):
    def __init__(self, slope=2.0, offset=1.0):
        self.slope, self.offset = Value(slope), Value(offset)

    def forward(self, x):
        return self.slope * x + self.offset


class Cabinet(Module):
    """A module that keeps parameters and modules in every way there is, and other things beside them."""

    def __init__(self):
        self.title, self.size, self.empty, self.nothing = "cabinet", 3, [], None
        self.gain = Value(1.0)
        self.row = [Value(2.0), Value(3.0)]
        self.table = ([Value(4.0), Value(5.0)], (Value(6.0), Value(7.0)))
        self.line = Line(8.0, 9.0)
        self.lines = [Line(10.0, 11.0), (Line(12.0, 13.0), [Line(14.0, 15.0)])]


class Tied(Module):
    """Two names for one neuron, and a third for one of its weights."""

    def __init__(self):
        self.left = Neuron(2, rng=0)
        self.right = self.left
        self.favourite = self.left.w[1]


# ---------------------------------------------------------------- finding


def test_parameters_are_found_in_attributes_lists_and_tuples():
    assert [p.data for p in Cabinet().parameters()] == [float(i) for i in range(1, 16)]


def test_every_parameter_has_a_name_that_says_where_it_is():
    assert [name for name, _ in Cabinet().named_parameters()] == [
        "gain", "row[0]", "row[1]", "table[0,0]", "table[0,1]", "table[1,0]", "table[1,1]", "line.slope",
        "line.offset", "lines.0.slope", "lines.0.offset", "lines.1.0.slope", "lines.1.0.offset", "lines.1.1.0.slope",
        "lines.1.1.0.offset",
    ]  # fmt: skip


def test_named_parameters_and_parameters_are_the_same_objects_in_the_same_order():
    model = MLP(2, [3, 1], rng=0)
    assert [p for _, p in model.named_parameters()] == model.parameters()


def test_the_parameters_of_a_network_are_named_as_pytorch_names_them():
    assert [name for name, _ in MLP(2, [2, 1], rng=0).named_parameters()] == [
        "layers.0.weight[0,0]", "layers.0.weight[0,1]", "layers.0.weight[1,0]", "layers.0.weight[1,1]",
        "layers.0.bias[0]", "layers.0.bias[1]", "layers.1.weight[0,0]", "layers.1.weight[0,1]", "layers.1.bias[0]",
    ]  # fmt: skip


def test_a_shared_parameter_comes_once_under_its_first_name():
    tied = Tied()
    assert [name for name, _ in tied.named_parameters()] == ["favourite", "left.weight[0]", "left.bias"]
    assert tied.parameters() == [tied.left.w[1], tied.left.w[0], tied.left.b]


def test_children_are_named_by_their_place():
    model = Cabinet()
    assert list(model.children()) == ["line", "lines.0", "lines.1.0", "lines.1.1.0"]
    assert model.children()["lines.1.1.0"] is model.lines[1][1][0]


def test_modules_and_values_may_share_a_list():
    class Mixed(Module):
        def __init__(self):
            self.parts = [Value(1.0), Line(2.0, 3.0)]

    assert sorted(p.data for p in Mixed().parameters()) == [1.0, 2.0, 3.0]


def test_a_result_kept_to_be_looked_at_is_no_parameter():
    """As in ``self.hidden = layer(x)``: it could not be changed, and what is loaded or stepped would stop half-way."""

    class Observed(Module):
        def __init__(self):
            self.inner = Neuron(1, rng=0)

        def forward(self, x):
            self.hidden = self.inner(x)
            return self.hidden * 2.0

    model = Observed()
    model([1.0])
    assert sorted(model.state_dict()) == ["inner.bias", "inner.weight"]


def test_zero_grad_sets_every_gradient_to_zero():
    model = Cabinet()
    for p in model.parameters():
        p.grad = 7.0
    model.zero_grad()
    assert [p.grad for p in model.parameters()] == [0.0] * 15


# ---------------------------------------------------------------- calling


def test_a_module_of_ones_own_computes_in_forward_and_learns_by_the_chain_rule():
    line = Line()
    y = line(3.0)
    y.backward()
    assert (y.data, line.slope.grad, line.offset.grad) == (7.0, 3.0, 1.0)


def test_calling_passes_every_argument_on():
    class Echo(Module):
        def forward(self, *args, **kwargs):
            return args, kwargs

    assert Echo()(1, 2, three=3) == ((1, 2), {"three": 3})


def test_a_module_without_forward_says_so():
    class Silent(Module):
        pass

    assert message_of(ArgumentError, Silent()) == "Silent does not say what it computes: give it a forward method"


def test_nodes_know_the_path_of_modules_they_were_recorded_in():
    model = MLP(2, [4, 1], activation="tanh", rng=0)
    paths = {}
    for node in topological_order(model([0.5, -1.0])):
        if node.op:
            paths.setdefault(node.scope.path, []).append(node.op.name)
    hidden = {f"MLP.layers.0.neurons.{i}": ["dot", "add", "tanh"] for i in range(4)}
    assert paths == hidden | {"MLP.layers.1.neurons.0": ["dot", "add"]}


def test_what_is_computed_outside_is_in_no_scope():
    x = Value(1.0)
    y = Neuron(1, rng=0)([x]) + 1.0
    assert y.scope is None
    assert x.scope is None


def test_parameters_are_of_the_module_that_is_called_first():
    model = MLP(2, [2, 1], rng=0)
    assert {p.scope for p in model.parameters()} == {None}
    model.layers[0].neurons[1]([1.0, 2.0])
    model([1.0, 2.0])
    first, second = model.layers[0].neurons
    assert {p.scope.path for p in second.parameters()} == {"Neuron"}
    assert {p.scope.path for p in model.parameters() if p not in second.parameters()} == {"MLP"}
    assert len({p.scope for p in first.parameters()}) == 1


def test_a_parameter_that_was_made_in_a_scope_stays_there():
    with scope("setup"):
        model = Neuron(1, rng=0)
    model([1.0])
    assert {p.scope.path for p in model.parameters()} == {"setup"}


def test_a_module_that_is_nobodys_child_owns_its_parameters_too():
    inner = Neuron(1, rng=0)

    class Wrapped(Module):
        def forward(self, x):
            return inner([x])

    Wrapped()(1.0)
    assert {p.scope.path for p in inner.parameters()} == {"Neuron"}


def test_owning_parameters_changes_neither_their_names_nor_their_gradients():
    model = MLP(2, [2, 1], rng=0)
    before = [name for name, _ in model.named_parameters()]
    model([1.0, 2.0]).backward()
    assert [name for name, _ in model.named_parameters()] == before
    assert {p.swept for p in model.parameters()} == {True}


def test_scopes_nest_as_modules_do():
    class Net(Module):
        def __init__(self):
            self.body = Sequential(Layer(1, 2, rng=0), Layer(2, 1, rng=1))
            self.heads = [Line()]

        def forward(self, x):
            (h,) = self.body(x)
            return h, self.heads[0](h)

    h, y = Net()([1.0])
    assert h.scope.path == "Net.body.1.neurons.0"
    assert y.scope.path == "Net.heads.0"


def test_modules_appended_to_a_list_are_named_like_those_that_were_there_from_the_start():
    class Grown(Module):
        def __init__(self):
            self.stages = []
            self.stages.append(Line())

        def forward(self, x):
            return self.stages[0](x)

    model = Grown()
    assert [name for name, _ in model.named_parameters()] == ["stages.0.slope", "stages.0.offset"]
    assert model(1.0).scope.path == "Grown.stages.0"
    assert Grown()(1.0).scope.path == "Grown.stages.0"


def test_a_scope_ends_with_its_call_even_when_that_fails():
    class Broken(Module):
        def forward(self):
            raise RuntimeError

    with pytest.raises(RuntimeError):
        Broken()()
    assert (Value(1.0) + 1.0).scope is None


# ---------------------------------------------------------------- out, as arrays


def test_state_dict_has_pytorchs_names_and_layout():
    state = MLP(3, [5, 4, 2], rng=0).state_dict()
    assert {name: (array.shape, array.dtype) for name, array in state.items()} == {
        "layers.0.weight": ((5, 3), np.float64),
        "layers.0.bias": ((5,), np.float64),
        "layers.1.weight": ((4, 5), np.float64),
        "layers.1.bias": ((4,), np.float64),
        "layers.2.weight": ((2, 4), np.float64),
        "layers.2.bias": ((2,), np.float64),
    }
    assert list(state) == [f"layers.{i}.{what}" for i in range(3) for what in ("weight", "bias")]


def test_a_row_of_the_weights_is_one_neuron():
    layer = Layer(3, 2, rng=0)
    assert layer.state_dict()["weight"].tolist() == [[w.data for w in neuron.w] for neuron in layer.neurons]


def test_state_dict_has_the_shape_of_nested_lists():
    shapes = {name: array.shape for name, array in Cabinet().state_dict().items()}
    assert (shapes["gain"], shapes["row"], shapes["table"]) == ((), (2,), (2, 2))


def test_rows_may_differ_in_length_as_far_as_names_go():
    class Triangle(Module):
        def __init__(self):
            self.rows = [[Value(1.0)], [Value(2.0), Value(3.0)]]

    assert [name for name, _ in Triangle().named_parameters()] == ["rows.0[0]", "rows.1[0]", "rows.1[1]"]


def test_without_biases_there_is_no_bias_in_the_state():
    assert list(Layer(2, 3, bias=False, rng=0).state_dict()) == ["weight"]
    assert list(Neuron(2, bias=False, rng=0).state_dict()) == ["weight"]


def test_the_parameters_come_in_the_order_of_the_state():
    model = MLP(3, [4, 2], rng=0)
    laid_out = np.concatenate([array.ravel() for array in model.state_dict().values()])
    assert laid_out.tolist() == [p.data for p in model.parameters()]


def test_the_state_is_a_copy():
    model = Neuron(1, rng=0)
    before = model.w[0].data
    model.state_dict()["weight"][0] = 99.0
    assert model.w[0].data == before


def test_a_forward_pass_in_numpy_from_the_state_gives_the_models_output():
    model = MLP(3, [5, 4, 2], activation="tanh", rng=0)
    for p in model.parameters():
        p.data += 0.1  # so that the biases matter
    state = model.state_dict()
    X = np.random.default_rng(0).normal(size=(10, 3))
    H = X
    for i, activation in enumerate([np.tanh, np.tanh, lambda z: z]):
        H = activation(H @ state[f"layers.{i}.weight"].T + state[f"layers.{i}.bias"])
    outputs = [[y.data for y in model(x)] for x in X.tolist()]
    np.testing.assert_allclose(outputs, H, rtol=0.0, atol=1e-14)


# ---------------------------------------------------------------- and in again


def test_what_was_written_out_and_loaded_is_the_same_model_to_the_bit():
    model, other = MLP(2, [4, 1], rng=0), MLP(2, [4, 1], rng=1)
    assert model([0.3, 0.7]).data != other([0.3, 0.7]).data
    other.load_state_dict(model.state_dict())
    assert [p.data for p in other.parameters()] == [p.data for p in model.parameters()]
    assert other([0.3, 0.7]).data == model([0.3, 0.7]).data


@pytest.mark.parametrize(
    ("weight", "bias"),
    [
        ([[1, 2]], [3]),
        (((1.0, 2.0),), (3.0,)),
        (np.array([[1.0, 2.0]], dtype=np.float32), np.array([3], dtype=np.int64)),
        (np.array([[1.0], [2.0]], order="F").T, [np.float32(3.0)]),
    ],
    ids=["lists", "tuples", "other dtypes", "other layout in memory"],
)
def test_a_state_may_be_any_numbers_of_the_right_shape(weight, bias):
    layer = Layer(2, 1, rng=0)
    layer.load_state_dict({"bias": bias, "weight": weight})
    assert [p.data for p in layer.parameters()] == [1.0, 2.0, 3.0]
    assert {type(p.data) for p in layer.parameters()} == {float}


NOT_NUMBERS = {
    "text": ([["a", 1]], "[['a', 1]]"),
    "text of numbers": ([["1", "2"]], "[['1', '2']]"),
    "complex": ([[1j, 1]], "[[1j, 1]]"),
    "complex array": (np.array([[1j, 1]]), "array([[0.+1.j, 1.+0.j]])"),
    "ragged": ([[1, 2], [3]], "[[1, 2], [3]]"),
    "Values": ([[Value(1.0), Value(2.0)]], "[[Value(data=1.0, grad=0.0), Value(data=2.0, grad=0.0)]]"),
    "beyond float64": ([[10**400, 1]], "[[1" + "0" * 57),
    "long": ([["a" * 99, 1]], "[['" + "a" * 57),
}

WRONG_STATES = {
    "a name is missing": (
        {"weight": [[1, 2]]},
        "the state lacks ['bias'] and has nothing that the model does not: load it into a model of the same make",
    ),
    "a name is unknown": (
        {"weight": [[1, 2]], "bias": [3], "spare": [4]},
        "the state lacks nothing and has ['spare'] that the model does not: load it into a model of the same make",
    ),
    "names are others": (
        {"w": [[1, 2]], "b": [3]},
        "the state lacks ['bias', 'weight'] and has ['b', 'w'] that the model does not: load it into a model of the same make",
    ),
    "a shape differs": ({"weight": [[1, 2]], "bias": [3, 4]}, "bias has the shape (2,): the model's is (1,)"),
    "a shape is transposed": (
        {"weight": [[1], [2]], "bias": [3]},
        "weight has the shape (2, 1): the model's is (1, 2)",
    ),
    "a shape is broadcast": ({"weight": [[1, 2]], "bias": 3}, "bias has the shape (): the model's is (1,)"),
    "a nan": (
        {"weight": [[1, 2]], "bias": [float("nan")]},
        "bias holds numbers that are not finite: load those of a run that went well",
    ),
    "an infinity": (
        {"weight": [[1, float("-inf")]], "bias": [3]},
        "weight holds numbers that are not finite: load those of a run that went well",
    ),
} | {
    what: ({"weight": weight, "bias": [3]}, f"weight is no array of real numbers: {shown}")
    for what, (weight, shown) in NOT_NUMBERS.items()
}


@pytest.mark.parametrize(("state", "message"), WRONG_STATES.values(), ids=WRONG_STATES)
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(state, message):
    layer = Layer(2, 1, rng=0)
    before = [p.data for p in layer.parameters()]
    assert message_of(ArgumentError, lambda: layer.load_state_dict(state)) == message
    assert [p.data for p in layer.parameters()] == before


# ---------------------------------------------------------------- copies


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["deepcopy", "pickle"])
@pytest.mark.parametrize(
    "make",
    [
        lambda: MLP(2, [4, 3, 2], activation="tanh", rng=0),
        lambda: Sequential(Layer(2, 3, "leaky_relu", rng=0), Layer(3, 2, "sigmoid", bias=False, rng=1)),
    ],
    ids=["MLP", "Sequential"],
)
def test_a_copy_gives_the_same_outputs_from_parameters_of_its_own(make, copied):
    model = make()
    twin = copied(model)
    x = [0.3, -0.7]
    expected = [y.data for y in model(x)]
    assert [y.data for y in twin(x)] == expected
    assert [name for name, _ in twin.named_parameters()] == [name for name, _ in model.named_parameters()]
    assert not set(twin.parameters()) & set(model.parameters())
    for p in twin.parameters():
        p.data = 0.0
    assert [y.data for y in model(x)] == expected


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["deepcopy", "pickle"])
def test_what_is_shared_stays_shared_in_a_copy(copied):
    twin = copied(Tied())
    assert twin.right is twin.left
    assert twin.favourite is twin.left.w[1]


# ---------------------------------------------------------------- modes, buffers, generators, batches


class Counter(Module):
    """A module with a buffer, a generator and what is neither: it counts its samples."""

    def __init__(self):
        self.gain = Value(2.0)
        self.seen = np.zeros(2)
        self.names, self.whole = np.array(["a"]), np.array([1, 2])
        self.rng = Random(5)

    def forward(self, x):
        self.seen += 1.0
        return self.gain * x


def test_training_is_the_first_mode_and_train_and_eval_reach_every_module():
    model = Sequential(MLP(2, [3, 1], rng=0), Counter())
    modules = [module for _, module in model.named_modules()]
    assert len(modules) == 9  # the row, a network of two layers with four neurons, and the counter
    assert all(module.training for module in modules)
    assert model.eval() is model
    assert not any(module.training for module in modules)
    assert model.train() is model
    assert all(module.training for module in modules)


def test_modules_have_the_names_of_their_places():
    model = Sequential(MLP(1, [1], rng=0), Counter())
    assert [name for name, _ in model.named_modules()] == ["", "0", "0.layers.0", "0.layers.0.neurons.0", "1"]


def test_an_array_of_float64_is_a_buffer_saved_but_no_parameter():
    model = Sequential(Counter(), Counter())
    assert [name for name, _ in model.named_buffers()] == ["0.seen", "1.seen"]
    assert len(model.parameters()) == 2
    assert sorted(model.state_dict()) == ["0.gain", "0.seen", "1.gain", "1.seen"]


def test_buffers_are_copied_out_and_loaded_in_place():
    model = Counter()
    seen = model.seen
    state = model.state_dict()
    model(1.0)
    assert state["seen"].tolist() == [0.0, 0.0]
    model.load_state_dict({"gain": 3.0, "seen": [7.0, 8.0]})
    assert model.seen is seen
    assert (seen.tolist(), model.gain.data) == ([7.0, 8.0], 3.0)


def test_a_buffer_that_does_not_fit_is_refused_and_nothing_changes():
    model = Counter()
    message = message_of(ArgumentError, lambda: model.load_state_dict({"gain": 3.0, "seen": [7.0]}))
    assert message == "seen has the shape (1,): the model's is (2,)"
    assert (model.seen.tolist(), model.gain.data) == ([0.0, 0.0], 2.0)


def test_generators_are_found_by_name():
    first, second = Counter(), Counter()
    assert list(Sequential(first, second).named_generators()) == [("0.rng", first.rng), ("1.rng", second.rng)]


def test_on_batch_gives_what_one_call_a_sample_gives():
    rows = np.random.default_rng(0).normal(size=(4, 2)).tolist()
    for model in (
        MLP(2, [3, 1], rng=0),
        MLP(2, [3, 2], rng=0),
        Sequential(Layer(2, 3, rng=0), sum),
        Layer(2, 2, rng=0),
    ):
        batch, singly = model.on_batch(rows), [model(row) for row in rows]
        numbers = [[y.data for y in row] if isinstance(row, tuple) else row.data for row in batch]
        assert numbers == [[y.data for y in row] if isinstance(row, tuple) else row.data for row in singly]


def test_a_batch_is_recorded_in_the_scopes_of_its_modules():
    model = MLP(2, [2, 1], rng=0)
    outputs = model.on_batch([[1.0, 2.0], [3.0, 4.0]])
    assert {y.scope.path for y in outputs} == {"MLP.layers.1.neurons.0"}


def test_a_module_may_say_what_it_does_with_a_whole_batch():
    class Centre(Module):
        def forward_batch(self, rows):
            middle = sum([row[0] for row in rows]) / len(rows)
            return [(row[0] - middle,) for row in rows]

    model = Sequential(Layer(1, 1, activation="identity", init="zero"), lambda row: (row[0] + 1.0,), Centre())
    assert [y.data for (y,) in model.on_batch([[1.0], [5.0]])] == [0.0, 0.0]
    assert [y.data for (y,) in Centre().on_batch([(Value(1.0),), (Value(5.0),)])] == [-2.0, 2.0]
