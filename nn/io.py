"""Weights and checkpoints in files: numbers and text in the safetensors format, and nothing that could be run.

A file of ours says so in its metadata, under ``autograd-core``: the format's version, what kind of file it is, what the
caller noted about it, and a checksum over all of that and the numbers. It is written whole or not at all, and the same
content gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

import numpy as np

from autograd_core.errors import ArgumentError
from autograd_core.extras import load as load_extra
from autograd_core.files import write_whole
from nn.module import Array, Module

__all__ = ["FORMAT", "VERSION", "Kind", "load", "read", "save", "write"]

FORMAT, VERSION = "autograd-core", 1

Kind: TypeAlias = Literal["weights", "checkpoint", "model"]

_KINDS: dict[object, str] = {
    "weights": "holds weights alone: load it with nn.load",
    "checkpoint": "is a checkpoint of a training run: pass it to nn.fit as resume=",
    "model": "is a model for whole tables: give it to autograd-core predict",
}
_RESERVED = "__metadata__"
_LONGEST = 500


def save(model: Module, path: str | PathLike[str]) -> None:
    """Write a model's parameters and buffers to a file, whole or not at all.

    PyTorch, and whatever else reads safetensors, can load it too: names and layout are those of ``state_dict()``.

    Parameters
    ----------
    model : any Module; what it computes is not saved, only its numbers.
    path : where to; usually it ends in .safetensors.

    Raises
    ------
    ArgumentError : a number is not finite, or the file cannot be written; what was there before is as it was.
    MissingExtraError : safetensors is not installed.

    >>> import tempfile
    >>> from nn import MLP
    >>> model, twin = MLP(2, [4, 1], rng=0), MLP(2, [4, 1], rng=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(model, f"{folder}/model.safetensors")
    ...     load(twin, f"{folder}/model.safetensors")
    >>> twin([1.0, 2.0]).data == model([1.0, 2.0]).data
    True
    """
    write(path, model.state_dict(), {}, kind="weights")


def load(model: Module, path: str | PathLike[str]) -> None:
    """Set a model's parameters and buffers from a file that `save` wrote, or from another safetensors file.

    Another program's file, such as PyTorch's, may hold float64 or float32; there is no checksum to hold it against.

    Parameters
    ----------
    model : of the same make as the one that was saved: same names, same shapes.
    path : where from.

    Raises
    ------
    ArgumentError : the file cannot be read, is damaged, of another kind or from a newer version, does not fit the
        model, or holds a number that is not finite. The model is as it was.
    MissingExtraError : safetensors is not installed.
    """
    arrays, _ = read(path, kind="weights")
    try:
        model.load_state_dict(arrays)
    except ArgumentError as fault:
        raise ArgumentError(f"{path} does not fit the model: {fault}") from None


def write(path: str | PathLike[str], arrays: Mapping[str, Array], about: Mapping[str, object], *, kind: Kind) -> None:
    """Write arrays by name, and what there is to say about them, to a file, whole or not at all.

    Parameters
    ----------
    path : where to.
    arrays : float64 numbers, and finite ones but for a checkpoint: the validation loss of a run may be infinite.
    about : a JSON object; numbers in it are kept to the last bit, but may not be nan or infinite.
    kind : "weights", "checkpoint" or "model"; `read` asks for it.

    Raises
    ------
    ArgumentError : an array, or what is said about them, cannot be kept, or the file cannot be written; what was there
        before is as it was.
    MissingExtraError : safetensors is not installed.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(f"{folder}/run.safetensors", {"m": np.zeros(2)}, {"epoch": 3}, kind="checkpoint")
    ...     read(f"{folder}/run.safetensors", kind="checkpoint")
    ({'m': array([0., 0.])}, {'epoch': 3})
    """
    package = load_extra("safetensors.numpy", "train", "a file of weights")
    arrays = {name: _kept(name, array, kind) for name, array in arrays.items()}
    record = {"about": dict(about), "kind": kind, "version": VERSION}
    try:
        # One key alone: safetensors writes several in another order each time.
        metadata = {FORMAT: _json(record | {"sha256": _checksum(record, arrays)})}
    except (TypeError, ValueError, RecursionError) as fault:
        raise ArgumentError(
            f"what is said about {path} is no JSON ({fault}): keep to text, finite numbers, lists and dicts"
        ) from None
    try:
        write_whole(Path(path), package.save(arrays, metadata))
    except OSError as fault:
        raise ArgumentError(
            f"{path} cannot be written ({fault.strerror}): make room there or choose another place; what was there "
            "before is as it was"
        ) from None


def read(path: str | PathLike[str], *, kind: Kind) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return the arrays of a file by name, and what was said about them.

    Parameters
    ----------
    path : a file that `write` wrote; or any safetensors file of float64 or float32, if weights are asked for.
    kind : what it has to be.

    Raises
    ------
    ArgumentError : the file cannot be read, is damaged, of another kind or from a newer version, or holds a number
        that is not finite and is no checkpoint.
    MissingExtraError : safetensors is not installed.
    """
    metadata, arrays = _contents(Path(path))
    about = dict[str, Any]()
    if FORMAT in metadata:
        about = _about(path, metadata[FORMAT], arrays, kind)
    elif kind != "weights":
        raise ArgumentError(f"{path} was not written by autograd-core: name a {kind} that was")
    for name, array in arrays.items():
        if kind != "checkpoint" and not np.isfinite(array).all():
            raise ArgumentError(
                f"{path} holds numbers that are not finite in {_shown(name)}: take a file of a run that went well"
            )
    return {name: array.astype(np.float64) for name, array in arrays.items()}, about


def _kept(name: str, array: Array, kind: Kind) -> Array:
    array = np.asarray(array)
    if name == _RESERVED:
        raise ArgumentError(f"no array can be called {name}, which safetensors keeps for itself: choose another name")
    if array.dtype != np.float64:
        raise ArgumentError(f"{name} is of {array.dtype}, and only float64 is saved: convert it with .astype(float)")
    if kind != "checkpoint" and not np.isfinite(array).all():
        raise ArgumentError(f"{name} holds numbers that are not finite: a run that diverged leaves nothing to save")
    return np.array(array, order="C")  # the package writes memory as it lies, rows first or not


def _json(record: Mapping[str, object]) -> str:
    return json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _checksum(record: Mapping[str, object], arrays: Mapping[str, Array]) -> str:
    names = sorted(arrays)
    total = hashlib.sha256(_json({"record": record, "shapes": [[name, arrays[name].shape] for name in names]}).encode())
    for name in names:
        total.update(arrays[name].astype("<f8").tobytes())
    return total.hexdigest()


def _contents(path: Path) -> tuple[dict[str, str], dict[str, Array]]:
    """Return a safetensors file's metadata and its arrays, of float64 or else float32."""
    package = load_extra("safetensors", "train", "a file of weights")
    content = _bytes(path)
    try:
        tensors: list[tuple[str, dict[str, Any]]] = package.deserialize(content)
        # The package looked through the header, and keeps the metadata in it to itself.
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        metadata: dict[str, str] = header.get("__metadata__") or {}
        dtypes = {"F64": "<f8"} if FORMAT in metadata else {"F64": "<f8", "F32": "<f4"}
        arrays = {
            name: np.frombuffer(tensor["data"], dtypes[tensor["dtype"]]).reshape(tensor["shape"])
            for name, tensor in tensors
            if tensor["dtype"] in dtypes
        }
    except Exception as fault:  # noqa: BLE001 - the package raises its own errors, and NumPy and json theirs
        raise ArgumentError(
            f"{path} is no safetensors file, or one that is damaged or cut short ({_shown(fault)}): take another copy of it"
        ) from None
    for name, tensor in tensors:
        if name not in arrays:
            raise ArgumentError(f"{path} holds {_shown(name)} as {tensor['dtype']}: save it as float64 or float32")
    return metadata, arrays


def _shown(what: object) -> str:
    """Return what a file says as a message shows it: on one line, without control characters, and not too long."""
    return "".join([c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(what)[:_LONGEST]])


def _bytes(path: Path) -> bytes:
    try:
        if stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for, and a device never end
            return path.read_bytes()
    except (OSError, MemoryError) as fault:
        why = fault.strerror if isinstance(fault, OSError) else "it is larger than the memory"
        raise ArgumentError(f"{path} cannot be read ({why}): name a file that is there and yours") from None
    raise ArgumentError(f"{path} is no file but a folder, a device or a pipe: name a file that nn.save wrote")


def _about(path: str | PathLike[str], text: str, arrays: Mapping[str, Array], kind: Kind) -> dict[str, Any]:
    """Return what was said about a file of ours, having held it and the arrays against the checksum."""
    record = _record(text)
    version = record.get("version")
    if isinstance(version, int) and version > VERSION:
        raise ArgumentError(
            f"{path} was made by a newer version of autograd-core (its format is {_shown(version)}, and {VERSION} is known "
            "here): pip install --upgrade autograd-core"
        )
    if not _is_intact(record, arrays):
        raise ArgumentError(f"{path} is damaged, for it does not hold what was written: take another copy of it")
    if record["kind"] != kind:
        raise ArgumentError(f"{path} {_KINDS[record['kind']]}")
    return record["about"]


def _record(text: str) -> dict[str, Any]:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", record) if isinstance(record, dict) else {}


def _is_intact(record: dict[str, Any], arrays: Mapping[str, Array]) -> bool:
    """Return whether a record is as `write` made it; what its author could sign need not be what we would."""
    record = dict(record)
    checksum = record.pop("sha256", None)
    try:
        return (
            checksum == _checksum(record, arrays)
            and record.keys() == {"about", "kind", "version"}
            and record["version"] == VERSION
            and isinstance(record["about"], dict)
            and record["kind"] in _KINDS
        )
    except (ValueError, TypeError, RecursionError):  # nan, an unhashable kind, or far too deep
        return False
