"""Checkpoints: everything that a training run needs to go on as if it had never stopped, in one file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from random import Random
from typing import Any, TypeAlias, cast

import numpy as np

from autograd_core.errors import ArgumentError
from autograd_core.value import Row
from nn import io
from nn.history import History
from nn.module import Array, Module
from nn.optim import Optimiser
from nn.stopping import Watch

__all__ = ["State"]

Parts: TypeAlias = dict[str, dict[str, Array]]


@dataclass
class State:
    """Everything that changes while a model is trained.

    Parameters
    ----------
    model, optimiser : with their weights and moments.
    rng : what shuffles the samples.
    held_out : whether each sample is held out.
    watch : what early stopping has seen.
    history : of the run so far.
    """

    model: Callable[[Row], Any]
    optimiser: Optimiser
    rng: Random
    held_out: list[bool]
    watch: Watch | None
    history: History = field(default_factory=History)

    def save(self, path: Path, settings: Mapping[str, object]) -> None:
        """Replace the checkpoint, as a whole or not at all.

        Parameters
        ----------
        path : of the file.
        settings : what a run must have in common with this one to go on from it.
        """
        parts: Parts = {
            "model": self.module().state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "generator": {name: _packed(rng) for name, rng in self._generators().items()},
            "history": _arrays(self.history),
            "held_out": {"samples": np.array(self.held_out, dtype=np.float64)},
        }
        if self.watch is not None:
            watch = self.watch
            parts["watch"] = {"numbers": np.array([watch.best, watch.best_epoch, watch.waited], dtype=np.float64)}
            parts["best"] = watch.weights or {}
        about = {"settings": dict(settings), "optimiser": self.optimiser.settings(), "stopped": self.history.stopped}
        arrays = {f"{part}/{name}": array for part, named in parts.items() for name, array in named.items()}
        io.write(path, arrays, about, kind="checkpoint")

    def restore(self, path: Path, settings: Mapping[str, object]) -> None:
        """Take over what a checkpoint holds.

        Raises
        ------
        ArgumentError : the file is no checkpoint, or one of another run. Nothing has changed.
        """
        arrays, about = io.read(path, kind="checkpoint")
        _check_same(path, about.get("settings"), dict(settings))
        _check_same(path, about.get("optimiser"), self.optimiser.settings())
        parts = _parts(arrays)
        try:
            states = {name: _unpacked(parts["generator"][name]) for name in self._generators()}
            history = _history(parts["history"], str(about["stopped"]))
            held_out = _mask(parts["held_out"]["samples"], self.held_out)
            watch = self.watch and _watch(self.watch, parts)
            history.best_epoch = (watch and watch.best_epoch) or None
        except (KeyError, ValueError, TypeError, OverflowError) as fault:
            raise ArgumentError(f"{path} is no whole checkpoint ({fault!r}): resume from another one") from None
        self._load(parts, watch)
        for name, rng in self._generators().items():
            rng.setstate(states[name])
        self.history, self.held_out, self.watch = history, held_out, watch

    def _load(self, parts: Parts, watch: Watch | None) -> None:
        """Set the weights of the model and the moments of the optimiser, all or none."""
        module = self.module()
        before = module.state_dict()
        try:
            if watch is not None:
                watch.restore(module)  # weights that would not fit at the end of the run are refused now
            module.load_state_dict(parts.get("model", {}))
            self.optimiser.load_state_dict(parts.get("optimiser", {}))
        except ArgumentError:
            module.load_state_dict(before)
            raise

    def digests(self) -> dict[str, str]:
        """Return fingerprints of what a run starts from, by what they are of; the model need not be a Module."""
        is_module = isinstance(self.model, Module)
        weights = self.module().state_dict() if is_module else {}
        weights[""] = np.array([v.data for v in self.optimiser.parameters])
        generators = self._generators() if is_module else {"": self.rng}
        parts: Parts = {
            "the weights": weights,
            "the optimiser's moments": self.optimiser.state_dict(),
            "the random numbers": {name: _packed(rng) for name, rng in generators.items()},
            "the history": _arrays(self.history),
            "what is held out": {"": np.array(self.held_out, dtype=np.float64)},
        }
        return {name: _digest(arrays) for name, arrays in parts.items()}

    def module(self) -> Module:
        """Return the model as a Module; ArgumentError if it is none."""
        if not isinstance(self.model, Module):
            raise ArgumentError(
                f"{self.model!r} is no Module, which checkpoints and early stopping need: make the model one"
            )
        return self.model

    def _generators(self) -> dict[str, Random]:
        return {"": self.rng, **dict(self.module().named_generators())}


def _check_same(path: Path, theirs: object, ours: dict[str, object]) -> None:
    """Raise ArgumentError if a checkpoint is of another run, naming the first thing that differs."""
    found = cast("dict[str, object]", theirs) if isinstance(theirs, dict) else {}
    for name in [*ours, *(found.keys() - ours.keys())]:
        if found.get(name) != ours.get(name):
            raise ArgumentError(
                f"{path} is of a run with {name} = {found.get(name)!r}, but this one has {ours.get(name)!r}: "
                "resume with the arguments of that run, or start anew without resume"
            )


def _parts(arrays: Mapping[str, Array]) -> Parts:
    parts: Parts = {}
    for path, array in arrays.items():
        part, _, name = path.partition("/")
        parts.setdefault(part, {})[name] = array
    return parts


def _digest(arrays: Mapping[str, Array]) -> str:
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):  # a file gives them in any order
        digest.update(f"{name} {array.shape} ".encode() + array.tobytes())
    return f"SHA-256 {digest.hexdigest()[:16]}"


# ---------------------------------------------------------------- as arrays


def _packed(rng: Random) -> Array:
    """Return the state of a generator: 625 whole numbers, whether there is a normal number in reserve, and which."""
    _, numbers, reserve = rng.getstate()
    return np.array([*numbers, reserve is not None, reserve or 0.0], dtype=np.float64)


def _unpacked(array: Array) -> tuple[int, tuple[int, ...], float | None]:
    *numbers, is_reserved, reserve = array.tolist()
    state = (Random.VERSION, tuple(map(int, numbers)), reserve if is_reserved else None)
    Random().setstate(state)  # raises ValueError, OverflowError or TypeError if it is none
    return state


def _arrays(history: History) -> dict[str, Array]:
    """Return every list of a history, those in a dict named as in ``metrics/accuracy``."""
    found: dict[str, Array] = {}
    for one in fields(history):
        numbers: object = getattr(history, one.name)
        if isinstance(numbers, list):
            found[one.name] = np.array(numbers, dtype=np.float64)
        elif isinstance(numbers, dict):
            series = cast("dict[str, list[float]]", numbers)
            found |= {f"{one.name}/{name}": np.array(row, dtype=np.float64) for name, row in series.items()}
    return found


def _history(arrays: Mapping[str, Array], stopped: str) -> History:
    history = History(stopped=stopped)
    for path, array in arrays.items():
        one, _, name = path.partition("/")
        place: object = vars(history)[one]
        if array.ndim != 1 or not isinstance(place, list | dict):
            raise ValueError(path)
        numbers = cast("list[float]", array.tolist())
        if isinstance(place, dict):
            place[name] = numbers
        else:
            setattr(history, one, numbers)
    if any([len(numbers) != history.epochs for numbers in history.series().values()]):
        raise ValueError("epochs")
    return history


def _mask(array: Array, like: list[bool]) -> list[bool]:
    mask = [bool(number) for number in array.tolist()]
    if len(mask) != len(like) or sum(mask) != sum(like):
        raise ValueError("held_out")
    return mask


def _watch(watch: Watch, parts: Parts) -> Watch:
    best, best_epoch, waited = parts["watch"]["numbers"].tolist()
    return Watch(watch.rule, best, int(best_epoch), int(waited), parts.get("best"))
