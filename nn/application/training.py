"""train: from a table to a folder with a model that can be used on other tables."""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

from autograd_core.errors import AnomalyError, ArgumentError
from autograd_core.extras import load
from autograd_core.files import write_whole
from autograd_core.value import Value
from nn import losses, plots
from nn.application.model import FILES, MODEL, PICTURE, REPORT, TableModel, claim
from nn.application.parts import Parts, part
from nn.application.report import classification, columns, regression
from nn.application.settings import Settings
from nn.history import History
from nn.labels import decide as most_likely
from nn.neuron import MLP
from nn.optim import Adam
from nn.preprocess import Kind, kind_of, learn, looks_like_names, numbers, refuse_gaps
from nn.processes import Processes, join, leave
from nn.regularise import l2
from nn.rendezvous import Meeting
from nn.stopping import EarlyStopping
from nn.table import Table, counted, option, plain, quoted, read
from nn.target import Amount, Classes, Decision, amount_of, classes_of, decide
from nn.train import fit

__all__ = ["check_meeting", "train"]

Say = Callable[[str], object]


def train(
    file: Path,
    settings: Settings,
    *,
    out: Path | None = None,
    force: bool = False,
    checkpoint: Path | None = None,
    resume: Path | None = None,
    meeting: Meeting | None = None,
    say: Say = print,
) -> None:
    """Train a network on a table, test it on held-out rows, and keep it in a folder. Ctrl-C keeps what was learnt.

    Parameters
    ----------
    file : a CSV file with a header.
    settings : what to predict, and how to learn it.
    out : the folder; by default the file's name with ``_model`` after it, where the program runs.
    force : whether a folder that holds something else than an earlier model is written into.
    checkpoint : a file that is replaced after every epoch.
    resume : a checkpoint to go on from, of a run on the same table with the same settings; more epochs are fine.
    meeting : of the processes that train together, on the backend "jax"; all of them call this alike, and process 0 alone
        writes. What it has written is whole once any of them returns. Ctrl-C keeps nothing but checkpoints then.
    say : called with each piece of text that is to be shown.

    Raises
    ------
    ArgumentError : the table, a setting or the folder cannot be used; the message names what is wrong.
    AnomalyError : the loss or a gradient is no longer finite.
    PeerError : another process is missing, has ended, does something else, or cannot go on.
    KeyboardInterrupt : Ctrl-C came before the first step; an earlier model is as it was.
    MissingExtraError : safetensors, matplotlib or tqdm is not installed.
    """
    for module, extra in (("safetensors", "train"), ("matplotlib", "plot"), *[("tqdm", "train")] * settings.progress):
        load(module, extra, "autograd-core train")  # before any work is done
    check_meeting(settings, meeting)
    run = _Run.on(read(file, delimiter=settings.delimiter, encoding=settings.encoding), settings)
    folder = out or Path(f"{file.stem}_model")
    team = join(meeting, _about(run.table, settings)) if meeting else Processes()
    if team.index > 0:
        print(f"process {team.index} of {team.count}: process 0 says how it goes", file=sys.stderr)
    with team.together():
        if team.index == 0:
            claim(folder, file, force=force)
            say(run.beginning())
    history = run.go(checkpoint=checkpoint, resume=resume, mesh=meeting and _all_devices())
    if not history.step_loss:
        raise KeyboardInterrupt  # before anything was learnt that could be kept
    with team.together():
        if team.index == 0:
            _keep(run, history, folder, say)
    if meeting:
        leave()


def check_meeting(settings: Settings, meeting: Meeting | None) -> None:
    """Raise ArgumentError if there are to be several processes, on a backend that has none."""
    if meeting is not None and settings.backend != "jax":
        raise ArgumentError(
            f"several processes train on JAX alone, and the backend is {settings.backend!r}: choose 'jax', or leave out the "
            "coordinator"
        )


def _all_devices() -> Any:
    jax: Any = load("jax", "jax", "a run of several processes")
    return jax.make_mesh((jax.device_count(),), ("batch",))


def _about(table: Table, settings: Settings) -> dict[str, object]:
    """Return what all processes of a run must have in common."""
    content = repr((table.names, [table.column(name) for name in table.names]))
    shared = {name: value for name, value in asdict(settings).items() if name != "progress"}
    return {**shared, "the table": f"{len(table)} rows, SHA-256 {sha256(content.encode()).hexdigest()[:16]}"}


def _keep(run: _Run, history: History, folder: Path, say: Say) -> None:
    """Write the model, and say how good it is."""
    beginning, end, settings = run.beginning(), run.end(history), run.settings
    run.model.save(folder / MODEL, asdict(settings))  # first, for the rest can be done without
    write_whole(folder / REPORT, f"{beginning}\n{end}\n".encode("utf-8", "backslashreplace"))
    plots.save(history.plot(), folder / PICTURE, dpi=120)
    say(end)  # now that whoever reads may leave
    say(f"\nwrote {', '.join([str(folder / name) for name in FILES])}")
    say(f"to predict: autograd-core predict {shlex.quote(str(folder))} FILE.csv")


@dataclass(frozen=True)
class _Run:
    """A table, split into parts, and the model that is to learn from it."""

    table: Table
    settings: Settings
    decision: Decision
    parts: Parts
    model: TableModel
    left_out: Mapping[str, str]
    optimiser: Adam
    rng: Random

    @classmethod
    def on(cls, table: Table, settings: Settings) -> _Run:
        """Prepare a run, and refuse what cannot be learnt from."""
        decision, kinds = _problem(table, settings)
        rng, name = Random(settings.seed), settings.target
        classes = classes_of(table, name) if decision.task == "classification" else None
        parts = part(classes.numbers(table) if classes else [None] * len(table), settings.held_out, rng)
        training = table.take(parts.training)
        target = classes or amount_of(training, name)
        preprocessing, left_out = learn(training, kinds, impute=settings.impute)
        outputs = 1 if classes is None or len(classes.labels) == 2 else len(classes.labels)
        network = MLP(
            len(preprocessing.inputs), [*settings.hidden, outputs],
            activation=settings.activation, init="he" if settings.activation == "relu" else "glorot", rng=rng,
        )  # fmt: skip
        model = TableModel(network, settings.activation, preprocessing, target)
        dropped = dict.fromkeys(settings.drop, "with --drop")
        optimiser = Adam(network.parameters(), lr=settings.lr)
        return cls(table, settings, decision, parts, model, {**dropped, **left_out}, optimiser, rng)

    def beginning(self) -> str:
        """Say what is learnt from what."""
        table, parts, network, settings = self.table, self.parts, self.model.network, self.settings
        sizes = [len(self.model.preprocessing.inputs), *[len(layer.neurons) for layer in network.layers]]
        task = "classified" if self.decision.task == "classification" else "computed"
        penalty = f", l2 {settings.l2:g}" if settings.l2 else ""
        activation = settings.activation if settings.hidden else "no hidden layer"
        return (
            f"{table.source}: {len(table)} rows, {len(table.names)} columns\n\n"
            f"{columns(table, self.model.preprocessing, self.model.target, self.left_out)}\n\n"
            f"{plain(settings.target)} is {task} {self.decision.why}\n"
            f"rows: {len(parts.training)} to learn from, {len(parts.validation)} to know when to stop, "
            f"{len(parts.held_out)} held out for the test\n"
            f"network: {'-'.join(map(str, sizes))}, {activation}, {len(network.parameters())} weights; "
            f"Adam with lr {settings.lr:g}{penalty}, batches of {settings.batch_size}, seed {settings.seed}"
        )

    def go(self, **options: Any) -> History:
        """Train the model, with further options of `nn.fit`."""
        settings = self.settings

        def penalty(model: MLP) -> Value:
            return l2(model, settings.l2)

        try:
            return fit(
                self.model.network,
                *self._samples(self.parts.training),
                loss=self._loss(),
                optimiser=self.optimiser,
                epochs=settings.epochs,
                batch_size=settings.batch_size,
                penalty=penalty if settings.l2 else None,
                validation=self._samples(self.parts.validation),
                early_stopping=EarlyStopping(settings.patience),
                rng=self.rng,
                progress=settings.progress,
                backend=settings.backend,
                **options,
            )
        except AnomalyError as fault:
            raise AnomalyError(f"training went astray: {fault}\ntry a smaller --lr") from None

    def _samples(self, rows: list[int]) -> tuple[list[list[float]], list[float] | list[int]]:
        """Return the inputs of some rows, and their targets as the network learns them."""
        table, target = self.table.take(rows), self.model.target
        inputs = self.model.preprocessing.encode(table, allow_unseen=True).tolist()
        if isinstance(target, Classes):
            return inputs, target.numbers(table)
        return inputs, [(t - target.mean) / target.deviation for t in numbers(table, target.name)]

    def _loss(self) -> losses.Loss:
        if isinstance(self.model.target, Amount):
            return losses.squared_error
        return losses.nll_with_logits if len(self.model.target.labels) == 2 else losses.nllm_with_logits

    def end(self, history: History) -> str:
        """Say how training ended, and how good the model is on the rows that were held out."""
        table, target = self.table.take(self.parts.held_out), self.model.target
        outputs = self.model.outputs(table, allow_unseen=True)
        if isinstance(target, Amount):
            score = regression(numbers(table, target.name), [y for (y,) in outputs], target.mean)
        else:
            learnt = Counter(target.numbers(self.table.take(self.parts.training)))
            usual = min(learnt, key=lambda k: (-learnt[k], k))
            score = classification(target.labels, target.numbers(table), [most_likely(ps) for ps in outputs], usual)
        return f"{_ending(history)}\n\n{score}"


def _problem(table: Table, settings: Settings) -> tuple[Decision, dict[str, Kind]]:
    """Decide what is to be predicted, and what from."""
    table.require([settings.target])
    table.require([*settings.drop, *settings.categorical])
    decision = decide(table, settings.target, settings.task)
    names = [name for name in table.names if name != settings.target and name not in settings.drop]
    kinds: dict[str, Kind] = {
        name: "category" if name in settings.categorical else kind_of(table, name) for name in names
    }
    if not settings.impute:
        refuse_gaps(table, names)
    _refuse_names(table, [name for name in names if kinds[name] == "category" and name not in settings.categorical])
    return decision, kinds


def _refuse_names(table: Table, names: list[str]) -> None:
    """Refuse columns of text that only tell the rows apart, for nothing in them comes again in another table."""
    found = [name for name in names if looks_like_names(table, name)]
    if found:
        texts = len({*table.column(found[0])})
        raise ArgumentError(
            f"{table.source}: column {quoted(found[0])} has {texts} different texts in {len(table)} rows, as names or "
            f"numbers of things do, from which nothing can be learnt: leave it out with {option('--drop', found)}, or insist "
            f"with {option('--categorical', found[:1])}"
        )


def _ending(history: History) -> str:
    epochs = counted(history.epochs, "epoch")
    best = f"epoch {history.best_epoch}, with the lowest validation loss" if history.best_epoch else "the last step"
    if history.stopped:
        return f"stopped after {epochs}: {history.stopped}, and its weights are kept"
    how = "stopped by Ctrl-C after" if history.interrupted else "went through all of"
    return f"{how} {epochs}; the weights are those of {best}"
