"""History: what a training run leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from autograd_core.extras import load

if TYPE_CHECKING:
    import pandas as pd  # pyright: ignore[reportMissingTypeStubs] - it has none
    from matplotlib.figure import Figure

__all__ = ["History"]


@dataclass
class History:
    """What a training run leaves behind. Every list but step_loss has one entry for each epoch that was finished.

    Parameters
    ----------
    loss : what was minimised, any penalty included: its mean over the samples as they were met, or the sum over the
        batches where each was a sum.
    step_loss : what was minimised in each mini-batch, before the step that it led to.
    validation_loss : the mean loss of the held-out samples after the epoch, without any penalty.
    metrics : by name, of the training samples' outputs as they were met.
    validation_metrics : by name, of the held-out samples after the epoch.
    gradient_norms : by parameter array, the root mean square over the epoch's steps of the gradient's length.
    rates : the step size η of the epoch's last step.
    best_epoch : the epoch with the lowest validation loss, counted from 1, under early stopping; else None.
    stopped : why the run ended before its last epoch, or "".
    interrupted : whether Ctrl-C ended the run.
    """

    loss: list[float] = field(default_factory=list[float])
    step_loss: list[float] = field(default_factory=list[float])
    validation_loss: list[float] = field(default_factory=list[float])
    metrics: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    validation_metrics: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    gradient_norms: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    rates: list[float] = field(default_factory=list[float])
    best_epoch: int | None = None
    stopped: str = ""
    interrupted: bool = False

    @property
    def epochs(self) -> int:
        """How many epochs were finished."""
        return len(self.loss)

    def note(self, found: Mapping[str, float | Mapping[str, float]]) -> None:
        """Append what an epoch gave: a number for a list, and several by name for a dict of lists."""
        for name, number in found.items():
            if isinstance(number, Mapping):
                for key, one in number.items():
                    getattr(self, name).setdefault(key, []).append(one)
            else:
                getattr(self, name).append(number)

    def series(self) -> dict[str, list[float]]:
        """Return every list with one entry an epoch by name, such as ``loss``, ``validation accuracy`` or ``gradient of layers.0.weight``."""
        found = {"loss": self.loss, "validation loss": self.validation_loss} | self.metrics
        found |= {f"validation {name}": numbers for name, numbers in self.validation_metrics.items()}
        found |= {"rate": self.rates}
        found |= {f"gradient of {name}": numbers for name, numbers in self.gradient_norms.items()}
        return {name: numbers for name, numbers in found.items() if numbers}

    def to_frame(self) -> pd.DataFrame:
        """Return the series as a pandas DataFrame, one row an epoch, counted from 1.

        Raises
        ------
        MissingExtraError : pandas is not installed.
        """
        pandas = load("pandas", "frame", "to_frame()")
        return pandas.DataFrame(self.series(), index=pandas.RangeIndex(1, self.epochs + 1, name="epoch"))

    def plot(self) -> Figure:
        """Return a picture of the losses; see `nn.plots.curves`.

        Raises
        ------
        MissingExtraError : matplotlib is not installed.
        """
        from nn.plots import curves  # noqa: PLC0415 - only those who want pictures wait for them

        return curves(self)
