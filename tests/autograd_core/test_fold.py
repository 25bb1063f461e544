"""Folding: which values share a box, by scopes, by likeness and by necessity."""

import random

import pytest

from autograd_core import Value, dot, relu, scope, sum, tanh
from autograd_core.fold import Box, fold
from nn import MLP, Layer, Module


def names(folding) -> list[str]:
    """Return the boxes in order: the label or op of a value, the name of what is folded, with its times."""
    found = []
    for box in folding.boxes:
        v = folding.values[box.members[0]]
        name = box.name or v.label or (v.op.name if v.op else str(v.data))
        found.append(f"{name} x{box.times}" if box.times > 1 else name)
    return found


def box(folding, name: str) -> Box:
    (found,) = [box for box in folding.boxes if box.name == name]
    return found


def arrows(folding) -> set[tuple[int, int]]:
    return {
        (folding.box_of[i], folding.box_of[n])
        for n, inputs in enumerate(folding.inputs)
        for i in inputs
        if folding.box_of[i] != folding.box_of[n]
    }


def network(depth=None, max_nodes=None):
    model = MLP(3, [16, 16, 1], rng=0)
    return fold([model([Value(0.5, "a"), Value(-1.0, "b"), Value(2.0, "c")])], depth, max_nodes)


# ---------------------------------------------------------------- depth


def test_without_a_depth_every_value_has_a_box_of_its_own():
    folding = network()
    assert [len(box.members) for box in folding.boxes] == [1] * len(folding.values)
    assert {box.members[0] for box in folding.boxes} == set(range(len(folding.values)))
    assert not any(box.name for box in folding.boxes)


def test_depth_0_is_one_box_for_each_outermost_module():
    folding = network(0)
    assert names(folding) == ["a", "b", "c", "MLP"]
    assert box(folding, "MLP").path == ()
    assert len(box(folding, "MLP").members) == 3 * 16 + 3 * 16 + 2 + 3 * 16 + 16 + 16 * 16 + 16 + 16 + 1
    assert arrows(folding) == {(0, 3), (1, 3), (2, 3)}


def test_depth_1_opens_the_outermost_modules():
    folding = network(1)
    assert names(folding) == ["a", "b", "c", "layers.0", "layers.1", "layers.2"]
    assert [box.path for box in folding.boxes] == [(), (), (), ("MLP",), ("MLP",), ("MLP",)]
    assert arrows(folding) == {(0, 3), (1, 3), (2, 3), (3, 4), (4, 5)}


def test_repeats_are_one_box():
    folding = network(2)
    assert names(folding) == ["a", "b", "c", "neurons x16", "neurons x16", "neurons.0"]
    assert [box.path for box in folding.boxes[3:]] == [("MLP", f"layers.{i}") for i in range(3)]
    assert [len(box.members) for box in folding.boxes[3:]] == [16 * 7, 16 * 20, 19]
    assert arrows(folding) == {(0, 3), (1, 3), (2, 3), (3, 4), (4, 5)}


def test_a_depth_beyond_all_scopes_folds_only_rows_of_leaves():
    folding = network(9)
    assert {box.name for box in folding.boxes} == {"", "w0 … w15"}
    assert {len(box.members) for box in folding.boxes} == {1, 16}


def test_a_value_in_no_scope_stays_itself():
    x = Value(1.0, "x")
    with scope("inner"):
        h = x.exp()
    assert names(fold([h * 2.0], depth=0)) == ["x", "inner", "2.0", "mul"]


def test_a_box_is_called_by_its_last_value():
    folding = network(1)
    assert [box.id for box in folding.boxes] == ["v35", "v36", "v37", "f146", "f450", "f453"]
    assert [box.id for box in folding.boxes] == [
        f"{'f' if box.name else 'v'}{max(box.members)}" for box in folding.boxes
    ]


# ---------------------------------------------------------------- repeats


def test_repeated_calls_of_a_model_are_one_box():
    model = MLP(2, [3, 1], rng=0)
    scores = [model([Value(i, f"x{i}"), Value(-i, f"y{i}")]) for i in range(100)]
    folding = fold([sum(scores)], depth=0)
    assert names(folding) == ["x0 … y99 x200", "MLP x100", "sum"]
    assert len(box(folding, "MLP").members) == 100 * (3 * 3 + 2) + 13


def test_scopes_with_other_predecessors_are_not_repeats():
    v = Value(1.0, "x")
    for _ in range(3):
        with scope("cell"):
            v = v.tanh()
    assert names(fold([v], depth=0)) == ["x", "cell", "cell", "cell"]


def test_scopes_with_other_ops_are_not_repeats():
    x = Value(1.0, "x")
    ys = []
    for op in (tanh, tanh, relu):
        with scope("block.0"):
            ys.append(op(x))
    assert names(fold(ys, depth=0)) == ["x", "block x2", "block.0"]


def test_scopes_with_other_names_are_not_repeats():
    x = Value(1.0, "x")
    ys = []
    for name in ("block.0", "block.1", "block", "blocks.2", "7", ".8", "block.a", "block.b"):
        with scope(name):
            ys.append(tanh(x))
    assert names(fold(ys, depth=0)) == ["x", "block x3", "blocks.2", "7", ".8", "block.a", "block.b"]


def test_scopes_inside_of_other_scopes_are_not_repeats():
    x = Value(1.0, "x")
    ys = []
    for name in ("left", "right"):
        with scope(name), scope("block.0"):
            ys.append(tanh(x))
    assert names(fold(ys, depth=1)) == ["x", "block.0", "block.0"]
    assert [box.path for box in fold(ys, depth=1).boxes[1:]] == [("left",), ("right",)]


def test_repeats_of_repeats_are_repeats():
    x = Value(1.0, "x")
    ys = []
    for i in range(5):
        with scope(f"first.{i}"):
            h = tanh(x)
        with scope(f"second.{i}"):
            ys.append(relu(h))
    assert names(fold(ys, depth=0)) == ["x", "first x5", "second x5"]


def test_values_in_no_scope_are_merged_only_where_there_is_no_room():
    x = Value(1.0, "x")
    y = sum([(x + i).tanh() for i in range(10)])
    assert len(fold([y], depth=0).boxes) == 1 + 10 + 10 + 1 + 10
    assert names(fold([y], depth=0, max_nodes=8)) == ["x", "+ x10", "tanh x10", "sum"]


def test_merged_values_keep_the_order_of_their_inputs():
    a, b = Value(1.0).exp(), Value(2.0).log()
    y = sum([a - b, a - b, b - a])
    assert names(fold([y], max_nodes=7)) == ["1.0", "exp", "2.0", "log", "- x2", "sub", "sum"]


# ---------------------------------------------------------------- leaves


def test_an_input_stays_in_sight_and_what_a_module_made_does_not():
    class Scaled(Module):
        def __init__(self):
            self.slope = Value(2.0, "slope")

        def forward(self, x):
            return self.slope * x + 1.0

    x = Value(3.0, "x")
    folding = fold([Scaled()(x)], depth=0)
    assert names(folding) == ["x", "Scaled"]
    assert [folding.values[n].data for n in box(folding, "Scaled").members] == [2.0, 6.0, 1.0, 7.0]


def test_a_parameter_that_is_used_outside_too_stays_in_sight():
    layer = Layer(1, 1, rng=0)
    (y,) = layer([Value(1.0, "x")])
    (w,) = layer.neurons[0].w
    assert names(fold([y + w * w], depth=0)) == ["w0", "x", "Layer", "mul", "add"]


def test_up_to_four_leaves_are_drawn_one_by_one():
    def folded(k):
        return names(fold([dot([Value(1.0, f"x{i}") for i in range(k)], [2.0] * k)], depth=0))

    assert folded(4) == ["x0", "x1", "x2", "x3", *["2.0"] * 4, "dot"]
    assert folded(5) == ["x0 … x4 x5", "leaves x5", "dot"]
    assert folded(64) == ["x0 … x63 x64", "leaves x64", "dot"]


def test_leaves_with_other_consumers_are_apart():
    xs = [Value(1.0, f"x{i}") for i in range(6)]
    both, one = sum(xs), sum(xs[:5])
    assert names(fold([both, one], depth=0)) == ["x0 … x4 x5", "x5", "sum", "sum"]


def test_a_result_that_is_a_leaf_is_a_box():
    x = Value(1.0, "x")
    assert names(fold([x, x], depth=0)) == ["x"]
    assert fold([x, x]).results == (0, 0)


def test_a_leaf_stands_in_the_scope_where_it_is_used():
    model = MLP(1, [1], rng=0)
    folding = fold([model([Value(1.0, "x")])])
    where = {folding.values[box.members[0]].label: box.path for box in folding.boxes}
    assert where["x"] == ()
    assert where["w0"] == where["b"] == ("MLP", "layers.0", "neurons.0")


def test_a_leaf_made_in_one_scope_and_used_in_two_others_stands_where_it_was_made():
    with scope("weights"):
        w = Value(1.0, "w")
    with scope("left"):
        a = w.exp()
    with scope("right"):
        b = w.exp()
    assert [box.path for box in fold([a, b]).boxes] == [("weights",), ("left",), ("right",)]


# ---------------------------------------------------------------- odd scopes


def test_scopes_that_use_each_others_results_neither_hang_nor_crash():
    left, right = scope("left"), scope("right")
    v = Value(1.0, "x")
    with left as first:
        a = v.exp()
    with right as second:
        b = a.exp()
    c = b.exp()
    c._origin = first  # the same visit, resumed
    d = c.exp()
    d._origin = second
    with scope("after"):
        e = d.exp()
    folding = fold([e], depth=0)
    assert names(folding) == ["x", "left", "right", "after"]
    assert arrows(folding) == {(0, 1), (1, 2), (2, 1), (2, 3)}
    assert fold([e], max_nodes=1).boxes[0].name == "… 6 earlier values"


def test_a_scope_without_a_name_is_folded_too():
    with scope(""):
        y = Value(1.0, "x").exp().exp()
    assert names(fold([y], depth=0)) == ["scope"]


def test_scopes_may_be_nested_deeply():
    y = Value(1.0, "x")
    inner = [scope(f"level {i}") for i in range(300)]
    for level in inner:
        level.__enter__()
        y = y.exp()
    for level in reversed(inner):
        level.__exit__()
    assert len(fold([y], depth=200).boxes) == 1 + 200 + 1
    assert fold([y], max_nodes=50).depth == 48


# ---------------------------------------------------------------- room


def test_a_drawing_with_room_enough_is_not_folded():
    folding = network(max_nodes=454)
    assert (len(folding.boxes), folding.depth, folding.by_itself) == (454, None, False)


def test_one_with_too_many_boxes_opens_as_much_as_there_is_room_for():
    assert network(max_nodes=453).depth == 3
    assert (network(max_nodes=150).depth, len(network(max_nodes=150).boxes)) == (2, 6)
    assert network(max_nodes=5).depth == 0
    assert network(max_nodes=5).by_itself


def test_no_more_is_opened_than_was_asked_for():
    assert (network(1, max_nodes=150).depth, network(1, max_nodes=150).by_itself) == (1, False)
    assert (network(1, max_nodes=5).depth, network(1, max_nodes=5).by_itself) == (0, True)


def test_a_chain_shows_its_end():
    v = Value(0.5, "x")
    for _ in range(1000):
        v = v.sin()
    folding = fold([v], max_nodes=10)
    assert names(folding) == ["… 992 earlier values", *["sin"] * 9]
    assert folding.boxes[0].members == tuple(range(992))
    assert arrows(folding) == {(i, i + 1) for i in range(9)}


@pytest.mark.parametrize("seed", range(20))
def test_every_value_is_in_one_box_and_no_more_boxes_than_there_is_room_for(seed):
    rng = random.Random(seed)
    nodes = [Value(rng.random(), f"x{i}") for i in range(4)]
    for _ in range(300):
        with scope(f"{rng.choice('abc')}.{rng.randrange(3)}"):
            nodes.append(
                rng.choice([lambda a, b: a + b, lambda a, b: a * b, lambda a, _: tanh(a)])(
                    *rng.choices(nodes[-9:], k=2)
                )
            )
    for most in (1, 2, 7, 40, 200, 10_000):
        folding = fold([nodes[-1]], None, most)
        assert sorted(n for box in folding.boxes for n in box.members) == list(range(len(folding.values)))
        assert len(folding.boxes) <= most
        assert all(n in folding.boxes[place].members for n, place in enumerate(folding.box_of))
        assert len({box.id for box in folding.boxes}) == len(folding.boxes)


def test_what_is_cut_off_comes_before_all_the_rest():
    rng = random.Random(0)
    nodes = [Value(1.0), Value(2.0)]
    for _ in range(500):
        a, b = rng.choices(nodes[-12:], k=2)
        nodes.append(rng.choice([a + b, a.tanh(), a * b]))
    folding = fold([nodes[-1]], max_nodes=20)
    assert not [arrow for arrow in arrows(folding) if arrow[1] == 0]


def test_a_chain_of_200_000_folds_without_recursing():
    v = Value(0.5)
    for _ in range(200_000):
        v = v.sin()
    folding = fold([v], max_nodes=150)
    assert (len(folding.boxes), len(folding.boxes[0].members)) == (150, 200_001 - 149)
