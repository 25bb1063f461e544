"""The stepper as a Jupyter widget: the same view, with a ``step`` that Python sets and reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import anywidget
import traitlets

from autograd_core.errors import ArgumentError
from autograd_core.stepper.page import asset, fragment, payload

if TYPE_CHECKING:
    from autograd_core.stepper.steps import Steps

__all__ = ["Stepper", "stepper"]


class Stepper(anywidget.AnyWidget):
    """A graph to step through; ``w.step`` is the event that is shown, from 0 on, and follows the view's own controls."""

    _esm = asset("view.js") + asset("widget.js")
    _css = asset("view.css")
    payload = traitlets.Dict().tag(sync=True)
    step = traitlets.Int(0).tag(sync=True)

    @traitlets.validate("step")
    def _in_range(self, proposal: dict[str, object]) -> int:
        step, count = cast("int", proposal["value"]), len(self.steps)
        if not 0 <= step < count:
            raise ArgumentError(f"step is {step}: this graph has the steps 0 to {count - 1}")
        return step

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        super().__init__(payload=payload(steps))

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Add the page that needs no kernel, for front ends that know no widgets and for exported notebooks."""
        parent = super()._repr_mimebundle_  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - anywidget does not say
        bundle = cast("tuple[dict[str, Any], dict[str, Any]] | None", parent(**options))
        if bundle is None:
            return None
        data, metadata = bundle
        return {**data, "text/html": fragment(self.steps, self.step)}, metadata


def stepper(steps: Steps) -> Stepper:
    """Return a widget for these steps."""
    return Stepper(steps)
