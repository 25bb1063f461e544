"""TableModel: a network with everything that is needed to use it on a table, and the folder in which it is kept."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, cast

from autograd_core.errors import ArgumentError
from autograd_core.ops import exp, logsumexp, sigmoid
from nn import io
from nn.evaluate import predict
from nn.labels import decide
from nn.module import Array
from nn.neuron import MLP
from nn.preprocess import Preprocessing
from nn.table import Table, plain
from nn.target import Amount, Classes, Target
from nn.target import of as target_of

__all__ = ["FILES", "MODEL", "PICTURE", "REPORT", "TableModel", "claim"]

MODEL, REPORT, PICTURE = FILES = ("model.safetensors", "report.txt", "loss.png")


@dataclass(frozen=True)
class TableModel:
    """A network, what turns rows into its inputs, and what its outputs stand for.

    Parameters
    ----------
    network : one output for a number, or for the second of two classes; else one for each class.
    activation : of its hidden layers.
    preprocessing : of the columns that it needs.
    target : what it predicts.
    """

    network: MLP
    activation: str
    preprocessing: Preprocessing
    target: Target

    def outputs(self, table: Table, *, allow_unseen: bool = False) -> list[tuple[float, ...]]:
        """Return for each row the probability of every class, or the number, in the target's own unit.

        Raises
        ------
        ArgumentError : a column is missing or a field cannot be used; the message names it.
        """
        rows = self.preprocessing.encode(table, allow_unseen=allow_unseen)
        outputs = [self._meant(output) for output in predict(self.network, rows.tolist())]
        for line, output in zip(table.lines, outputs, strict=True):
            if not all(map(math.isfinite, output)):
                raise ArgumentError(
                    f"{table.source}, line {line}: the network's output is not finite: its weights are of no use, so "
                    "train it again"
                )
        return outputs

    def _meant(self, output: float | tuple[float, ...]) -> tuple[float, ...]:
        if isinstance(self.target, Amount):
            return (cast("float", output) * self.target.deviation + self.target.mean,)
        if isinstance(output, tuple):
            whole = logsumexp(output)
            return tuple([exp(z - whole) for z in output])
        return sigmoid(-output), sigmoid(output)

    def predictions(self, table: Table, *, allow_unseen: bool = False) -> dict[str, list[str]]:
        """Return the columns that a prediction adds to a table, by name; see `outputs`."""
        outputs = self.outputs(table, allow_unseen=allow_unseen)
        name = f"{self.target.name}_predicted"
        if isinstance(self.target, Amount):
            return {name: [f"{y:.9g}" for (y,) in outputs]}
        labels = self.target.labels
        return {name: [labels[decide(ps)] for ps in outputs]} | {
            f"P({self.target.name}={label})": [f"{ps[k]:.9g}" for ps in outputs] for k, label in enumerate(labels)
        }

    def save(self, path: Path, settings: Mapping[str, object]) -> None:
        """Write it to a file, with the settings that it was trained with; see `nn.io.write`."""
        about = {
            "activation": self.activation,
            "columns": self.preprocessing.about(),
            "target": self.target.about(),
            "settings": dict(settings),
        }
        io.write(path, self.network.state_dict(), about, kind="model")

    @classmethod
    def load(cls, path: Path) -> TableModel:
        """Read it from a file that `save` wrote.

        Raises
        ------
        ArgumentError : the file cannot be read, or is no such model.
        """
        arrays, about = io.read(path, kind="model")
        try:
            return _model(arrays, about)
        except (LookupError, TypeError, ValueError, OverflowError) as fault:
            raise ArgumentError(
                f"{path} holds a model that cannot be used ({type(fault).__name__}: {fault!s:.80}): train it again"
            ) from None


def _model(arrays: Mapping[str, Array], about: Mapping[str, Any]) -> TableModel:
    preprocessing, target = Preprocessing.of(about["columns"]), target_of(about["target"])
    weights = [arrays[f"layers.{i}.weight"] for i in range(len(arrays) // 2)]
    # The sizes come from the weights themselves, so that none can be larger than the file.
    sizes = [weights[0].shape[1], *[len(weight) for weight in weights]]
    if [weight.shape for weight in weights] != [(out, into) for into, out in pairwise(sizes)]:
        raise ValueError("its layers do not fit together")
    classes = len(target.labels) if isinstance(target, Classes) else 1
    if sizes[0] != len(preprocessing.inputs) or sizes[-1] != (1 if classes <= 2 else classes):
        raise ValueError("its layers do not fit its columns")
    network = MLP(sizes[0], sizes[1:], activation=about["activation"], init="zero")
    network.load_state_dict(arrays)
    return TableModel(network, about["activation"], preprocessing, target)


def claim(folder: Path, table: Path, *, force: bool) -> None:
    """Make a folder for a model; one that holds nothing else than an earlier model will do too.

    Raises
    ------
    ArgumentError : the folder cannot be made or written into, a file of the model would take the place of the table, or
        the folder holds something else, and that is not forced.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()  # better refused now than after the training
        found = sorted(entry.name for entry in folder.iterdir())
        if any([(folder / name).exists() and table.samefile(folder / name) for name in FILES]):
            raise ArgumentError(f"{table} would be written over by the model: choose another folder with --out")
    except OSError as fault:
        raise ArgumentError(
            f"no model can be written to {folder} ({fault.strerror}): choose another folder with --out"
        ) from None
    others = [name for name in found if name not in FILES]
    if found and not force and (others or not _is_model(folder / MODEL)):
        raise ArgumentError(
            f"{folder} is a folder that holds something else than an earlier model, such as {plain((others or found)[0])}: "
            "choose another with --out, or write into it with --force"
        )


def _is_model(path: Path) -> bool:
    try:
        io.read(path, kind="model")
    except ArgumentError:
        return False
    return True
