"""Pictures of a training run: how the loss went down, and how large the gradients were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from autograd_core.errors import ArgumentError
from autograd_core.extras import load
from nn.history import History
from nn.module import Module
from nn.plots.style import BLUE, GREY, ORANGE, new_figure, tidy, whole_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["curves", "gradient_norms"]


def curves(history: History, *, log: bool = False) -> Figure:
    """Return the losses of a training run: each step's, faint; each epoch's mean; and that of the held-out samples.

    Parameters
    ----------
    history : from `nn.fit`.
    log : whether the losses are drawn on a logarithmic scale; one of 0 or below then cannot be shown.

    Raises
    ------
    ArgumentError : no step was taken.
    MissingExtraError : matplotlib is not installed.

    >>> [line.get_label() for line in curves(History(loss=[2.0, 1.0], step_loss=[2.0, 1.0])).axes[0].lines]
    ['each step', 'mean of each epoch']
    """
    if not history.step_loss and not history.loss:
        raise ArgumentError("the history holds no losses: draw it after nn.fit has taken a step")
    figure = new_figure()
    axes: Axes = figure.subplots()
    per_epoch = _steps_per_epoch(history)
    when = (np.arange(len(history.step_loss)) + 1.0) / per_epoch
    axes.plot(when, history.step_loss, color=BLUE, alpha=0.3, linewidth=0.7, label="each step")  # pyright: ignore[reportUnknownMemberType]
    for losses, colour, style, label in (
        (history.loss, BLUE, "o-", "mean of each epoch"),
        (history.validation_loss, ORANGE, "s--", "validation samples"),
    ):
        if losses:
            epochs = range(1, len(losses) + 1)
            axes.plot(epochs, losses, style, color=colour, linewidth=1.6, markersize=_marker(losses), label=label)  # pyright: ignore[reportUnknownMemberType]
    _mark_best(axes, history)
    tidy(axes, "epoch" if history.loss else "step", "loss")
    axes.set_yscale("log" if log else "linear", **({"nonpositive": "mask"} if log else {}))  # pyright: ignore[reportUnknownMemberType]
    whole_ticks(axes.xaxis)
    axes.legend(fontsize=9)  # pyright: ignore[reportUnknownMemberType]
    return figure


def _marker(losses: Sequence[float]) -> float:
    return 4.0 if len(losses) <= 50 else 0.0


def _mark_best(axes: Axes, history: History) -> None:
    best = history.best_epoch
    if best is not None and 0 < best <= len(history.validation_loss):
        lowest = history.validation_loss[best - 1]
        axes.axvline(best, color=GREY, linestyle=":", linewidth=1.0)  # pyright: ignore[reportUnknownMemberType]
        axes.plot(  # pyright: ignore[reportUnknownMemberType]
            [best],
            [lowest],
            "*",
            color=axes.xaxis.label.get_color(),
            markersize=11,
            linestyle="none",
            label=f"best: epoch {best}, {lowest:.3g}",
        )


def _steps_per_epoch(history: History) -> int:
    """Return how many steps an epoch had; 1 if none was finished.

    A run that was stopped in an epoch, or in the validation after it, leaves a few more steps than its epochs had. Of the lengths that are
    possible, the right one is that whose epochs' means are those noted.
    """
    steps, epochs = np.array(history.step_loss), len(history.loss)
    longest = len(steps) // max(epochs, 1)
    if not epochs or not len(steps):
        return 1
    if len(steps) % epochs == 0 and not history.interrupted:
        return longest
    possible = range(
        -(-len(steps) // (epochs + 1)), longest + 1
    )  # the epoch that was stopped had no more steps than others
    misses = [float(np.abs(steps[: n * epochs].reshape(epochs, n).mean(axis=1) - history.loss).sum()) for n in possible]
    return possible[int(np.argmin(misses))]


def gradient_norms(source: History | Module) -> Figure:
    """Return how long the gradient of each parameter array is: over a run's epochs, or at a model's latest sweep.

    Gradients that shrink from layer to layer towards the inputs vanish, ones that grow explode. Layers are told apart by
    their colour, from dark at the inputs to bright at the outputs, and biases by a dashed line.

    Parameters
    ----------
    source : the History that `nn.fit` returned, or a model after ``backward()``.

    Raises
    ------
    ArgumentError : the history holds no gradients, or the model no parameters.
    MissingExtraError : matplotlib is not installed.

    >>> from nn import Layer
    >>> [label.get_text() for label in gradient_norms(Layer(2, 1, rng=0)).axes[0].get_yticklabels()]
    ['weight', 'bias']
    """
    if isinstance(source, Module):
        return _bars({name: _norm(source, name) for name, _ in source.named_tensors()})
    if not any(source.gradient_norms.values()):
        raise ArgumentError("the history holds no gradients: draw it after nn.fit has finished an epoch")
    figure = new_figure()
    axes: Axes = figure.subplots()
    colours = _colours(source.gradient_norms)
    for name, norms in source.gradient_norms.items():
        line, size = "o--" if name.endswith("bias") else "o-", 0.75 * _marker(norms)
        epochs = range(1, len(norms) + 1)
        axes.plot(epochs, norms, line, color=colours[name], linewidth=1.6, markersize=size, label=name)  # pyright: ignore[reportUnknownMemberType]
    tidy(axes, "epoch", "length of the gradient")
    if any([norm > 0.0 for norms in source.gradient_norms.values() for norm in norms]):
        axes.set_yscale("log", nonpositive="mask")  # pyright: ignore[reportUnknownMemberType]
    whole_ticks(axes.xaxis)
    figure.legend(fontsize=8, loc="outside right upper", ncols=1 + len(colours) // 17)  # pyright: ignore[reportUnknownMemberType]
    return figure


def _norm(model: Module, name: str) -> float:
    grads = [p.grad for full, p in model.named_parameters() if full == name or full.startswith(f"{name}[")]
    return float(np.linalg.norm(grads))


def _bars(norms: Mapping[str, float]) -> Figure:
    if not norms:
        raise ArgumentError("the model has no parameters, and so no gradients: pass one that can learn")
    figure = new_figure(height=1.2 + 0.3 * len(norms))
    axes: Axes = figure.subplots()
    colours = _colours(norms)
    bars = axes.barh(range(len(norms)), list(norms.values()), color=list(colours.values()), edgecolor="white")  # pyright: ignore[reportUnknownMemberType]
    for bar, name in zip(axes.patches, norms, strict=True):
        bar.set_hatch("//" if name.endswith("bias") else "")
    axes.bar_label(bars, [f"{norm:.3g}" for norm in norms.values()], padding=3, fontsize=8)  # pyright: ignore[reportUnknownMemberType]
    axes.set_yticks(range(len(norms)), list(norms))  # pyright: ignore[reportUnknownMemberType]
    axes.invert_yaxis()
    axes.margins(x=0.15)
    tidy(axes, "length of the gradient", "")
    axes.set_axisbelow(True)
    return figure


def _colours(names: Mapping[str, object]) -> dict[str, str]:
    """Return one colour for all the arrays of a layer, in the order of the layers."""
    layers = list(dict.fromkeys([name.rpartition(".")[0] for name in names]))
    shades = load("matplotlib", "plot", "a picture").colormaps["viridis"](np.linspace(0.0, 0.85, len(layers)))
    to_hex = load("matplotlib.colors", "plot", "a picture").to_hex
    return {name: to_hex(shades[layers.index(name.rpartition(".")[0])]) for name in names}
