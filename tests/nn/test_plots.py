"""Pictures show the numbers they are given: what is drawn is read back from the Figure."""

import os
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.image
import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from messages import message_of

import nn
from autograd_core import ArgumentError, MissingExtraError, Value
from nn import MLP, Dropout, Layer, Module, Sequential, plots
from nn.history import History

ROOT = Path(nn.__file__).parents[1]
BLUE, ORANGE = "#0072b2", "#d55e00"
RUN = History(
    loss=[3.0, 1.5, 1.0],
    step_loss=[4.0, 2.0, 1.6, 1.4, 1.1, 0.9],
    validation_loss=[3.5, 1.25, 1.75],
    gradient_norms={
        "layers.0.weight": [1.0, 0.5, 0.25], "layers.0.bias": [0.5, 0.1, 0.0],
        "layers.1.weight": [2.0, 1.0, 0.5], "layers.1.bias": [3.0, 2.0, 1.0],
    },
    best_epoch=2,
)  # fmt: skip


def filled(model, seed=0):
    """Give a model weights that are all different, biases included."""
    rng = np.random.default_rng(seed)
    for p in model.parameters():
        p.data = float(rng.normal())
    return model


def lines_of(axes):
    return {line.get_label(): line for line in axes.lines if not line.get_label().startswith("_")}


def points_of(line):
    return list(zip(*[numbers.tolist() for numbers in map(np.asarray, line.get_data())], strict=True))


def texts_of(axes):
    return [(text.get_text(), *np.round(text.get_position(), 6).tolist()) for text in axes.texts]


# ---------------------------------------------------------------- curves


def test_the_losses_of_steps_epochs_and_held_out_samples_are_drawn_where_they_belong():
    (axes,) = plots.curves(RUN).axes
    lines = lines_of(axes)
    assert list(lines) == ["each step", "mean of each epoch", "validation samples", "best: epoch 2, 1.25"]
    assert points_of(lines["each step"]) == [(0.5, 4.0), (1.0, 2.0), (1.5, 1.6), (2.0, 1.4), (2.5, 1.1), (3.0, 0.9)]
    assert points_of(lines["mean of each epoch"]) == [(1, 3.0), (2, 1.5), (3, 1.0)]
    assert points_of(lines["validation samples"]) == [(1, 3.5), (2, 1.25), (3, 1.75)]
    assert points_of(lines["best: epoch 2, 1.25"]) == [(2, 1.25)]
    assert lines["best: epoch 2, 1.25"].get_marker() == "*"
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_yscale()) == ("epoch", "loss", "linear")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list(lines)


def test_lines_differ_in_more_than_their_colour():
    lines = lines_of(plots.curves(RUN).axes[0])
    looks = {(line.get_linestyle(), line.get_marker()) for line in lines.values()}
    assert len(looks) == 4
    assert lines["each step"].get_alpha() < 0.5


def test_the_scale_may_be_logarithmic_and_leaves_out_what_has_no_logarithm():
    figure = plots.curves(History(loss=[1.0, 0.0], step_loss=[1.0, -1.0]), log=True)
    axes = figure.axes[0]
    assert axes.get_yscale() == "log"
    assert not np.isfinite(axes.yaxis.get_transform().transform([0.0, -1.0])).any()
    figure.canvas.draw()


def test_a_run_without_held_out_samples_has_neither_their_line_nor_a_best():
    history = History(loss=[2.0, 1.0], step_loss=[2.0, 1.0], best_epoch=1)
    assert list(lines_of(plots.curves(history).axes[0])) == ["each step", "mean of each epoch"]


def test_a_run_that_was_stopped_before_its_first_epoch_ended_is_drawn_by_its_steps():
    (axes,) = plots.curves(History(step_loss=[3.0, 2.0], interrupted=True)).axes
    assert points_of(lines_of(axes)["each step"]) == [(1.0, 3.0), (2.0, 2.0)]
    assert axes.get_xlabel() == "step"


@pytest.mark.parametrize(
    ("epochs", "per_epoch", "more"),
    [(1, 5, 4), (3, 7, 3), (10, 9, 8), (4, 10, 0), (6, 3, 2), (5, 3, 3), (1, 5, 5), (2, 1, 1)],
)
def test_a_run_that_was_stopped_within_an_epoch_keeps_the_others_in_their_places(epochs, per_epoch, more):
    steps = np.random.default_rng(epochs).uniform(1.0, 2.0, size=epochs * per_epoch + more)
    loss = steps[: epochs * per_epoch].reshape(epochs, per_epoch).mean(axis=1).tolist()
    history = History(loss=loss, step_loss=steps.tolist(), interrupted=True)
    when = lines_of(plots.curves(history).axes[0])["each step"].get_xdata()
    np.testing.assert_allclose(when, np.arange(1, len(steps) + 1) / per_epoch, rtol=1e-15)


def test_epochs_are_counted_in_whole_numbers():
    axes = plots.curves(RUN).axes[0]
    assert all(tick == round(tick) for tick in axes.get_xticks())


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_leaves_a_gap(number):
    figure = plots.curves(History(loss=[1.0, number], step_loss=[1.0, number]))
    figure.canvas.draw()
    assert points_of(lines_of(figure.axes[0])["each step"])[0] == (1.0, 1.0)


def test_a_history_draws_itself():
    assert list(lines_of(RUN.plot().axes[0])) == list(lines_of(plots.curves(RUN).axes[0]))


def test_a_history_without_losses_is_refused():
    message = message_of(ArgumentError, lambda: plots.curves(History()))
    assert message == "the history holds no losses: draw it after nn.fit has taken a step"


# ---------------------------------------------------------------- gradients


def test_each_array_has_a_line_with_its_gradients_lengths():
    figure = plots.gradient_norms(RUN)
    (axes,) = figure.axes
    assert not np.isfinite(axes.yaxis.get_transform().transform([0.0])).any()
    lines = lines_of(axes)
    assert {name: list(line.get_ydata()) for name, line in lines.items()} == RUN.gradient_norms
    assert {tuple(line.get_xdata()) for line in lines.values()} == {(1, 2, 3)}
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_yscale()) == ("epoch", "length of the gradient", "log")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(RUN.gradient_norms)


def test_layers_differ_in_colour_and_biases_are_dashed():
    lines = lines_of(plots.gradient_norms(RUN).axes[0])
    assert {name: line.get_linestyle() for name, line in lines.items()} == {
        name: "--" if name.endswith("bias") else "-" for name in lines
    }
    colours = [lines[f"layers.{i}.{what}"].get_color() for i in range(2) for what in ("weight", "bias")]
    assert colours[0] == colours[1] != colours[2] == colours[3]


def test_a_models_bars_are_the_lengths_of_its_gradients():
    model = MLP(2, [3, 1], rng=0)
    for i, p in enumerate(model.parameters()):
        p.grad = float(i - 4)
    (axes,) = plots.gradient_norms(model).axes
    grads = [range(-4, 2), range(2, 5), range(5, 8), range(8, 9)]
    lengths = [sum(g * g for g in grad) ** 0.5 for grad in grads]
    np.testing.assert_allclose([bar.get_width() for bar in axes.patches], lengths, rtol=1e-15)
    names = ["layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"]
    assert [text.get_text() for text in axes.get_yticklabels()] == names
    assert [text.get_text() for text in axes.texts] == [f"{length:.3g}" for length in lengths]
    assert axes.yaxis_inverted()


def test_without_gradients_there_is_nothing_to_draw():
    message = message_of(ArgumentError, lambda: plots.gradient_norms(History(loss=[1.0])))
    assert message == "the history holds no gradients: draw it after nn.fit has finished an epoch"
    message = message_of(ArgumentError, lambda: plots.gradient_norms(Dropout(drop=0.5)))
    assert message == "the model has no parameters, and so no gradients: pass one that can learn"


# ---------------------------------------------------------------- boundary

POINTS = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0], [1.0, 2.0]])


def linear(x):
    return 2.0 * x[0] - x[1] + 0.25


def three(x):
    return x[0], x[1], 0.5 - x[0]


def region(axes, k):
    """Return a function that says whether a place is in the region of a class."""
    wanted = to_rgba(["#0072b2", "#d55e00", "#009e73"][k], 0.3)
    (shape,) = [
        c for c in axes.collections if np.shape(c.get_facecolor()) == (1, 4) and np.allclose(c.get_facecolor(), wanted)
    ]
    return lambda place: any(path.contains_point(place) for path in shape.get_paths())


def test_one_outputs_map_holds_its_values_and_changes_over_at_the_threshold():
    figure = plots.boundary(linear, POINTS, [0, 1, 0, 1], threshold=0.0, resolution=21)
    axes, bar = figure.axes
    (picture,) = axes.images
    left, right, low, high = picture.get_extent()
    x = left + (np.arange(21) + 0.5) * (right - left) / 21
    y = low + (np.arange(21) + 0.5) * (high - low) / 21
    np.testing.assert_allclose([x[0], x[-1], y[0], y[-1]], [-0.08, 1.08, -0.16, 2.16], rtol=1e-12)
    expected = 2.0 * x[None, :] - y[:, None] + 0.25
    np.testing.assert_allclose(picture.get_array(), expected, rtol=0.0, atol=1e-12)
    assert picture.get_clim() == pytest.approx((-np.abs(expected).max(), np.abs(expected).max()))
    assert picture.origin == "lower"
    assert bar.get_ylabel() == "output of the model"
    (line,) = [
        c
        for c in axes.collections
        if len(c.get_paths()) == 1 and len(c.get_offsets()) <= 1 and not len(c.get_facecolor())
    ]
    along = line.get_paths()[0].vertices
    np.testing.assert_allclose(2.0 * along[:, 0] - along[:, 1] + 0.25, 0.0, atol=1e-12)
    assert len(along) > 5


def test_the_samples_lie_on_the_map_by_class_in_colour_and_mark():
    figure = plots.boundary(
        linear, POINTS, [0, 1, 0, 1], threshold=0.0, resolution=5, names=("width (cm)", "height (cm)")
    )
    axes = figure.axes[0]
    samples = {c.get_label(): c for c in axes.collections if c.get_label().startswith("class")}
    assert {label: c.get_offsets().tolist() for label, c in samples.items()} == {
        "class 0": [[0.0, 0.0], [0.0, 2.0]],
        "class 1": [[1.0, 0.0], [1.0, 2.0]],
    }
    assert len({c.get_paths()[0].vertices.tobytes() for c in samples.values()}) == 2
    assert {tuple(c.get_facecolor()[0]) for c in samples.values()} == {to_rgba(BLUE), to_rgba(ORANGE)}
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("width (cm)", "height (cm)")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["class 0", "class 1"]


def test_of_several_outputs_each_class_has_the_region_where_its_output_is_the_largest():
    axes = plots.boundary(three, POINTS, [2, 0, 1, 1], resolution=41).axes[0]
    regions, rng, hits = [region(axes, k) for k in range(3)], np.random.default_rng(0), [0, 0, 0]
    for place in rng.uniform([-0.05, -0.1], [1.05, 2.1], size=(200, 2)).tolist():
        outputs = three(place)
        if np.ptp(np.sort(outputs)[1:]) > 0.05:  # not on a border
            assert [inside(place) for inside in regions] == [y == max(outputs) for y in outputs]
            hits[int(np.argmax(outputs))] += 1
    assert min(hits) > 5


@pytest.mark.parametrize(
    "targets", [[2, 0, 1, 1], [[0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 1, 0]]], ids=["classes", "one-hot"]
)
def test_classes_may_be_numbers_or_one_hot_rows(targets):
    axes = plots.boundary(three, POINTS, targets, resolution=5).axes[0]
    samples = {c.get_label(): c.get_offsets().tolist() for c in axes.collections if c.get_label().startswith("class")}
    assert samples == {"class 0": [[1.0, 0.0]], "class 1": [[0.0, 2.0], [1.0, 2.0]], "class 2": [[0.0, 0.0]]}


def test_labels_of_minus_one_and_one_are_called_so():
    figure = plots.boundary(linear, POINTS, [-1, 1, -1, 1], threshold=0.0, resolution=5)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["class -1", "class 1"]


@pytest.mark.parametrize(
    ("output", "regions"), [(Value(0.5), 0), (Value(0.0), 0), ((1.0, 0.0), 1), ((0.0, 0.0), 0)], ids=str
)
def test_a_model_that_decides_everywhere_alike_is_drawn_without_a_border(output, regions):
    figure = plots.boundary(lambda _: output, POINTS, [0, 1, 0, 1], resolution=5)
    figure.canvas.draw()
    sheets = [c for c in figure.axes[0].collections if len(c.get_facecolor()) and not c.get_label().startswith("class")]
    assert len(sheets) == regions


def test_the_map_is_that_of_evaluation_and_the_model_stays_as_it_was():
    model = Sequential(Dropout(drop=0.9, rng=0), MLP(2, [1], rng=0))
    before = model.state_dict()
    axes = plots.boundary(model, POINTS, [0, 1, 0, 1], resolution=4).axes[0]
    (weight,), (bias,) = before["1.layers.0.weight"].tolist(), before["1.layers.0.bias"].tolist()
    corner = axes.images[0].get_array()[0, 0]
    assert corner == pytest.approx(weight[0] * -0.08 + weight[1] * -0.16 + bias)
    assert [module.training for _, module in model.named_modules()] == [True] * 5
    assert {p.grad for p in model.parameters()} == {0.0}


def test_a_column_that_does_not_vary_still_has_some_width():
    (picture,) = plots.boundary(linear, [[1.0, 0.0], [1.0, 1.0]], [0, 1], resolution=3).axes[0].images
    assert picture.get_extent() == pytest.approx((-0.5, 2.5, -0.08 - 0.29, 1.08 + 0.29))


WRONG_MAPS = {
    "three inputs": (
        lambda: plots.boundary(linear, np.ones((5, 3)), [0] * 5),
        "inputs has the shape (5, 3): a map can be drawn of two numbers for each sample",
    ),
    "text": (
        lambda: plots.boundary(linear, [["a", "b"]], [0]),
        "inputs and targets are no tables of numbers (could not convert string to float: 'a'): pass one row for each sample",
    ),
    "nan among them": (
        lambda: plots.boundary(linear, [[0.0, float("nan")]], [0]),
        "inputs holds numbers that are not finite: leave those samples out",
    ),
    "no samples": (
        lambda: plots.boundary(linear, np.ones((0, 2)), []),
        "inputs has the shape (0, 2): a map can be drawn of two numbers for each sample",
    ),
    "targets missing": (
        lambda: plots.boundary(linear, POINTS, [0, 1]),
        "there are 4 samples and 2 targets: pass one target for each sample",
    ),
    "a regression": (
        lambda: plots.boundary(linear, POINTS, [0.0, 1.0, 0.5, 2.0], resolution=3),
        "targets holds 0.5, and the model has 1 output: pass 0 and 1, or -1 and 1",
    ),
    "both codings": (
        lambda: plots.boundary(linear, POINTS, [0, 1, -1, 1], resolution=3),
        "targets holds 0, and the model has 1 output: pass 0 and 1, or -1 and 1",
    ),
    "names": (
        lambda: plots.boundary(linear, POINTS, ["a", "b", "a", "b"], resolution=3),
        "targets holds 'a', and the model has 1 output: pass 0 and 1, or -1 and 1",
    ),
    "a class too many": (
        lambda: plots.boundary(three, POINTS, [0, 1, 2, 3], resolution=3),
        "targets holds 3, and the model has 3 outputs: pass classes from 0 to 2",
    ),
    "classes by the dozen": (
        lambda: plots.boundary(lambda x: (x[0],) * 12, POINTS, [0, 1, 2, 3], resolution=3),
        "the model has 12 outputs: a map can show 8 classes at most",
    ),
    "nan": (
        lambda: plots.boundary(lambda x: x[0] * float("nan"), POINTS, [0, 1, 0, 1], resolution=3),
        "the model's output is nan or infinite for some inputs: draw one that was trained well",
    ),
    "one point": (
        lambda: plots.boundary(linear, POINTS, [0, 1, 0, 1], resolution=1),
        "resolution is 1: a map takes 2 points along each axis, and better 60",
    ),
    "no points": (
        lambda: plots.boundary(linear, POINTS, [0, 1, 0, 1], resolution=0),
        "resolution is 0: pass a whole number from 1 up",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("call", "says"), WRONG_MAPS.values(), ids=WRONG_MAPS)
def test_what_is_no_map_of_two_inputs_is_refused(call, says):
    assert message_of(ArgumentError, call) == says


# ---------------------------------------------------------------- networks


def test_every_weight_is_a_line_of_its_width_in_the_colour_and_dash_of_its_sign():
    model = MLP(2, [3, 1], rng=0)
    state = {"layers.0.weight": [[1.0, -2.0], [0.0, 8.0], [-0.5, 3.0]], "layers.1.weight": [[-1.0, 2.0, 0.25]]}
    model.load_state_dict(state | {"layers.0.bias": [0.5, -0.25, 0.0], "layers.1.bias": [1.5]})
    (axes,) = plots.network(model).axes
    column = {0: [0.5, -0.5], 1: [1.0, 0.0, -1.0], 2: [0.0]}
    drawn = {}
    for lines, colour, dashed in zip(axes.collections[:2], (BLUE, ORANGE), (False, True), strict=True):
        assert lines.get_colors().tolist() == [list(to_rgba(colour))]
        assert (lines.get_linestyle()[0][1] is not None) is dashed
        for (start, end), width in zip(lines.get_segments(), lines.get_linewidths(), strict=True):
            i, j, k = int(start[0]), column[int(start[0])].index(start[1]), column[int(end[0])].index(end[1])
            assert end[0] == i + 1
            drawn[i, k, j] = -width if dashed else width
    weights = {
        (i, k, j): w for i in range(2) for k, row in enumerate(state[f"layers.{i}.weight"]) for j, w in enumerate(row)
    }
    assert drawn == {place: w / 2.0 for place, w in weights.items() if w}  # the largest, 8, is 4 points wide
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "positive weight",
        "negative weight; the widest line is 8",
    ]
    assert axes.get_legend().get_title().get_text() == "below a neuron: its bias"
    nodes = [c.get_offsets().tolist() for c in axes.collections[2:]]
    assert nodes == [[[0.0, 0.5], [0.0, -0.5]], [[1.0, 1.0], [1.0, 0.0], [1.0, -1.0]], [[2.0, 0.0]]]
    assert texts_of(axes) == [
        ("inputs", 0.0, 1.0), ("+0.5", 1.0, 0.58), ("-0.25", 1.0, -0.42), ("+0", 1.0, -1.42), ("layer 1", 1.0, 1.0),
        ("+1.5", 2.0, -0.42), ("outputs", 2.0, 1.0),
    ]  # fmt: skip


def test_with_inputs_each_neuron_shows_what_it_puts_out():
    model = filled(MLP(3, [4, 2], "tanh", "sigmoid", rng=0))
    (axes,) = plots.network(model, [0.5, -1.0, 2.0]).axes
    state = model.state_dict()
    x = np.array([0.5, -1.0, 2.0])
    h = np.tanh(state["layers.0.weight"] @ x + state["layers.0.bias"])
    y = 1.0 / (1.0 + np.exp(-(state["layers.1.weight"] @ h + state["layers.1.bias"])))
    headings = ("inputs", "layer 1", "outputs")
    shown = {(a, b): text for text, a, b in texts_of(axes) if text not in headings}
    for i, row in enumerate([x, h, y]):
        for k, number in enumerate(row):
            assert shown[float(i), (len(row) - 1) / 2.0 - k] == f"{number:.2g}"
    assert axes.get_legend().get_title().get_text() == "in a neuron: its output; below it: its bias"


def test_modules_between_the_layers_take_part_in_what_is_put_out():
    def double(row):
        return tuple([2.0 * v for v in row])

    first, second = Layer(1, 1, "identity", rng=0), Layer(1, 1, "identity", bias=False, rng=0)
    model = Sequential(first, double, Dropout(drop=0.5, rng=0), second)
    model.load_state_dict({"0.weight": [[3.0]], "0.bias": [1.0], "3.weight": [[5.0]]})
    shown = [text for text, _, y in texts_of(plots.network(model, [1.0]).axes[0]) if y == 0.0]
    assert shown == ["1", "8", "40"]
    assert model.training


def test_one_layer_is_a_network_too_and_so_are_networks_in_a_row():
    assert len(plots.network(Layer(2, 3, rng=0)).axes[0].collections) == 4
    assert len(plots.network(Sequential(MLP(2, [3, 2], rng=0), Layer(2, 1, rng=0))).axes[0].collections) == 6


class Line(Module):
    def __init__(self):
        self.slope = Value(1.0)


NO_ROW = "is no row of layers, each on the outputs of the one before: pass a Layer, an MLP or a Sequential of Layers"
WRONG_NETS = {
    "too many weights": (
        lambda: plots.network(MLP(15, [10, 8], rng=0)),
        "the network has 230 weights and up to 15 neurons side by side, and no more than 200 and 16 can be told apart: draw nn.plots.weights(model)",
    ),
    "too wide": (
        lambda: plots.network(MLP(2, [17, 1], rng=0)),
        "the network has 51 weights and up to 17 neurons side by side, and no more than 200 and 16 can be told apart: draw nn.plots.weights(model)",
    ),
    "something else": (lambda: plots.network(Line()), f"Line {NO_ROW}"),
    "layers that do not fit": (lambda: plots.network(Sequential(Layer(2, 3, rng=0), Layer(2, 1, rng=0))), f"Sequential {NO_ROW}"),
    "inputs that do not fit": (
        lambda: plots.network(Layer(2, 1, rng=0), [1.0]),
        "Layer(2, 1, 'relu') takes 2 inputs and was given 1: pass one number for each",
    ),
    "no weights": (lambda: plots.weights(Line()), "Line has no array of weights: pass a Layer, an MLP or the like"),
    "another image": (
        lambda: plots.weights(MLP(6, [2], rng=0), shape=(2, 2)),
        "layers.0.weight has 6 inputs, and an image of 2 by 2 has 4: pass the shape that the inputs have",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("call", "says"), WRONG_NETS.values(), ids=WRONG_NETS)
def test_what_cannot_be_seen_is_refused(call, says):
    assert message_of(ArgumentError, call) == says


def test_each_weight_array_is_a_map_with_0_in_the_middle():
    model = filled(MLP(3, [4, 2], rng=0))
    figure = plots.weights(model)
    panels = [axes for axes in figure.axes if axes.images]
    state = model.state_dict()
    assert [axes.get_title() for axes in panels] == ["layers.0.weight", "layers.1.weight"]
    for axes in panels:
        array = state[axes.get_title()]
        assert np.asarray(axes.images[0].get_array()).tolist() == array.tolist()
        assert axes.images[0].get_clim() == (-np.abs(array).max(), np.abs(array).max())
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("input", "neuron")
        assert all(tick == round(tick) for tick in [*axes.get_xticks(), *axes.get_yticks()])


def test_many_arrays_stand_in_rows_of_four():
    figure = plots.weights(MLP(2, [2] * 6, rng=0))
    assert len([axes for axes in figure.axes if axes.images]) == 6
    assert figure.get_size_inches().tolist() == pytest.approx([11.8, 6.4])


def test_weights_of_images_are_images():
    model = filled(MLP(6, [5, 2], rng=0))
    panels = [axes for axes in plots.weights(model, shape=(2, 3)).axes if axes.images]
    weight = model.state_dict()["layers.0.weight"]
    assert [np.asarray(axes.images[0].get_array()).tolist() for axes in panels] == weight.reshape(5, 2, 3).tolist()
    assert {axes.images[0].get_clim() for axes in panels} == {(-np.abs(weight).max(), np.abs(weight).max())}
    assert [axes.get_title() for axes in panels] == [f"neuron {k}" for k in range(5)]


@pytest.mark.parametrize("draw", [plots.network, plots.weights])
def test_weights_that_are_all_0_can_be_drawn(draw):
    draw(MLP(2, [2, 1], init="zero")).canvas.draw()


# ---------------------------------------------------------------- figures and files


def every_figure():
    model = filled(MLP(2, [3, 1], "tanh", rng=0))
    return {
        "curves": plots.curves(RUN),
        "gradients": plots.gradient_norms(RUN),
        "bars": plots.gradient_norms(model),
        "map": plots.boundary(model, POINTS, [0, 1, 0, 1], resolution=9),
        "regions": plots.boundary(three, POINTS, [2, 0, 1, 1], resolution=9),
        "network": plots.network(model, [1.0, 2.0]),
        "weights": plots.weights(model),
        "tiles": plots.weights(model, shape=(1, 2)),
    }


def save_all(folder):
    for name, figure in every_figure().items():
        for format in ("svg", "png", "pdf") if name == "map" else ("svg",):
            plots.save(figure, folder / f"{name}.{format}", dpi=50)
    return folder


SCRIPT = """
import importlib.util, pathlib, sys
spec = importlib.util.spec_from_file_location("test_plots", sys.argv[1])
tests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tests)
tests.save_all(pathlib.Path(sys.argv[2]))
assert "matplotlib.pyplot" not in sys.modules
"""


def test_the_same_picture_gives_the_same_bytes_in_any_process(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(Path(__file__).parents[1]), *sys.path])}
    with subprocess.Popen([sys.executable, "-c", SCRIPT, __file__, there], env=environment) as program:
        save_all(here)
    assert program.returncode == 0
    first, second = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in (here, there))
    assert len(first) == 10
    assert [name for name in first if first[name] != second[name]] == []


def test_a_picture_is_a_figure_of_its_own_and_settings_stay_as_they_were(tmp_path):
    before = dict(mpl.rcParams)
    figure = plots.curves(RUN)
    plots.save(figure, tmp_path / "curves.svg")
    assert type(figure) is Figure
    assert dict(mpl.rcParams) == before


def test_a_png_has_the_size_and_the_dots_that_were_asked_for(tmp_path):
    plots.save(plots.curves(RUN), tmp_path / "curves.PNG", dpi=100)
    pixels = matplotlib.image.imread(tmp_path / "curves.PNG")
    assert pixels.shape == (400, 600, 4)
    assert (pixels[..., 2] > pixels[..., 0] + 0.1).sum() > 200, "no blue line is drawn"


def test_another_ending_is_refused_and_so_is_a_place_that_takes_no_file(tmp_path):
    figure = plots.curves(RUN)
    message = message_of(ArgumentError, lambda: plots.save(figure, "curves.bmp"))
    assert message == "'curves.bmp' does not say what to write: end it in .png, .svg or .pdf"
    path = tmp_path / "nowhere" / "curves.png"
    message = message_of(ArgumentError, lambda: plots.save(figure, path))
    assert message == f"{path} cannot be written (No such file or directory): choose another place"


def test_without_matplotlib_there_is_a_word_on_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    message = message_of(MissingExtraError, lambda: plots.curves(RUN))
    assert message == (
        "a picture needs matplotlib, which could not be imported (import of matplotlib.figure halted; None in "
        "sys.modules): pip install 'autograd-core[plot]'"
    )


# ---------------------------------------------------------------- odd but legitimate


def test_the_best_epoch_can_be_seen_on_dark_paper_too():
    for style, colour in (("default", "black"), ("dark_background", "white")):
        with mpl.style.context(style):
            (axes,) = plots.curves(RUN).axes
        assert to_rgba(lines_of(axes)["best: epoch 2, 1.25"].get_color()) == to_rgba(colour)


def test_gradients_that_are_all_zero_are_drawn_without_a_logarithm():
    figure = plots.gradient_norms(History(loss=[1.0, 1.0], gradient_norms={"weight": [0.0, 0.0]}))
    assert [axes.get_yscale() for axes in figure.axes] == ["linear"]


def test_targets_may_be_a_column():
    model = MLP(2, [1], output="sigmoid", rng=0)
    inputs = [[0.0, 0.0], [1.0, 1.0], [2.0, 0.0]]
    of_row, of_column = [
        plots.boundary(model, inputs, targets, resolution=3).axes[0].collections
        for targets in ([0, 1, 1], [[0], [1], [1]])
    ]
    assert [np.asarray(c.get_offsets()).tolist() for c in of_row] == [
        np.asarray(c.get_offsets()).tolist() for c in of_column
    ]


def with_nan():
    model = MLP(2, [2, 1], rng=0)
    model.layers[1].neurons[0].w[1].data = float("nan")
    return model


ODD = {
    "one name": (
        lambda: plots.boundary(MLP(2, [1], rng=0), [[0.0, 1.0]], [1], names=["age"]),
        "names is ['age']: pass one for each of the two inputs",
    ),
    "a map of nan": (
        lambda: plots.weights(with_nan()),
        "layers.1.weight holds numbers that are not finite: draw a model that was trained well",
    ),
    "a network of nan": (
        lambda: plots.network(with_nan()),
        "layer 2 holds numbers that are not finite: draw a model that was trained well",
    ),
}


@pytest.mark.parametrize(("call", "message"), ODD.values(), ids=ODD)
def test_what_a_picture_would_say_nothing_of_is_refused(call, message):
    assert message_of(ArgumentError, call) == message
