"""Optimiser: what all rules share, which is everything but the rule."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, TypedDict

import numpy as np

from autograd_core.errors import ArgumentError, OperandTypeError
from autograd_core.value import Value
from nn.checks import array_of
from nn.module import Array
from nn.optim.averages import mixed
from nn.optim.clipping import clip_by_norm, clip_by_value
from nn.ranges import above_zero, from_zero
from nn.schedules import RATE, Schedule, describe, of

__all__ = ["Optimiser", "Options"]


class Options(TypedDict, total=False):
    """What every optimiser takes beside its own numbers; see `Optimiser`."""

    weight_decay: float
    decayed: Iterable[Value] | None
    clip_norm: float | None
    clip_value: float | None
    maximise: bool


class Optimiser(ABC):
    """The base of all rules. A subclass says in ``update`` how one step is made.

    A step clips the gradient, first by value, then by norm; turns it round for ascent; adds the decay; and then runs
    the rule. The decay is λθ, the gradient of ½λ‖θ‖², so λ is twice that of mit.reg.decay, which has λ‖θ‖²: pass 2λ.
    It pulls to 0 in ascent too. If the class is ``decoupled``, then θ ← (1 - ηλ)θ instead, and the rule does not see it.

    Parameters
    ----------
    parameters : what to update, such as ``model.parameters()``.
    lr : the learning rate η, or a schedule of it, η(t), with t = 1 for the first step; see `nn.schedules`.
    weight_decay : λ.
    decayed : the parameters that decay, such as all but the biases; all of them by default.
    clip_norm : the largest length of the gradient of all parameters together.
    clip_value : the largest size of each derivative.
    maximise : whether to ascend.

    Raises
    ------
    ArgumentError : a number that is out of its range; no parameters, one twice, one that is no leaf, or one to decay
        that is not among them.
    OperandTypeError : a parameter that is no Value.

    >>> class SignDescent(Optimiser):
    ...     def update(self, theta, gradient, lr):
    ...         return theta - lr * np.sign(gradient)
    >>> x = Value(1.0)
    >>> optimiser = SignDescent([x], lr=0.25)
    >>> (x * x).backward()
    >>> optimiser.step()
    >>> x.data
    0.75
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ()
    """The attributes that define a rule, beside those that all rules have."""

    decoupled: ClassVar[bool] = False

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float | Schedule,
        *,
        weight_decay: float = 0.0,
        decayed: Iterable[Value] | None = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        maximise: bool = False,
    ) -> None:
        self.parameters = _checked_parameters(parameters)
        self.schedule = of(lr)
        self.weight_decay = from_zero("weight_decay", weight_decay)
        self.clip_norm = None if clip_norm is None else above_zero("clip_norm", clip_norm)
        self.clip_value = None if clip_value is None else above_zero("clip_value", clip_value)
        self.maximise = bool(maximise)
        self.steps = 0
        self.state: dict[str, Array] = {}
        self._decays = np.ones(len(self.parameters))
        if decayed is not None:
            self._decays[:] = 0.0
            self._decays[_places(decayed, self.parameters)] = 1.0
        self._by_hand: float | None = None

    # ------------------------------------------------------------ steps

    @property
    def lr(self) -> float:
        """The learning rate of the next step. Setting it to a number puts an end to the schedule."""
        return from_zero(RATE, self.schedule(self.steps + 1)) if self._by_hand is None else self._by_hand

    @lr.setter
    def lr(self, lr: float) -> None:
        self._by_hand = from_zero(RATE, lr)

    def zero_grad(self) -> None:
        """Set every gradient to 0."""
        for p in self.parameters:
            p.grad = 0.0

    def step(self) -> None:
        """Update every parameter by its present gradient. Ctrl-C does not tear a step apart."""
        theta = self.advance(self.theta(), self.gradient())
        try:
            self.assign(theta)
        except KeyboardInterrupt:
            self.assign(theta)
            raise

    def theta(self) -> Array:
        """Return the numbers of all parameters, in their order."""
        return np.array([p.data for p in self.parameters])

    def gradient(self) -> Array:
        """Return their gradients."""
        return np.array([p.grad for p in self.parameters])

    def assign(self, theta: Array) -> None:
        """Set the numbers of all parameters."""
        for p, number in zip(self.parameters, self._flat("theta", theta).tolist(), strict=True):
            p.data = number

    def advance(self, theta: Array, gradient: Array) -> Array:
        """Return where one step leads, and count it. The parameters are left as they are.

        Parameters
        ----------
        theta, gradient : one number for each parameter.

        Raises
        ------
        ArgumentError : vectors of another shape, or a schedule that returns no rate. The state has not changed.

        >>> from nn.optim import SGD
        >>> SGD([Value(0.0), Value(0.0)], lr=0.5).advance(np.array([1.0, 2.0]), np.array([1.0, -1.0])).tolist()
        [0.5, 2.5]
        """
        theta, gradient = self._flat("theta", theta), self._flat("gradient", gradient)
        lr = self.lr
        with np.errstate(all="ignore"):  # as in the engine, an infinity is a number like others
            if self.clip_value is not None:
                gradient = clip_by_value(gradient, self.clip_value)
            if self.clip_norm is not None:
                gradient = clip_by_norm(gradient, self.clip_norm)
            if self.maximise:
                gradient = -gradient
            if self.weight_decay and self.decoupled:
                theta = theta * (1.0 - lr * self.weight_decay * self._decays)
            elif self.weight_decay:
                gradient = gradient + self.weight_decay * self._decays * theta
            self.steps += 1
            return self._flat("theta", self.update(theta, gradient, lr))

    @abstractmethod
    def update(self, theta: Array, gradient: Array, lr: float) -> Array:
        """Return θ_t from θ_{t-1} and g_t; ``self.steps`` is t, and ``self.state`` holds what the rule remembers."""

    def zeros(self, *letters: str) -> dict[str, Array]:
        """Return a vector of zeros for each letter, to begin with."""
        return {letter: np.zeros(len(self.parameters)) for letter in letters}

    def average(self, letter: str, new: Array, gamma: float) -> Array:
        """Put γA + (1 - γ)a in the place of a vector A of the state, and return it."""
        self.state[letter] = mixed(self.state[letter], new, gamma)
        return self.state[letter]

    def _flat(self, what: str, numbers: Array) -> Array:
        vector = np.asarray(numbers, dtype=np.float64)
        if vector.shape != (len(self.parameters),):
            raise ArgumentError(
                f"{what} has the shape {vector.shape}: pass one number for each of the {len(self.parameters)} parameters"
            )
        return vector

    # ------------------------------------------------------------ checkpoints

    def settings(self) -> dict[str, object]:
        """Return what defines the rule, as JSON can keep it. What changes from step to step is in ``state_dict()``."""
        return {
            "rule": type(self).__name__,
            "lr": describe(self.schedule),
            **{name: getattr(self, name) for name in self.hyperparameters},
            "weight_decay": self.weight_decay,
            "decayed": None if self._decays.all() else np.flatnonzero(self._decays).tolist(),
            "clip_norm": self.clip_norm,
            "clip_value": self.clip_value,
            "maximise": self.maximise,
        }

    def state_dict(self) -> dict[str, Array]:
        """Return a copy of all that changes from step to step: with it, the same rule goes on with the same bits.

        These are the vectors of ``state``, the number of ``steps``, and ``lr`` if it was set by hand.
        """
        state = {letter: vector.copy() for letter, vector in self.state.items()}
        by_hand = {} if self._by_hand is None else {"lr": np.array([self._by_hand])}
        return {**state, "steps": np.array([float(self.steps)]), **by_hand}

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Take over the state of another optimiser of the same rule, for as many parameters.

        Raises
        ------
        ArgumentError : a name is missing or unknown, a shape differs, or a number cannot be. Nothing has changed.
        """
        shapes = {letter: vector.shape for letter, vector in self.state.items()} | {"steps": (1,)}
        if "lr" in state:
            shapes["lr"] = (1,)
        missing, unknown = shapes.keys() - state.keys(), state.keys() - shapes.keys()
        if missing or unknown:
            raise ArgumentError(
                f"the state lacks {sorted(missing) or 'nothing'} and has {sorted(unknown) or 'nothing'} that "
                f"{type(self).__name__} does not: load it into an optimiser of the same rule"
            )
        arrays = {name: array_of(name, state[name], shape, owner="optimiser") for name, shape in shapes.items()}
        steps = float(arrays.pop("steps")[0])
        if steps < 0.0 or not steps.is_integer():
            raise ArgumentError(f"steps is {steps!r}: pass a whole number from 0 up")
        by_hand = from_zero(RATE, float(arrays.pop("lr")[0])) if "lr" in arrays else None
        self.steps, self.state, self._by_hand = int(steps), arrays, by_hand


def _checked_parameters(parameters: Iterable[Value]) -> list[Value]:
    checked = _row(parameters)
    for p in checked:
        if not isinstance(p, Value):  # pyright: ignore[reportUnnecessaryIsInstance] - callers need not be typed
            raise OperandTypeError(f"{p!r} of type {type(p).__name__} is no parameter: pass Values")
        if p.op is not None or p.is_constant:
            raise ArgumentError(f"{p!r} is a result or a constant, and cannot be changed: pass leaves")
    if not checked:
        raise ArgumentError("there are no parameters: pass those of a model, as in model.parameters()")
    if len(set(checked)) < len(checked):
        raise ArgumentError("a parameter is in the list twice and would be updated twice: pass each one once")
    return checked


def _row(parameters: Iterable[Value]) -> list[Value]:
    if not isinstance(parameters, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance] - as above
        raise OperandTypeError(
            f"{parameters!r:.60} of type {type(parameters).__name__} is no row of parameters: pass those of a model, as in "
            "model.parameters(), or a list"
        )
    return list(parameters)


def _places(chosen: Iterable[Value], parameters: Sequence[Value]) -> list[int]:
    places = {p: i for i, p in enumerate(parameters)}
    chosen = _row(chosen)
    for p in chosen:
        if not isinstance(p, Value) or p not in places:  # pyright: ignore[reportUnnecessaryIsInstance] - as above
            raise ArgumentError(f"{p!r} is to decay, and is none of the parameters: pass some of those")
    return [places[p] for p in chosen]
