"""no_grad, detect_anomaly and scope: what each changes, that it ends with its block, and who else notices."""

import asyncio
import contextvars
import copy
import functools
import inspect
import math
import pickle
from pathlib import Path

import pytest

from autograd_core import (
    AnomalyError,
    OperandTypeError,
    Value,
    detect_anomaly,
    dot,
    exp,
    grad,
    gradients,
    log,
    no_grad,
    scope,
    softmax,
    sqrt,
    topological_order,
    where,
)

HERE = str(Path(__file__))


def recording() -> bool:
    return (Value(1.0) * 2.0).op is not None


def line_of(text: str) -> str:
    """Return where a line of this file is, in an AnomalyError's words."""
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    (number,) = [i for i, line in enumerate(lines, start=1) if text in line and "line_of" not in line]
    return f"{HERE}:{number} ({lines[number - 1].strip()})"


# ---------------------------------------------------------------- no_grad


def test_no_grad_computes_the_same_numbers_without_a_graph():
    x, w = Value(2.0), Value(3.0)
    f = lambda: [x * w + 1, exp(x), dot([x, 2.0], [w, w]), -x, x**w, where(x, w, x)]
    with no_grad():
        bare = f()
    assert [v.data for v in bare] == [v.data for v in f()]
    assert [(v.op, v.inputs, v.is_constant) for v in bare] == [(None, (), False)] * len(bare)


def test_a_result_without_recording_is_a_leaf_that_takes_a_gradient_and_a_new_number():
    x = Value(2.0)
    with no_grad():
        y = x * 3.0
    z = y * x
    z.backward()
    assert (y.grad, x.grad) == (2.0, 6.0)
    y.data = 10.0
    assert y.data == 10.0


def test_no_grad_ends_with_its_block_and_after_an_exception():
    with no_grad():
        assert not recording()
        with no_grad():
            assert not recording()
        assert not recording()
    assert recording()
    with pytest.raises(KeyError), no_grad():
        raise KeyError
    assert recording()


def test_no_grad_decorates_a_function():
    @no_grad()
    def predict(x):
        return x * 2.0

    assert predict(Value(3.0)).inputs == ()
    assert recording()


def test_backward_works_inside_no_grad():
    x = Value(3.0)
    y = x * x
    with no_grad():
        y.backward()
        (slope,) = gradients(y, [x])
    assert x.grad == slope.data == 6.0
    assert slope.inputs == ()


def test_an_update_inside_no_grad_is_the_usual_one():
    w = Value(1.0)
    (w * w).backward()
    with no_grad():
        w.data -= 0.25 * w.grad
    assert w.data == 0.5


# ---------------------------------------------------------------- detect_anomaly, forward


def anomaly(call) -> str:
    with pytest.raises(AnomalyError) as fault, detect_anomaly():
        call()
    return str(fault.value)


def test_the_first_bad_number_is_named_with_op_label_inputs_and_line():
    x = Value(-1.0, label="x")

    def bad():
        fine = x * 2.0
        worse = log(fine - x)  # the first bad one
        return worse * 0.0

    where_it_was = line_of("# the first bad one")
    assert anomaly(bad) == f"log(-1.0) is nan; recorded at {where_it_was}: keep its inputs inside the op's domain"


def test_labels_stand_for_inputs():
    a, b = Value(1.0, label="a"), Value(0.0, label="b")
    assert anomaly(lambda: a / b) == (  # a quotient
        f"div(a = 1.0, b = 0.0) is inf; recorded at {line_of('# a quotient')}: keep its inputs inside the op's domain"
    )


def test_a_long_row_is_cut_short():
    row = [Value(1e308, label=f"r{i}") for i in range(4)]
    assert anomaly(lambda: dot(row, row)) == (  # a long row
        "dot(r0 = 1e+308, r1 = 1e+308, r2 = 1e+308, r3 = 1e+308, r0 = 1e+308, r1 = 1e+308, ...) is inf; recorded at "
        f"{line_of('# a long row')}: keep its inputs inside the op's domain"
    )


def test_a_nan_that_was_put_in_is_named_as_the_input_that_it_is():
    x = Value(math.nan, label="x")
    assert anomaly(lambda: x + 1.0) == (  # a nan input
        f"an input of add(x = nan, 1.0) is nan; recorded at {line_of('# a nan input')}: mend what made that input"
    )


def test_an_infinity_that_was_put_in_is_meant():
    mask = Value(-math.inf)
    with detect_anomaly():
        scores = [Value(1.0) + mask, Value(2.0), Value(2.0)]
        assert [p.data for p in softmax(scores)] == [0.0, 0.5, 0.5]
        assert (mask * 2.0).data == -math.inf
    assert anomaly(lambda: mask - mask) == (  # infinities cancel
        f"sub(-inf, -inf) is nan; recorded at {line_of('# infinities cancel')}: keep its inputs inside the op's domain"
    )


def test_a_line_inside_of_the_project_is_never_the_one_named():
    """A composite op and a transform are ours; the line that called them is the user's."""
    zero = Value(0.0)
    assert anomaly(lambda: softmax([zero, math.nan])) == (  # a composite
        f"an input of max(0.0, nan) is nan; recorded at {line_of('# a composite')}: mend what made that input"
    )
    here = line_of("# slope of a root")
    assert anomaly(lambda: gradients(sqrt(zero), [zero])) == (  # slope of a root
        f"while differentiating sqrt(0.0), recorded at {here}: "
        f"div(0.5, 0.0) is inf; recorded at {here}: keep its inputs inside the op's domain"
    )


def test_nothing_is_wrong_with_finite_numbers():
    x = Value(0.5, label="x")
    with detect_anomaly():
        y = exp(x).tanh()  # recorded with its line
        y.backward()
    assert x.grad == pytest.approx(math.exp(0.5) / math.cosh(math.exp(0.5)) ** 2, rel=1e-14)
    assert [v.source for v in topological_order(y)] == [None, *[line_of("# recorded with its line")] * 2]


def test_without_the_mode_nothing_raises_and_no_line_is_kept():
    x = Value(0.0)
    y = log(x)
    y.backward()
    assert (y.data, x.grad, y.source) == (-math.inf, math.inf, None)


# ---------------------------------------------------------------- detect_anomaly, backward


def test_a_derivative_that_blows_up_is_named_and_every_gradient_stays():
    x = Value(0.0, label="x")
    other = Value(4.0)
    x.grad, other.grad = 0.25, 0.5
    with detect_anomaly():
        h = sqrt(x)  # a root to climb
        y = 3.0 * h + other
        h.grad = 0.75
        with pytest.raises(AnomalyError) as fault:
            y.backward()
    assert str(fault.value) == (
        "the derivative of sqrt(x = 0.0) with respect to x is inf, times the adjoint 3.0, recorded at "
        f"{line_of('# a root to climb')}: keep the inputs away from where the derivative blows up"
    )
    assert (x.grad, other.grad, h.grad, y.grad) == (0.25, 0.5, 0.75, 0.0)


def test_a_graph_recorded_without_the_mode_has_no_line_to_name():
    x = Value(0.0)
    y = sqrt(x)
    with detect_anomaly(), pytest.raises(AnomalyError) as fault:
        y.backward()
    assert str(fault.value) == (
        "the derivative of sqrt(0.0) with respect to 0.0 is inf, times the adjoint 1.0: "
        "keep the inputs away from where the derivative blows up"
    )


def test_a_zero_adjoint_is_no_anomaly():
    x = Value(0.0)
    with detect_anomaly():
        (sqrt(x * x) ** 2).backward()
    assert x.grad == 0.0


def test_checked_sweeps_give_the_same_gradients_to_the_bit():
    def gradients_of(mode):
        xs = [Value(0.1 * i + 0.1) for i in range(6)]
        with mode:
            y = dot(xs, softmax(xs)) / (xs[0] + xs[1] - 7) + (xs[2] * xs[3]).relu() - xs[4] ** xs[5]
            y.backward()
        return [x.grad for x in xs]

    from contextlib import nullcontext

    assert gradients_of(detect_anomaly()) == gradients_of(nullcontext())


def test_a_transform_is_checked_too():
    """A grad over floats sweeps without recording; its derivative is no less bad for that."""
    assert anomaly(lambda: grad(sqrt)(0.0)) == (  # a transform
        "the derivative of sqrt(0.0) with respect to 0.0 is inf, times the adjoint 1.0, recorded at "
        f"{line_of('# a transform')}: keep the inputs away from where the derivative blows up"
    )


def test_detect_anomaly_ends_with_its_block_and_after_an_exception():
    with pytest.raises(AnomalyError), detect_anomaly():
        log(Value(-1.0))
    assert math.isnan(log(Value(-1.0)).data)


# ---------------------------------------------------------------- scope


def test_scopes_nest_and_know_their_path():
    x = Value(2.0)
    with scope("model"):
        with scope("layer 1"):
            inner = x * 2.0
        outer = x * 3.0
        with scope("layer 2"):
            second = x * 4.0
    assert (x * 5.0).scope is None
    assert [v.scope.path for v in (inner, outer, second)] == ["model.layer 1", "model", "model.layer 2"]
    assert inner.scope.parent is outer.scope is second.scope.parent
    assert (inner.scope.name, outer.scope.parent) == ("layer 1", None)


def test_each_visit_is_a_scope_of_its_own():
    x = Value(2.0)
    layer = scope("layer")
    with layer as first:
        a = x * 2.0
    with layer as second:
        b = x * 2.0
    assert (a.scope, b.scope) == (first, second)
    assert first is not second
    assert first.path == second.path == "layer"


def test_one_scope_may_be_entered_inside_itself():
    block = scope("block")
    with block, block:
        assert Value(1.0).exp().scope.path == "block.block"
    assert Value(1.0).exp().scope is None


def test_a_scope_ends_after_an_exception():
    with pytest.raises(KeyError), scope("broken"):
        raise KeyError
    assert Value(1.0).exp().scope is None


def test_a_scope_takes_a_name():
    with pytest.raises(OperandTypeError) as fault:
        scope(3)
    assert str(fault.value) == "a scope's name is a str, not 3 of type int: pass str(...)"


def test_leaves_belong_to_the_scope_that_they_are_made_in():
    outside = Value(1.0)
    with scope("model") as here:
        inside = Value(1.0)
        y = inside * 2.0
        doubled = outside + y
    assert (inside.scope, [v.scope for v in y.inputs], y.scope) == (here, [here, here], here)
    assert [v.scope for v in doubled.inputs] == [None, here]
    assert Value(1.0).scope is None


@pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))])
def test_a_copy_belongs_to_the_scope_of_its_original_wherever_it_is_made(clone):
    with scope("model"):
        inside = Value(1.0)
    outside = Value(2.0) * Value(3.0)
    with scope("elsewhere"):
        assert clone(inside).scope.path == "model"
        assert [v.scope for v in topological_order(clone(outside))] == [None] * 3
    assert clone(inside + 1.0).inputs[0].scope.path == "model"


def test_modes_combine():
    with scope("a"), detect_anomaly(), scope("b"), no_grad():
        v = Value(2.0) * 3.0  # all modes
    assert (v.scope.path, v.op, v.source) == ("a.b", None, line_of("# all modes"))


# ---------------------------------------------------------------- tasks and generators


def test_each_asyncio_task_has_a_mode_of_its_own():
    seen = {}

    async def task(name, mode):
        with mode, scope(name):
            for _ in range(3):
                v = Value(2.0) * 3.0
                seen.setdefault(name, []).append((v.scope.path, v.op is not None, v.source is not None))
                await asyncio.sleep(0)

    async def main():
        await asyncio.gather(task("quiet", no_grad()), task("checked", detect_anomaly()), task("plain", scope("in")))
        return recording()

    assert asyncio.run(main())
    assert seen == {
        "quiet": [("quiet", False, False)] * 3,
        "checked": [("checked", True, True)] * 3,
        "plain": [("in.plain", True, False)] * 3,
    }


def in_a_context_of_its_own(test):
    """Run a test so that a mode which it might leave behind is not the next test's."""

    @functools.wraps(test)
    def isolated():
        contextvars.copy_context().run(test)

    return isolated


def quiet():
    """Yield twice whether anything is recorded inside of no_grad."""
    with no_grad():
        yield recording()
        yield recording()


@in_a_context_of_its_own
def test_a_generator_shares_the_mode_of_whoever_runs_it():
    """Python gives generators no context of their own, which is why none should yield from inside of a mode."""
    generator = quiet()
    seen = [next(generator), recording(), next(generator), recording()]
    generator.close()
    assert [*seen, recording()] == [False, False, False, False, True]


def test_the_modes_are_documented():
    for mode in (no_grad, detect_anomaly, scope):
        assert inspect.getdoc(mode)
