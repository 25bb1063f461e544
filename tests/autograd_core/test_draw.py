"""Drawing: what is in the picture, how it is called there, and that it is the same in each run and every engine."""

import copy
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from expressions import OURS, programs
from hypothesis import given, settings
from messages import message_of
from pictures import ENGINES, PURE, SYSTEM, draw_with, parts_of

from autograd_core import (
    ArgumentError,
    OperandTypeError,
    StaleGraphError,
    Value,
    detect_anomaly,
    div,
    dot,
    gradients,
    log,
    no_grad,
    relu,
    scope,
    sum,
    tanh,
    topological_order,
    where,
)
from autograd_core.draw import draw, save, sketch
from nn import MLP

GOLDEN = Path(__file__).parent / "golden"
ROOT = Path(__file__).parents[2]


def neuron():
    a, b, c = Value(2.0, "a"), Value(-0.5, "b"), Value(0.3, "c")
    with scope("neuron"):
        y = tanh(a * b + c)
    y.label = "y"
    y.backward()
    return y


def diamond():
    a = Value(3.0, "a")
    b = a + a
    return b + b


def network():
    return MLP(3, [16, 16, 1], rng=0)([Value(0.5, "x0"), Value(-1.0, "x1"), Value(2.0, "x2")])


def picture(y, **options):
    """Return the parts of a drawing, as any one engine draws it."""
    return parts_of(draw_with(SYSTEM or PURE, draw(y, **options).source))


def texts(y, kind="value", **options) -> list[tuple[str, ...]]:
    return [part.texts for part in picture(y, **options).values() if kind in part.kind]


# ---------------------------------------------------------------- golden files


@pytest.mark.parametrize(
    ("name", "drawing"),
    [
        ("neuron", lambda: draw(neuron())),
        ("diamond", lambda: draw(diamond(), rankdir="TB")),
        ("mlp", lambda: draw(network())),
        ("neuron_gradients", lambda: draw(neuron(), color_by="grad", partials=True, backward=True)),
    ],
)
def test_the_drawing_is_the_golden_one(name, drawing):
    assert drawing().source == (GOLDEN / f"{name}.dot").read_text(encoding="utf-8")


# ---------------------------------------------------------------- what is in it


def test_values_are_boxes_and_ops_are_circles():
    parts = picture(neuron())
    assert {
        name: (part.kind[-1], part.title, part.texts) for name, part in parts.items() if part.kind[0] == "node"
    } == {
        "v0": ("value", "v0", ("a", "data 2", "grad -0.31737")),
        "v1": ("value", "v1", ("b", "data -0.5", "grad 1.2695")),
        "o2": ("op", "o2", ("*",)),
        "v2": ("value", "v2", ("data -1", "grad 0.63474")),
        "v3": ("value", "v3", ("c", "data 0.3", "grad 0.63474")),
        "o4": ("op", "o4", ("+",)),
        "v4": ("value", "v4", ("data -0.7", "grad 0.63474")),
        "o5": ("op", "o5", ("tanh",)),
        "v5": ("value", "v5", ("y", "data -0.60437", "grad 1")),
    }
    assert {name: part.title for name, part in parts.items() if part.kind[0] == "edge"} == {
        "e2": "o2->v2", "e2-0": "v0->o2", "e2-1": "v1->o2", "e4": "o4->v4", "e4-0": "v2->o4", "e4-1": "v3->o4",
        "e5": "o5->v5", "e5-0": "v4->o5",
    }  # fmt: skip
    assert [(part.kind, part.texts[0]) for part in parts.values() if part.kind[0] == "cluster"] == [
        (("cluster", "scope"), "neuron")
    ]
    assert "ellipse" in parts["o2"].shapes


def test_a_value_that_is_used_twice_has_two_edges():
    found = [name for name, part in picture(diamond()).items() if "edge" in part.kind]
    assert sorted(found) == ["e1", "e1-0", "e1-1", "e2", "e2-0", "e2-1"]


def test_a_constant_shows_its_number_alone():
    parts = picture(Value(1.0, "x") * 2.5)
    assert (parts["v1"].kind, parts["v1"].texts) == (("node", "constant"), ("2.5",))


def test_several_results_are_one_graph():
    a = Value(2.0, "a")
    h = a * a
    first, second = h.exp(), h.log()
    drawn = sketch([first, second])
    assert drawn.boxes == ("v0", "v1", "v2", "v3")
    assert drawn.edges == {(1, 0): "e1-0", (1, 1): "e1-1", (2, 0): "e2-0", (3, 0): "e3-0"}
    assert sketch([h, h, first]).boxes == ("v0", "v1", "v2")


def test_numbers_are_those_of_the_topological_order():
    y = network()
    drawn = sketch(y, max_nodes=None)
    assert len(drawn.boxes) == len(topological_order(y))
    assert drawn.boxes == tuple(f"v{n}" for n in range(len(drawn.boxes)))
    order = topological_order(y)
    assert drawn.circles == tuple(f"o{n}" if v.op else None for n, v in enumerate(order))
    assert drawn.edges == {(n, k): f"e{n}-{k}" for n, v in enumerate(order) for k in range(len(v.inputs))}


def test_what_a_folded_drawing_shows_is_found_in_it():
    y = network()
    drawn = sketch(y, depth=1)
    parts = parts_of(draw_with(SYSTEM or PURE, drawn.graph.source))
    assert {name for name, part in parts.items() if part.kind[0] == "node"} == set(drawn.boxes)
    assert set(drawn.circles) == {None}
    assert {name for name, part in parts.items() if part.kind[0] == "edge"} == set(drawn.edges.values())
    order = topological_order(y)
    number = {v: n for n, v in enumerate(order)}
    for (n, k), name in drawn.edges.items():
        assert parts[name].title == f"{drawn.boxes[number[order[n].inputs[k]]]}->{drawn.boxes[n]}"
    for n, v in enumerate(order):
        for k, arg in enumerate(v.inputs):
            assert ((n, k) in drawn.edges) == (drawn.boxes[n] != drawn.boxes[number[arg]])


def test_a_folded_box_says_what_is_in_it():
    y = network()
    y.backward()
    model = picture(y, depth=0)["f453"]
    assert (model.kind, model.texts) == (
        ("node", "folded"), ("MLP", "98 values, 353 parameters", f"data {y.data:.5g}", "grad 1"),
    )  # fmt: skip
    x = Value(2.0, "x")
    with scope("shift"):
        h = x + 1.0
        z = h * 3.0
    assert texts([h.exp(), z], "folded", depth=0) == [("shift", "2 values, 2 constants", "data 3 … 9", "grad -")]


def test_repeats_say_how_many_they_are():
    assert [part[0] for part in texts(network(), "folded", depth=2)] == ["neurons ×16", "neurons ×16", "neurons.0"]


def test_inputs_in_a_row_are_one_box():
    xs = [Value(i / 10, f"x{i}") for i in range(64)]
    assert texts(sum(xs), "folded", depth=0) == [("x0 … x63 ×64", "data 0 … 6.3", "grad -")]


def test_the_texts_and_names_of_a_sketch_can_be_chosen():
    a = Value(2.0, "a")
    y = a.exp()
    source = sketch(y, grads={a: -123.45}, room=9, names={y: "loss"}).graph.source
    parts = parts_of(draw_with(SYSTEM or PURE, source))
    assert parts["v0"].texts == ("a", "data 2", "grad -123.45  ")
    assert parts["v1"].texts == ("loss", "data 7.3891", "grad -        ")


@pytest.mark.parametrize("rankdir", ["LR", "RL", "TB", "BT"])
def test_it_goes_whichever_way_is_asked_for(rankdir):
    assert f" rankdir={rankdir} " in draw(diamond(), rankdir=rankdir).source


# ---------------------------------------------------------------- grad -


def test_a_gradient_is_unknown_until_a_sweep_has_run():
    a, b = Value(2.0, "a"), Value(0.0, "b")
    y = a * b
    assert texts(y) == [("a", "data 2", "grad -"), ("b", "data 0", "grad -"), ("data 0", "grad -")]
    assert [v.swept for v in (a, b, y)] == [False] * 3
    assert [v.grad for v in (a, b, y)] == [0.0] * 3
    y.backward()
    assert texts(y) == [("a", "data 2", "grad 0"), ("b", "data 0", "grad 2"), ("data 0", "grad 1")]
    assert [v.swept for v in (a, b, y)] == [True] * 3


def test_what_a_sweep_did_not_reach_stays_unknown():
    a = Value(2.0)
    h, unused = a.exp(), a.log()
    h.backward()
    assert (a.swept, h.swept, unused.swept) == (True, True, False)


def test_a_gradient_that_was_set_is_known():
    a = Value(2.0)
    a.grad = 0.0
    assert a.swept
    b = Value(3.0)
    b.grad = Value(1.0).grad
    assert b.swept


def test_gradients_leave_every_gradient_unknown():
    a = Value(2.0)
    y = a * a
    gradients(y, [a])
    draw(y, backward=True)
    assert not a.swept
    assert not y.swept


@pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))])
def test_copies_know_what_their_originals_know(clone):
    a = Value(2.0, "a")
    y = a * 3.0
    assert [v.swept for v in topological_order(clone(y))] == [False] * 3
    assert not clone(a).swept
    y.backward()
    assert [v.swept for v in topological_order(clone(y))] == [True] * 3
    assert clone(a).swept


def test_a_sweep_that_fails_leaves_it_unknown():
    x = Value(0.0)
    y = log(x) * 2.0
    with detect_anomaly(), pytest.raises(ArithmeticError):
        y.backward()
    assert [v.swept for v in topological_order(y)] == [False] * 4


# ---------------------------------------------------------------- options


def test_partials_stand_on_the_edges():
    a, b = Value(2.0, "a"), Value(-0.5, "b")
    parts = picture(where(a > 0, a * b, b) + a / 4.0, partials=True)
    found = {part.title: part.texts for part in parts.values() if "edge" in part.kind and "->o" in part.title}
    assert found == {
        "v1->o3": ("∂ -0.5",), "v2->o3": ("∂ 2",), "v0->o4": (), "v3->o4": ("∂ 1",), "v2->o4": ("∂ 0",),
        "v4->o7": ("∂ 1",), "v1->o6": ("∂ 0.25",), "v5->o6": ("∂ -0.125",), "v6->o7": ("∂ 1",),
    }  # fmt: skip


def test_partials_of_a_row_stand_on_the_edges_of_their_inputs():
    w, x = [Value(2.0), Value(3.0)], [Value(5.0), Value(7.0)]
    parts = picture(dot(w, x), partials=True)
    assert [parts[f"e4-{k}"].texts for k in range(4)] == [("∂ 5",), ("∂ 7",), ("∂ 2",), ("∂ 3",)]


def test_an_edge_that_stands_for_many_shows_the_range_of_their_partials():
    parts = picture(sum([Value(i, f"x{i}") * 1.0 for i in range(9)]), partials=True, max_nodes=3)
    assert [part.texts for part in parts.values() if "edge" in part.kind and "->o" in part.title] == [("∂ 1",)]


def test_backward_draws_the_gradients_too():
    a, b, c = Value(2.0, "a"), Value(3.0, "b"), Value(1.0)
    y = a * b + c
    y.label = "y"
    parts = picture(y, backward=True)
    assert [part.texts for part in parts.values() if {"value", "constant"} & set(part.kind)] == [
        ("a = ∂y/∂b", "data 2", "grad -"), ("b = ∂y/∂a", "data 3", "grad -"), ("data 6", "grad -"),
        ("data 1", "grad -"), ("y", "data 7", "grad -"), ("∂y/∂v3", "data 1"),
    ]  # fmt: skip


def test_a_value_that_is_the_gradient_by_two_has_both_names():
    a, b, c = Value(2.0, "a"), Value(3.0, "b"), Value(5.0, "c")
    found = [box[0] for box in texts((a + b) * c, backward=True)]
    assert "c = ∂y/∂a = ∂y/∂b" in found


def test_backward_draws_what_gradients_gives():
    a, b = Value(0.5, "a"), Value(-2.0, "b")
    y = tanh(a * b) * a
    found = {box[0]: box[1] for box in texts(y, backward=True) if box[0].startswith("∂")}
    assert found == {f"∂y/∂{x.label}": f"data {g.data:.5g}" for x, g in zip((a, b), gradients(y, [a, b]), strict=True)}


@pytest.mark.parametrize("mode", [no_grad, detect_anomaly, lambda: scope("elsewhere")])
def test_backward_is_drawn_the_same_in_any_mode(mode):
    y = neuron()
    outside = draw(y, backward=True).source
    with mode():
        assert draw(y, backward=True).source == outside


def test_expand_writes_a_dot_out():
    w, x = [Value(2.0, "w0"), Value(3.0, "w1")], [Value(5.0, "x0"), Value(7.0, "x1")]
    y = dot(w, x)
    assert texts(y, "op") == [("Σwx",)]
    assert sorted(texts(y, "op", expand=True)) == [("*",), ("*",), ("Σ",)]
    assert sorted(texts(y, expand=True, backward=True)) == [
        ("data 10", "grad -"), ("data 21", "grad -"), ("data 31", "grad -"), ("w0 = ∂y/∂x0", "data 2", "grad -"),
        ("w1 = ∂y/∂x1", "data 3", "grad -"), ("x0 = ∂y/∂w0", "data 5", "grad -"), ("x1 = ∂y/∂w1", "data 7", "grad -"),
    ]  # fmt: skip


def test_a_graph_too_large_folds_by_itself_and_says_so():
    drawn = sketch(network())
    assert drawn.note == "454 values, folded to 6 boxes (depth=2)"
    assert f"label=<{drawn.note}>" in drawn.graph.source
    assert sketch(network(), max_nodes=None).note == sketch(network(), depth=2).note == ""


def test_a_hundred_samples_are_drawn_as_one():
    model = MLP(2, [4, 1], rng=0)
    terms = [relu(1.0 + -1.0 * model([Value(i), Value(-i)])) for i in range(100)]
    found = texts(sum(terms) * 0.01, "folded", max_nodes=8)
    assert sorted([box[0] for box in found]) == ["* ×100", "+ ×100", "MLP ×100", "ReLU ×100", "leaves ×200"]


# ---------------------------------------------------------------- colours


def fills(y, **options) -> dict[str, str]:
    source = draw(y, **options).source
    return {
        line.split()[0]: line.partition("fillcolor=")[2][1:8] for line in source.splitlines() if 'fillcolor="#' in line
    }


def test_boxes_are_coloured_by_size_and_sign():
    a, b = Value(4.0, "a"), Value(-1.0, "b")
    assert fills(a * b, color_by="data") == {"v0": "#fdae61", "v1": "#b5d6ea", "v2": "#6baed6"}


def test_nothing_is_coloured_by_a_gradient_that_is_unknown():
    y = neuron()
    assert len(fills(y, color_by="grad")) == 6
    assert fills(diamond(), color_by="grad") == {}
    assert fills(y) == {}


def test_a_folded_box_is_coloured_by_its_largest_magnitude():
    x = Value(1.0, "x")
    with scope("ends"):
        ys = [x * 3.0, x * -4.0]
    assert fills(ys, color_by="data", depth=0) == {"v0": "#fed6b0", "f4": "#6baed6"}


def test_special_numbers_are_marked_and_the_legend_says_how():
    x = Value(0.0, "x")
    ys = [log(x), div(x, x), x.relu(), Value(1.0).exp()]
    parts = picture(ys, color_by="data")
    source = {line.split()[0]: line for line in draw(ys, color_by="data").source.splitlines() if "label=" in line}
    assert 'style="filled,dashed"' in source["v0"]
    assert "peripheries=2" in source["v1"]
    assert "shape=octagon" in source["v2"]
    assert "shape=doublecircle" in source["o3"]
    assert "shape=circle" in source["o1"]
    assert {name: part.texts for name, part in parts.items() if name.startswith("mark-")} == {
        "mark-flat": ("no gradient", "passes"), "mark-infinite": ("infinite",), "mark-nan": ("nan",), "mark-zero": ("zero",),
    }  # fmt: skip


def test_the_legend_has_the_ends_of_the_scale_and_only_marks_that_occur():
    parts = picture(neuron(), color_by="grad")
    (legend,) = [part.texts for part in parts.values() if part.title == "cluster_legend"]
    (scale,) = [part.texts for part in parts.values() if part.title == "scale"]
    assert legend == ("grad",)
    assert scale == ("-1.2695", "-0.31737", "0", "0.31737", "1.2695")
    assert not [name for name in parts if name.startswith("mark-")]


# ---------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "gif"}, "there is no format 'gif': choose svg, png, pdf or dot"),
        ({"rankdir": "left"}, "rankdir is 'left': choose LR, RL, TB or BT"),
        ({"color_by": "size"}, "color_by is 'size': choose 'data' or 'grad', or leave it out"),
        ({"depth": -1}, "depth is -1: pass a whole number from 0, or None"),
        ({"depth": 1.0}, "depth is 1.0: pass a whole number from 0, or None"),
        ({"max_nodes": 0}, "max_nodes is 0: pass a whole number from 1, or None"),
    ],
)
def test_an_option_that_there_is_not_is_named(options, message):
    assert message_of(ArgumentError, lambda: draw(Value(1.0), **options)) == message


def test_backward_is_of_one_result():
    a = Value(1.0)
    assert message_of(ArgumentError, lambda: draw([a, a.exp()], backward=True)) == (
        "backward=True draws the gradients of one result, not of 2: draw one at a time"
    )


@pytest.mark.parametrize(
    ("y", "shown"),
    [(3.0, "3.0 of type float"), ([], "[] of type list"), ([1.0], "[1.0] of type list"), ("y", "'y' of type str")],
)
def test_only_values_can_be_drawn(y, shown):
    assert message_of(OperandTypeError, lambda: draw(y)) == f"{shown} has no graph: pass a Value, or a list of Values"


def test_the_gradients_of_a_stale_graph_are_not_drawn():
    a = Value(2.0)
    y = a * a
    a.data = 3.0
    with pytest.raises(StaleGraphError):
        draw(y, backward=True)
    assert texts(y)[-1] == ("data 4", "grad -")


# ---------------------------------------------------------------- files and notebooks


@pytest.mark.parametrize(
    ("suffix", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("DOT", b"digraph")]
)
def test_a_drawing_is_saved_as_its_suffix_says(tmp_path, suffix, start):
    path = tmp_path / f"graph.{suffix}"
    path.write_bytes(b"old")
    save(neuron(), path, color_by="grad")
    assert path.read_bytes().startswith(start)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    save(neuron(), str(path))
    assert path.read_bytes().startswith(start)


@pytest.mark.parametrize("name", ["graph", "graph.gif", "svg", ".svg"])
def test_another_suffix_is_refused(tmp_path, name):
    path = tmp_path / name
    assert message_of(ArgumentError, lambda: save(neuron(), path)) == (
        f"{str(path)!r} does not say what to write: end it in .svg, .png, .pdf or .dot"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_value_shows_itself_in_a_notebook():
    y = neuron()
    bundle = y._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "image/svg+xml", "image/png"}
    assert bundle["text/plain"] == repr(y)
    assert parts_of(bundle["image/svg+xml"]).keys() == picture(y).keys()
    assert bundle["image/png"].startswith(b"\x89PNG")
    assert set(y._repr_mimebundle_(include=["image/png", "text/html"])) == {"image/png"}
    assert set(y._repr_mimebundle_(exclude=["image/png"])) == {"text/plain", "image/svg+xml"}
    assert y._repr_mimebundle_(include=[]) == {}


def test_ipython_takes_the_bundle(capfd):
    formatters = pytest.importorskip("IPython.core.formatters")
    data, _ = formatters.DisplayFormatter().format(neuron())
    assert set(data) == {"text/plain", "image/svg+xml", "image/png"}
    assert capfd.readouterr().err == ""


def test_drawing_leaves_no_trace():
    y = network()
    before = pickle.dumps([(v.data, v.grad, v.swept, v.label) for v in topological_order(y)])
    draw(y, color_by="grad", partials=True, expand=True, backward=True)
    assert pickle.dumps([(v.data, v.grad, v.swept, v.label) for v in topological_order(y)]) == before


# ---------------------------------------------------------------- the same in each run and every engine


@pytest.mark.skipif(len(ENGINES) < 2, reason="needs both engines: install Graphviz, and graphviz-pure")
@settings(max_examples=50, deadline=None)
@given(programs(longest=25))
def test_both_engines_draw_the_same(program):
    results = program(OURS, [Value(x) for x in program.at])
    with scope("all"):
        y = results[-1] * 1.0
    source = draw(y, max_nodes=60, partials=True, color_by="data").source
    system, pure = (parts_of(draw_with(dot, source)) for dot in (SYSTEM, PURE))
    assert {name: (part.kind, part.title, part.texts) for name, part in system.items()} == {
        name: (part.kind, part.title, part.texts) for name, part in pure.items()
    }


RUN = """
import hashlib, sys
sys.path.insert(0, sys.argv[1])
from autograd_core import Value, scope, tanh
from autograd_core.draw import draw
from autograd_core.render import render
from nn import MLP
model = MLP(2, [8, 8, 1], rng=0)
y = sum([tanh(model([Value(i, label="é"), Value(-i)])) for i in range(9)])
y.backward()
for options in ({}, dict(depth=1), dict(max_nodes=None, color_by="grad"), dict(backward=True, expand=True, partials=True)):
    source = draw(y, **options).source
    print(hashlib.sha256(source.encode()).hexdigest())
for format in ("svg", "png", "pdf"):
    print(format, hashlib.sha256(render(draw(y).source, format)).hexdigest())
"""


def test_separate_processes_write_the_same_bytes():
    def run(seed):
        env = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", RUN, ROOT], capture_output=True, text=True, check=True, env=env)
        return done.stdout, done.stderr

    first, second = run("1"), run("2")
    assert first == second
    assert len(first[0].splitlines()) == 7
    assert first[1] == ""


def test_10_000_values_are_drawn_in_seconds():
    model = MLP(3, [16, 16, 1], rng=0)
    y = sum([relu(1.0 - model([Value(i), Value(-i), 1.0])) for i in range(100)])
    drawn = sketch(y)
    assert drawn.note == f"{len(topological_order(y)):,} values, folded to {len(set(drawn.boxes))} boxes (depth=3)"
    assert len(topological_order(y)) > 10_000
    assert len(set(drawn.boxes)) < 150
    assert parts_of(draw_with(SYSTEM or PURE, drawn.graph.source)).keys() >= set(drawn.boxes)


def test_a_chain_of_200_000_is_drawn_without_recursing():
    v = Value(0.5)
    for _ in range(200_000):
        v = v.sin()
    drawn = sketch(v)
    assert drawn.note == "200,001 values, folded to 150 boxes (depth=0)"
    assert drawn.boxes[0] == drawn.boxes[199_851] == "f199851"
    assert drawn.boxes[-1] == "v200000"
    assert "… 199,852 earlier values" in drawn.graph.source
