"""fit: the training loop, with mini-batches, validation, early stopping, checkpoints and a progress bar."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any, Protocol, TypeAlias, cast

import numpy as np

from autograd_core.errors import ArgumentError, OperandTypeError
from autograd_core.extras import load
from autograd_core.lift.backends import compiler
from autograd_core.lift.backends.jax_backend import Rule
from autograd_core.op import as_float
from autograd_core.value import Number, Row, Value
from nn import pairing
from nn.checkpoint import State
from nn.checks import whole_from_one
from nn.data import Samples, batches
from nn.evaluate import evaluate, plain
from nn.history import History
from nn.init import generator
from nn.lifted import LiftedStepper
from nn.losses import Loss
from nn.metrics import Metric, measure
from nn.module import Module
from nn.optim import Optimiser
from nn.plan import Plan, Reduction
from nn.processes import Processes, versions
from nn.steps import Stepper
from nn.stopping import EarlyStopping, Watch

__all__ = ["Callback", "Epoch", "fit"]


class _Bar(Protocol):
    def update(self, n: int) -> object: ...
    def set_postfix_str(self, s: str) -> object: ...
    def close(self) -> object: ...


@dataclass(frozen=True)
class Epoch:
    """What a callback gets to see.

    Parameters
    ----------
    number : of the epoch that was just finished, counted from 1.
    model, optimiser : as they are now.
    history : of the run so far.
    """

    number: int
    model: Callable[[Row], Any]
    optimiser: Optimiser
    history: History


Callback: TypeAlias = Callable[[Epoch], object]
"""Called after each epoch; returning True ends the run."""


def fit(
    model: Callable[[Row], Any],
    inputs: Iterable[Iterable[Number]],
    targets: Iterable[Any],
    *,
    loss: Loss,
    optimiser: Optimiser,
    epochs: int,
    batch_size: int | None = None,
    shuffle: bool = True,
    sample_weight: Iterable[float] | None = None,
    reduction: Reduction = "mean",
    penalty: Callable[[Any], Value] | None = None,
    validation: float | tuple[Iterable[Iterable[Number]], Iterable[Any]] | None = None,
    metrics: Mapping[str, Metric] | None = None,
    callbacks: Iterable[Callback] = (),
    early_stopping: EarlyStopping | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 1,
    resume: str | Path | None = None,
    rng: Random | int | None = None,
    progress: bool = True,
    backend: str | None = None,
    mesh: Any = None,
    shard: Rule | None = None,
) -> History:
    """Train a model on samples, and return the history. Ctrl-C ends it early and keeps what was learnt.

    Every step takes the gradient of the loss over one mini-batch, plus the penalty. The model is put in training mode,
    and is left in evaluation mode. Everything random comes from ``rng`` and the model's own generators: a run that is
    resumed from a checkpoint ends with the very bits of one that was never stopped.

    Parameters
    ----------
    model : called with one sample's inputs, a tuple of Values; a Module gets a whole batch at once.
    inputs : one row of numbers for each sample; a NumPy array or a pandas DataFrame will do.
    targets : one for each sample, in the same order, as the loss takes them.
    loss : called with the model's output and the target; see `nn.losses`.
    optimiser : with the model's parameters; see `nn.optim`.
    epochs : how often all samples are gone through, those of a resumed run included.
    batch_size : how many samples make a step; all of them by default, 1 is stochastic gradient descent. The last
        batch may be shorter.
    shuffle : whether the samples are put into a new order in each epoch.
    sample_weight : how much each sample counts. The mean is Σ w loss / Σ w of the batch, the sum Σ w loss.
    reduction : "mean" over the batch, or "sum".
    penalty : called with the model, for a Value to add to each batch's loss, such as ``lambda m: l2(m, 0.01)``.
    validation : which part of the samples is held out, in (0, 1); or a pair of other inputs and targets.
    metrics : functions of all outputs and all targets, by name; see `nn.metrics`.
    callbacks : called after each epoch with an `Epoch`; one that returns True ends the run.
    early_stopping : when to end early; it watches the validation loss.
    checkpoint : a file that is replaced after every so many epochs, and after the last; its folder must be there.
    checkpoint_every : how many epochs lie between two checkpoints.
    resume : a checkpoint to go on from. The other arguments must be those of the run that wrote it; more epochs are fine.
    rng : a random.Random or an int seed, for what is held out and the order of the samples. Without one both differ
        each time.
    progress : whether to show a bar on standard error.
    backend : "numpy", "numba", "jax" or "torch": the model, the loss and the penalty are recorded once, lifted to a
        program over arrays, and every step runs that. The run is the same to rounding, and many times as fast. What they
        decide in Python is decided when they are recorded, and numbers of theirs that are not parameters stay what they
        are then; see `nn.effects` for those that a module draws or keeps. Values get their numbers when somebody may look,
        and no gradients. None goes through the graph of each step.
    mesh : for "jax": a jax.sharding.Mesh, such as ``jax.make_mesh((8,), ("batch",))``. Each mini-batch is shared out along
        its first axis; losses, weights and decisions are those of one device, to rounding. If the mesh has devices of
        several processes, all of them call fit with the same arguments, an ``rng`` among them. They compare what they are
        about to do first, and each feeds its own devices. Process 0 alone writes checkpoints and shows the bar; all of
        them read the one that is resumed from, and as many as you like may go on from it. Ctrl-C in one of them ends the
        run in all. See `nn.processes.join` for how they find each other.
    shard : which of a mesh's devices have which part of a parameter: called with its name and shape, for a
        jax.sharding.PartitionSpec, or None where each has all of it, as they have without it.

    Raises
    ------
    ArgumentError : no samples, not one target for each sample, epochs or a batch size below 1, a loss that is no
        Value, early stopping without validation, no weight in what is trained on or held out, an optimiser of another
        model, a checkpoint whose folder is not there, or one of another run; an unknown backend, or what it cannot record;
        a mesh without JAX, or of several processes without an rng.
    OperandTypeError : an argument of the wrong kind.
    AnomalyError : the loss or a gradient is no longer finite. It names the first node that is not; the weights are
        those before that step, or under early stopping the best ones.
    GraphCutError : a backend is wanted, and the model lets a number decide something in Python.
    PeerError : another process of the run has ended, does something else, or cannot go on.
    MissingExtraError : progress is wanted and tqdm is not installed, or checkpoints are and safetensors is not, or a
        backend is and it is not.

    Warns
    -----
    PairingWarning : the loss does not go with the model's output activation.

    >>> from nn import MLP, losses, optim
    >>> model = MLP(1, [1], rng=0)
    >>> sgd = optim.SGD(model.parameters(), lr=0.1)
    >>> history = fit(model, [[0.0], [1.0]], [1.0, 3.0], loss=losses.squared_error, optimiser=sgd,
    ...               epochs=200, rng=0, progress=False)
    >>> round(model([2.0]).data, 3)
    5.0
    """
    options = {name: given for name, given in (("mesh", mesh), ("shard", shard)) if given is not None}
    _check_backend(backend, options)
    team = Processes.of(mesh)
    progress = progress and team.index == 0
    with team.together():
        samples = Samples.of(inputs, targets, sample_weight)
        plan = Plan(loss, batch_size, shuffle, reduction, penalty, _held_out(validation), metrics or {}, early_stopping)
        epochs, callbacks = whole_from_one("epochs", epochs), _checked_callbacks(callbacks)
        every = whole_from_one("checkpoint_every", checkpoint_every)
        saving = None if checkpoint is None else (_place(checkpoint), every)
        rng = _generator(rng, team)
        state = State(model, optimiser, rng, plan.split(len(samples), rng), early_stopping and Watch(early_stopping))
        _check_together(model, optimiser)
        pairing.check(model, loss)
        if checkpoint is not None or early_stopping is not None:
            state.module()
        tqdm = load("tqdm.auto", "train", "the progress bar of fit (progress=False does without)") if progress else None
        if resume is not None:
            state.restore(Path(resume), plan.settings(samples))
        run = _Run(state, plan, samples, callbacks, saving, backend, options, team)
    n = len(run.training)
    bar = tqdm.tqdm(total=epochs * n, initial=state.history.epochs * n, unit=" samples") if tqdm else None
    try:
        run.agree(epochs)
        run.go(epochs, bar)
    except KeyboardInterrupt:
        if team.count > 1:  # the others cannot go on without this one
            raise
        state.history.interrupted = True
    finally:
        run.end()
        if bar:
            bar.close()
    return state.history


class _Run:
    """A training run: goes from epoch to epoch."""

    def __init__(
        self,
        state: State,
        plan: Plan,
        samples: Samples,
        callbacks: list[Callback],
        saving: tuple[Path, int] | None,
        backend: str | None,
        options: Mapping[str, Any],
        team: Processes,
    ) -> None:
        self.state, self.plan, self.callbacks, self.saving, self.team = state, plan, callbacks, saving, team
        inside, outside = [[i for i, out in enumerate(state.held_out) if out is held] for held in (False, True)]
        self.training = samples.pick(inside)
        self.held_out = plan.held_out if isinstance(plan.held_out, Samples) else samples.pick(outside)
        for what, part in (("trained on", self.training), ("held out", self.held_out)):
            if part and not part.weight:
                raise ArgumentError(
                    f"every sample that is {what} has the weight 0: hold out another part or by another rng"
                )
        self.settings = plan.settings(samples) if saving or team.count > 1 else {}
        about = state.model, state.optimiser, plan, self.training
        self.stepper = Stepper(*about) if backend is None else LiftedStepper(*about, backend, options)
        self.watched = bool(self.held_out or callbacks or saving)

    def agree(self, epochs: int) -> None:
        """Raise PeerError unless all processes of the run are about to do the same."""
        if self.team.count == 1:
            return
        with self.team.together():
            self._train_mode()
            sources = self.stepper.sources() if isinstance(self.stepper, LiftedStepper) else []
            about = {"epochs": epochs, "checkpoint_every": self.saving and self.saving[1]}
            about |= {"the program": f"SHA-256 {sha256(repr(sources).encode()).hexdigest()[:16]}"}
            about |= versions() | self.settings | self.state.digests()
        self.team.agree(about)

    def go(self, epochs: int, bar: _Bar | None) -> None:
        """Train until so many epochs are done in all, or something ends the run."""
        history = self.state.history
        self._train_mode()
        while history.epochs < epochs and not history.stopped:
            found = self._epoch(bar)
            with self.team.together():
                history.note(found | self._validate())
                self._watch()
                if bar:
                    bar.set_postfix_str(_summary(history))
                self._call_back()
            # Where one process wants to stop, by a clock or by the last bit of a loss, all have to.
            history.stopped = next(filter(None, self.team.said(history.stopped)), "")
            if self.callbacks:  # which may have evaluated the model
                self._train_mode()
            if self.saving and (history.epochs % self.saving[1] == 0 or history.epochs == epochs or history.stopped):
                self._save(self.saving[0])

    def _save(self, path: Path) -> None:
        """Write a checkpoint in process 0, while the others wait for it."""
        with self.team.together():
            if self.team.index == 0:
                self.state.save(path, self.settings)

    def _train_mode(self) -> None:
        if isinstance(self.state.model, Module):
            self.state.model.train()

    def _epoch(self, bar: _Bar | None) -> dict[str, float | Mapping[str, float]]:
        optimiser, samples, plan, norms = self.state.optimiser, self.training, self.plan, self.stepper.norms
        total, rate, outputs, targets = 0.0, 0.0, list[Any](), list[Any]()
        norms.forget()
        self.stepper.begin()
        for numbers in batches(len(samples), plan.batch_size or len(samples), self.state.rng if plan.shuffle else None):
            rate = optimiser.lr
            cost, found = self.stepper.step(numbers)
            self.state.history.step_loss.append(cost)
            total += cost * (samples.weight_of(numbers) if plan.reduction == "mean" else 1.0)
            if plan.metrics:
                outputs += map(plain, found)
                targets += [samples.targets[i] for i in numbers]
            if bar:
                bar.update(len(numbers))
        if self.watched:  # somebody may look at the parameters between two epochs
            self.stepper.end()
        loss = total / samples.weight if plan.reduction == "mean" else total
        metrics = measure(plan.metrics, outputs, targets)
        return {"loss": loss, "rates": rate, "metrics": metrics, "gradient_norms": norms.means()}

    def _validate(self) -> dict[str, float | Mapping[str, float]]:
        held_out, plan = self.held_out, self.plan
        if not held_out:
            return {}
        rows, targets, weights = held_out.rows, held_out.targets, held_out.weights
        found = evaluate(self.state.model, rows, targets, loss=plan.loss, metrics=plan.metrics, sample_weight=weights)
        return {"validation_loss": found.pop("loss"), "validation_metrics": found}

    def _watch(self) -> None:
        history, watch = self.state.history, self.state.watch
        if watch is None:
            return
        if watch.see(history.epochs, history.validation_loss[-1], self.state.module()):
            lowest = f"lowest in epoch {watch.best_epoch}" if watch.best_epoch else "never finite"
            history.stopped = f"the validation loss did not fall for {watch.waited} epochs; it was {lowest}"
        history.best_epoch = watch.best_epoch or None

    def _call_back(self) -> None:
        history = self.state.history
        epoch = Epoch(history.epochs, self.state.model, self.state.optimiser, history)
        for callback in self.callbacks:
            answer = callback(epoch)
            if isinstance(answer, bool | np.bool_) and answer and not history.stopped:  # NumPy's comparisons answer too
                history.stopped = f"a callback ended the run after epoch {epoch.number}"

    def end(self) -> None:
        """Give the model its best weights back, and leave it in evaluation mode."""
        self.stepper.end()
        if isinstance(self.state.model, Module):
            if self.state.watch is not None:
                self.state.watch.restore(self.state.model)
            self.state.model.eval()


def _summary(history: History) -> str:
    found = {"loss": history.loss, "validation": history.validation_loss}
    found |= {f"validation {name}": series for name, series in history.validation_metrics.items()}
    return ", ".join([f"{name} {series[-1]:.4f}" for name, series in found.items() if series])


# ---------------------------------------------------------------- arguments; callers need not be typed


def _held_out(validation: object) -> float | Samples | None:
    if not isinstance(validation, tuple | list):
        return None if validation is None else as_float(validation)
    pair = cast("Sequence[Any]", validation)
    if len(pair) != 2:
        raise ArgumentError(
            f"validation has {len(pair)} members: pass a pair of inputs and targets, or a part in (0, 1)"
        )
    return Samples.of(pair[0], pair[1])


def _checked_callbacks(callbacks: Iterable[Callback]) -> list[Callback]:
    found = list(callbacks) if isinstance(callbacks, Iterable) else None  # pyright: ignore[reportUnnecessaryIsInstance]
    if found is None or not all(map(callable, found)):
        raise OperandTypeError(f"callbacks is {callbacks!r}: pass a list of functions")
    return found


def _place(checkpoint: str | Path) -> Path:
    """Return where checkpoints go, wherever the working directory goes; refused now is better than after an epoch."""
    load("safetensors.numpy", "train", "a checkpoint")
    path = Path(checkpoint).absolute()
    if path.is_dir() or not path.parent.is_dir():
        raise ArgumentError(f"no checkpoint can be written to {checkpoint}: name a file in a folder that is there")
    return path


def _check_backend(backend: str | None, options: Mapping[str, Any]) -> None:
    if options and backend != "jax":
        raise ArgumentError(f"{next(iter(options))} is for JAX, and backend is {backend!r}: pass backend='jax' with it")
    if backend is not None:
        compiler(backend, options)


def _generator(rng: Random | int | None, team: Processes) -> Random:
    if rng is None and team.count > 1:
        raise ArgumentError(
            f"there are {team.count} processes, which must shuffle alike: pass the same rng to each, such as rng=0"
        )
    return generator(rng)


def _check_together(model: Callable[[Row], Any], optimiser: Optimiser) -> None:
    if not isinstance(optimiser, Optimiser):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise OperandTypeError(
            f"optimiser is {optimiser!r}: pass one of nn.optim, such as SGD(model.parameters(), lr=0.1)"
        )
    own = model.parameters() if isinstance(model, Module) else []
    if own and set(own).isdisjoint(optimiser.parameters):
        raise ArgumentError("the optimiser has none of the model's parameters: make it with model.parameters()")
