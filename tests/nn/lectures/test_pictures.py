"""Pictures of claims: what is drawn is what is so."""

import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from autograd_core.errors import ArgumentError
from nn.lectures.pictures import PICTURES, picture
from nn.lectures.registry import items_of

XOR_POINTS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
XOR_SIGNS = np.array([-1.0, 1.0, 1.0, -1.0])


def lines(id, panel=0):
    """Return the x and y of each line in a panel by its label."""
    return {line.get_label(): line.get_xydata().T for line in picture(id).axes[panel].get_lines()}


def labelled(found, part):
    (xy,) = [xy for label, xy in found.items() if part in label]
    return xy


def exponent(xy):
    return np.diff(np.log(xy[1])) / np.diff(np.log(xy[0]))


@pytest.mark.parametrize("id", PICTURES)
def test_each_picture_is_of_an_item_names_its_axes_and_states_the_claim(id):
    assert id in {item.id for item in items_of()}
    figure = picture(id)
    assert isinstance(figure, Figure)
    assert figure.get_size_inches().tolist() == [6.0, 4.0]
    assert len(figure.get_suptitle()) > 20
    assert any([axes.get_xlabel() for axes in figure.axes])
    assert any([axes.get_ylabel() for axes in figure.axes])
    assert any([axes.get_legend() for axes in figure.axes])


@pytest.mark.parametrize("id", PICTURES)
def test_the_same_picture_is_drawn_each_time(id):
    for first, second in zip(picture(id).axes, picture(id).axes, strict=True):
        for a, b in zip(first.get_lines(), second.get_lines(), strict=True):
            assert np.array_equal(a.get_xydata(), b.get_xydata())


@pytest.mark.parametrize("id", PICTURES)
def test_no_text_runs_out_of_the_picture(id):
    figure = picture(id)
    figure.draw_without_rendering()
    inside = figure.bbox
    texts = [figure._suptitle, *[t for axes in figure.axes for t in (axes.xaxis.label, axes.yaxis.label, axes.title)]]
    for box in [text.get_window_extent() for text in texts if text.get_text()]:
        assert inside.x0 <= box.x0
        assert box.x1 <= inside.x1
        assert inside.y0 <= box.y0
        assert box.y1 <= inside.y1


def test_an_unknown_picture_is_refused_with_those_that_there_are():
    with pytest.raises(ArgumentError) as caught:
        picture("malik.price")
    assert str(caught.value) == (
        "there is no picture of 'malik.price': choose one of levine.nonconvex, ai50021.act.hyperplane, ai50021.uat, "
        "ai50021.uat.cannot_learn, malik.cost, lai.init.zero, mit.linear.collapse, mit.act.step.nograd, "
        "mit.opt.sgd.convergence, mit.grad.vanishing"
    )


def test_backpropagation_costs_n_and_a_quotient_for_each_weight_n_squared():
    found = lines("malik.cost")
    n, edges = labelled(found, "backpropagation")
    assert n.tolist() == [10.0, 20.0, 40.0, 80.0, 160.0, 320.0]
    # A product and a sum of two inputs each for every weight, and one input for each of n/5 + 1 sigmoids.
    assert np.array_equal(edges, 4.0 * n + n / 5.0 + 1.0)
    assert np.all(np.abs(exponent((n, edges)) - 1.0) < 0.05)
    passes = labelled(found, "quotient")
    assert np.array_equal(passes[1], (n + 1.0) * edges)
    assert abs(exponent(passes)[-1] - 2.0) < 0.02


def test_linear_layers_lie_on_a_straight_line_through_0_and_bent_ones_do_not():
    found = lines("mit.linear.collapse")
    x, straight = labelled(found, "identity")
    slope = straight[-1] / x[-1]
    assert np.allclose(straight, slope * x, atol=1e-12)
    at, one = labelled(found, "one layer")
    assert np.allclose(one, slope * at, atol=1e-12)
    for f in ("tanh", "relu"):
        x, bent = labelled(found, f)
        assert np.max(np.abs(np.diff(bent, 2))) > 1e-3


def test_hidden_neurons_that_start_at_0_stay_together_and_others_do_not():
    equal, unequal = [np.array([xy[1] for xy in lines("lai.init.zero", panel).values()]) for panel in (1, 0)]
    assert equal.shape == unequal.shape == (3, 301)
    assert np.max(np.ptp(equal, axis=0)) < 1e-12
    assert np.ptp(equal[0]) > 1.0
    assert unequal[:, 0].tolist() == [0.2, -0.4, 0.6]
    assert np.min(np.ptp(unequal, axis=0)) > 0.5


def test_gradients_vanish_last_or_explode_by_depth():
    found = {f: labelled(lines("mit.grad.vanishing"), f)[1] for f in ("identity", "relu", "tanh", "sigmoid")}
    assert {f: sizes[-1] for f, sizes in found.items()} == dict.fromkeys(found, 1.0)
    # A sigmoid's slope is at most 1/4 and ‖W‖ about 2: at least half is lost in each layer. Variance 4/30 doubles it.
    assert np.all(np.diff(found["sigmoid"]) > 0.0)
    assert np.all(found["sigmoid"] <= 0.5 ** np.arange(9, -1, -1.0))
    per_layer = found["identity"][0] ** (1.0 / 9.0)
    assert 1.7 < per_layer < 2.3
    for f in ("relu", "tanh"):
        assert np.all((found[f] > 0.05) & (found[f] < 20.0))


def test_a_step_has_no_slope_and_a_sigmoid_has_its_own():
    w, flat = labelled(lines("mit.act.step.nograd", 1), "step")
    assert np.all(flat == 0.0)
    _, loss = labelled(lines("mit.act.step.nograd"), "step")
    assert np.allclose(loss, np.where(0.5 * w + 0.3 >= 0.0, 0.6**2, 0.2**2))
    p = 1.0 / (1.0 + np.exp(-(0.5 * w + 0.3)))
    _, slope = labelled(lines("mit.act.step.nograd", 1), "sigmoid")
    assert np.allclose(slope, 2.0 * (0.8 * p - 0.2) * 0.8 * p * (1.0 - p) * 0.5, rtol=1e-12)


def test_a_wider_layer_comes_nearer_unless_nothing_is_bent():
    found = lines("ai50021.uat")
    width, error = labelled(found, "tanh")
    assert width.tolist() == [2.0, 4.0, 8.0, 16.0, 32.0]
    assert np.all(np.diff(error) < 0.0)
    assert error[-1] < 1e-3
    relu = labelled(found, "relu")[1]
    assert relu[-1] < 0.25 * relu[0]
    # On a grid the least-squares line through sin 2x over [-π, π] is -0.152 x; it misses by about 1 whatever the width.
    x = np.linspace(-math.pi, math.pi, 201)
    best = np.polyval(np.polyfit(x, np.sin(2.0 * x), 1), x)
    assert np.allclose(labelled(found, "identity")[1], np.max(np.abs(best - np.sin(2.0 * x))))


def test_from_0_the_error_on_xor_stays_at_4_log_2_and_from_elsewhere_it_falls():
    found = lines("ai50021.uat.cannot_learn")
    assert np.allclose(labelled(found, "weights of 0")[1], 4.0 * math.log(2.0), rtol=1e-12)
    falling = labelled(found, "unequal")[1]
    assert np.all(np.diff(falling) < 0.0)
    assert falling[-1] < 0.1


def test_between_two_equally_good_networks_the_objective_is_below_their_chord():
    found = lines("levine.nonconvex")
    _, way = labelled(found, "on the way")
    _, chord = labelled(found, "concave")
    assert len(way) == 51
    assert chord.tolist() == [way[0], way[-1]]
    assert abs(way[0] + 0.01147) < 1e-5
    assert np.allclose(way, way[::-1], atol=1e-12)  # swapping the two units turns the way round
    assert np.all(way[1:-1] < way[0])
    assert way[25] < way[0] - 1.0


def test_at_0_xor_has_a_saddle_of_height_4():
    found = lines("mit.opt.sgd.convergence")
    assert labelled(found, "∇J").ravel().tolist() == [0.0, 4.0]
    c, up = labelled(found, "up")
    assert np.allclose(up, 4.0 + 4.0 * (0.5 * c) ** 2)
    c, down = labelled(found, "down")
    assert down[c == 0.0].tolist() == [4.0]
    assert np.all(down[np.abs(c) > 0.1] < 4.0)
    for share, height in zip(c, down, strict=True):
        hidden = np.tanh(share * (XOR_POINTS @ [[1.0, 1.2], [1.1, 0.9]] + [-0.3, -1.6]))
        outputs = hidden @ [0.5 * share, -0.6 * share]
        assert abs(height - np.sum((outputs - XOR_SIGNS) ** 2)) < 1e-12


def test_a_neuron_is_constant_along_its_hyperplane_and_rises_along_w():
    ways, outputs = lines("ai50021.act.hyperplane"), lines("ai50021.act.hyperplane", 1)
    level, rising = [labelled(outputs, label)[1] for label in ("right angles", "along w")]
    assert np.ptp(level) < 1e-12
    assert np.allclose(level, math.tanh(0.6 * 0.3 - 0.8 * 0.5 + 0.2))
    assert np.all(np.diff(rising) > 0.0)
    across, along = [labelled(ways, label) for label in ("right angles", "along w")]
    assert abs(np.diff(across)[:, 0] @ np.diff(along)[:, 0]) < 1e-12
    assert np.allclose(rising, np.tanh([0.6, -0.8] @ along + 0.2))
