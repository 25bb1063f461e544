"""Weights in files: the same numbers come back, or a clear error does and nothing has changed."""

import gzip
import hashlib
import io
import json
import os
import pickle
import random
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from messages import message_of
from safetensors.numpy import load as load_bytes
from safetensors.numpy import load_file, save, save_file

import nn
from autograd_core import ArgumentError, MissingExtraError, Value
from nn import MLP, Layer, Module, Neuron
from nn.io import load, read, write
from nn.io import save as save_model

ROOT = Path(nn.__file__).parents[1]


class Running(Module):
    """A module with a parameter of no dimension, one of two, and a buffer."""

    def __init__(self, start=0.0):
        self.gain = Value(start)
        self.table = [[Value(start + 1.0), Value(start + 2.0)], [Value(start + 3.0), Value(start + 4.0)]]
        self.mean = np.array([start + 5.0, start + 6.0, start + 7.0])


def state_of(model):
    return {name: array.tolist() for name, array in model.state_dict().items()}


def checksum(record, arrays):
    """Return the checksum that a file has to hold, worked out from what the format says."""
    shapes = [[name, list(np.shape(arrays[name]))] for name in sorted(arrays)]
    text = json.dumps({"record": record, "shapes": shapes}, sort_keys=True, separators=(",", ":"))
    numbers = b"".join([struct.pack(f"<{a.size}d", *a.ravel().tolist()) for _, a in sorted(arrays.items())])
    return hashlib.sha256(text.encode() + numbers).hexdigest()


def forged(path, arrays, **record):
    """Write what the package lets anybody write, signed as if it were ours."""
    record = {"about": {}, "kind": "weights", "version": 1} | record
    doubles = {name: np.asarray(array, dtype=np.float64) for name, array in arrays.items()}
    text = json.dumps(record | {"sha256": checksum(record, doubles)}, sort_keys=True, separators=(",", ":"))
    save_file(arrays, path, {"autograd-core": text})


# ---------------------------------------------------------------- out and in again


@pytest.mark.parametrize("make", [lambda seed: MLP(3, [5, 4, 2], rng=seed), lambda seed: Running(float(seed))])
def test_what_is_loaded_is_what_was_saved_to_the_bit(tmp_path, make):
    model, twin = make(1), make(2)
    assert state_of(model) != state_of(twin)
    save_model(model, tmp_path / "model.safetensors")
    load(twin, tmp_path / "model.safetensors")
    assert state_of(twin) == state_of(model)
    assert all(type(p.data) is float for p in twin.parameters())


@pytest.mark.parametrize("number", [0.0, -0.0, 5e-324, 1.7976931348623157e308, 0.1, -1.0 / 3.0])
def test_every_finite_number_is_kept(tmp_path, number):
    model = Neuron(1, rng=0)
    model.w[0].data = number
    save_model(model, str(tmp_path / "model.safetensors"))
    model.w[0].data = 7.0
    load(model, str(tmp_path / "model.safetensors"))
    assert struct.pack("<d", model.w[0].data) == struct.pack("<d", number)


def test_arrays_come_back_with_their_shapes_and_what_was_said_about_them(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {
        "rows first": rng.normal(size=(3, 4)),
        "columns first": np.asfortranarray(rng.normal(size=(3, 4))),
        "every other": rng.normal(size=20)[::2],
        "backwards": rng.normal(size=(2, 3, 4))[:, ::-1],
        "one": np.array(1.5),
        "none": np.zeros((0, 3)),
        "Σ 層": np.array([2.0]),
    }
    about = {
        "epoch": 3,
        "best": 0.1 + 0.2,
        "schedule": ["cosine", {"steps": 10**20}],
        "text": "σ\n\0\ud800",
        "no": None,
    }
    write(tmp_path / "run.safetensors", arrays, about, kind="checkpoint")
    found, said = read(tmp_path / "run.safetensors", kind="checkpoint")
    assert said == about
    assert sorted(found) == sorted(arrays)
    for name, array in found.items():
        assert (array.dtype, array.shape) == (np.float64, arrays[name].shape)
        assert array.tolist() == arrays[name].tolist()
        assert array.flags.writeable


def test_a_file_may_hold_no_array_at_all(tmp_path):
    write(tmp_path / "empty.safetensors", {}, {"epoch": 0}, kind="checkpoint")
    assert read(tmp_path / "empty.safetensors", kind="checkpoint") == ({}, {"epoch": 0})


def test_others_read_the_file_by_the_names_and_layout_of_state_dict(tmp_path):
    model = MLP(3, [5, 2], rng=0)
    save_model(model, tmp_path / "model.safetensors")
    arrays = load_file(tmp_path / "model.safetensors")
    assert {name: array.tolist() for name, array in arrays.items()} == state_of(model)
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.float64)}


def test_the_bytes_are_those_that_the_format_says(tmp_path):
    neuron = Neuron(2, rng=0)
    for p, number in zip(neuron.parameters(), [1.0, -2.0, 0.5], strict=True):
        p.data = number
    save_model(neuron, tmp_path / "neuron.safetensors")
    arrays = {"weight": np.array([1.0, -2.0]), "bias": np.array(0.5)}
    digest = checksum({"about": {}, "kind": "weights", "version": 1}, arrays)
    said = f'{{"about":{{}},"kind":"weights","sha256":"{digest}","version":1}}'
    header = (
        f'{{"__metadata__":{{"autograd-core":{json.dumps(said)}}},"bias":{{"dtype":"F64","shape":[],"data_offsets":[0,8]}},'
        '"weight":{"dtype":"F64","shape":[2],"data_offsets":[8,24]}}'
    )
    header += " " * (-len(header) % 8)
    expected = struct.pack("<Q", len(header)) + header.encode() + struct.pack("<3d", 0.5, 1.0, -2.0)
    assert (tmp_path / "neuron.safetensors").read_bytes() == expected


def test_the_same_content_gives_the_same_bytes_in_any_order_and_any_process(tmp_path):
    script = (
        "import sys, numpy as np; from nn.io import write; names = [c for c in 'abcdef'];"
        "names = names if sys.argv[2] == '0' else names[::-1];"
        "write(sys.argv[1], {n: np.full(2, ord(n), float) for n in names}, {n: ord(n) for n in names}, kind='model')"
    )
    for i in "01":
        environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": i}
        subprocess.run([sys.executable, "-c", script, tmp_path / i, i], env=environment, check=True)
    assert (tmp_path / "0").read_bytes() == (tmp_path / "1").read_bytes()


# ---------------------------------------------------------------- files of other programs


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("metadata", [None, {"format": "pt"}], ids=["no metadata", "PyTorch's"])
def test_another_programs_weights_are_loaded_exactly(tmp_path, dtype, metadata):
    rng, model = np.random.default_rng(0), Layer(3, 2, rng=0)
    arrays = {"weight": rng.normal(size=(2, 3)).astype(dtype), "bias": rng.normal(size=2).astype(dtype)}
    save_file(arrays, tmp_path / "theirs.safetensors", metadata)
    load(model, tmp_path / "theirs.safetensors")
    assert state_of(model) == {name: array.tolist() for name, array in arrays.items()}


def test_another_programs_file_is_no_checkpoint(tmp_path):
    path = tmp_path / "theirs.safetensors"
    save_file({"weight": np.zeros(2)}, path)
    message = message_of(ArgumentError, lambda: read(path, kind="checkpoint"))
    assert message == f"{path} was not written by autograd-core: name a checkpoint that was"


@pytest.mark.parametrize("dtype", ["F16", "BF16", "I64", "U8", "BOOL", "F8_E5M2"])
def test_numbers_of_another_kind_are_refused(tmp_path, dtype):
    path, size = tmp_path / "theirs.safetensors", {"F16": 2, "BF16": 2, "I64": 8}.get(dtype, 1)
    path.write_bytes(headed({"bias": {"dtype": dtype, "shape": [2], "data_offsets": [0, 2 * size]}}, bytes(2 * size)))
    assert refusal(path) == f"{path} holds bias as {dtype}: save it as float64 or float32"


# ---------------------------------------------------------------- what is refused


def headed(header, numbers=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + numbers


def refusal(path, kind="weights"):
    """Return the message with which a file is refused by both functions that read it; the model stays as it was."""
    model = Layer(2, 1, rng=0)
    before = state_of(model)
    message = message_of(ArgumentError, lambda: read(path, kind=kind))
    if kind == "weights":
        assert message_of(ArgumentError, lambda: load(model, path)) == message
    assert state_of(model) == before
    return message


def archive():
    file = io.BytesIO()
    np.savez(file, weight=np.zeros(3))
    return file.getvalue()


ONE = {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}
NOT_SAFETENSORS = {
    "empty": b"",
    "seven bytes": b"\0" * 7,
    "text": b"weight,bias\n1.0,2.0\n" * 9,
    "a PNG": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(99),
    "a pickle": pickle.dumps({"weight": [1.0] * 99}),
    "a zip, as NumPy and PyTorch write": archive(),
    "gzip": gzip.compress(bytes(99)),
    "a program": b"\x7fELF\x02\x01\x01" + bytes(99),
    "JSON": b'{"weight": [1.0, 2.0], "bias": [3.0]}',
    "a header of 10**18 bytes": struct.pack("<Q", 10**18) + b"{}",
    "a header longer than the file": struct.pack("<Q", 100) + b"{}",
    "an empty header": headed(b""),
    "a header that is a list": headed([1, 2]),
    "a header that is not UTF-8": headed(b'{"\xff": 1}'),
    "a header 100000 deep": headed(b'{"a":' * 100_000),
    "a terabyte promised": headed({"weight": ONE | {"shape": [2**37], "data_offsets": [0, 2**40]}}, bytes(8)),
    "more than there are numbers for": headed({"weight": ONE | {"shape": [2**62, 2**62]}}, bytes(8)),
    "a dimension of 2**63 - 1 in nothing": headed({"weight": ONE | {"shape": [0, 2**63 - 1], "data_offsets": [0, 0]}}),
    "200 dimensions": headed({"weight": ONE | {"shape": [1] * 200}}, bytes(8)),
    "a negative dimension": headed({"weight": ONE | {"shape": [-1]}}, bytes(8)),
    "arrays that overlap": headed(
        {"weight": ONE | {"shape": [2], "data_offsets": [0, 16]}, "bias": ONE | {"data_offsets": [8, 16]}}, bytes(16)
    ),
    "a gap before an array": headed({"weight": ONE | {"data_offsets": [8, 16]}}, bytes(16)),
    "bytes after the last array": headed({"weight": ONE}, bytes(9)),
    "the last byte missing": headed({"weight": ONE}, bytes(7)),
    "a dtype that there is not": headed({"weight": ONE | {"dtype": "F65"}}, bytes(8)),
    "metadata that is no text": headed({"__metadata__": {"autograd-core": 1}, "weight": ONE}, bytes(8)),
}


@pytest.mark.parametrize("content", NOT_SAFETENSORS.values(), ids=NOT_SAFETENSORS)
def test_what_is_no_safetensors_file_is_refused(tmp_path, content):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - its own error, or NumPy's
        load_bytes(content)
    assert refusal(path) == (
        f"{path} is no safetensors file, or one that is damaged or cut short ({caught.value}): take another copy of it"
    )


def test_an_array_too_large_for_the_memory_is_refused_at_once(tmp_path):
    """A file with a hole in it has the length that its header promises, and takes no room."""
    path = tmp_path / "model.safetensors"
    start = headed({"weight": ONE | {"shape": [2**39], "data_offsets": [0, 2**42]}})
    path.write_bytes(start)
    try:
        os.truncate(path, len(start) + 2**42)
    except OSError as fault:
        pytest.skip(f"needs a file system for large files with holes ({fault.strerror})")
    assert refusal(path) == f"{path} cannot be read (it is larger than the memory): name a file that is there and yours"


def make_pipe(path):
    os.mkfifo(path)
    return path


PLACES = {
    "a folder": (lambda folder: folder, "is no file but a folder, a device or a pipe: name a file that nn.save wrote"),
    "a pipe": (
        lambda folder: make_pipe(folder / "pipe"),
        "is no file but a folder, a device or a pipe: name a file that nn.save wrote",
    ),
    "a device without end": (
        lambda _: Path("/dev/zero"),
        "is no file but a folder, a device or a pipe: name a file that nn.save wrote",
    ),
    "nothing": (
        lambda folder: folder / "nothing",
        "cannot be read (No such file or directory): name a file that is there and yours",
    ),
    "a name that is too long": (
        lambda folder: folder / ("n" * 300),
        "cannot be read (File name too long): name a file that is there and yours",
    ),
}


@pytest.mark.parametrize(("make", "says"), PLACES.values(), ids=PLACES)
def test_a_place_that_holds_no_file_is_named(tmp_path, make, says):
    path = make(tmp_path)
    assert refusal(path) == f"{path} {says}"


FORGED = {
    "a newer version": ({"version": 2}, "was made by a newer version of autograd-core (its format is 2, and 1 is known here): pip install --upgrade autograd-core"),
    "no such version": ({"version": 0}, None),
    "a version in words": ({"version": "one"}, None),
    "no such kind": ({"kind": "poem"}, None),
    "a kind that is a list": ({"kind": ["weights"]}, None),
    "said in a list": ({"about": []}, None),
    "more said than there is to say": ({"spare": 1}, None),
    "a checkpoint": ({"kind": "checkpoint"}, "is a checkpoint of a training run: pass it to nn.fit as resume="),
    "a model": ({"kind": "model"}, "is a model for whole tables: give it to autograd-core predict"),
}  # fmt: skip


@pytest.mark.parametrize(("record", "says"), FORGED.values(), ids=FORGED)
def test_a_file_of_ours_that_is_not_what_is_wanted_says_what_it_is(tmp_path, record, says):
    path = tmp_path / "model.safetensors"
    forged(path, {"weight": np.ones((1, 2)), "bias": np.ones(1)}, **record)
    damaged = "is damaged, for it does not hold what was written: take another copy of it"
    assert refusal(path) == f"{path} {says or damaged}"


def test_weights_are_no_checkpoint(tmp_path):
    path = tmp_path / "model.safetensors"
    save_model(Layer(2, 1, rng=0), path)
    assert refusal(path, "checkpoint") == f"{path} holds weights alone: load it with nn.load"


@pytest.mark.parametrize("said", ["", "[]", "1", "nan", "[" * 100_000, '{"version":NaN}', '{"version":1}', '"\\ud800"'])
def test_what_is_no_record_of_ours_is_damaged(tmp_path, said):
    path = tmp_path / "model.safetensors"
    save_file({"weight": np.ones((1, 2)), "bias": np.ones(1)}, path, {"autograd-core": said})
    assert refusal(path) == f"{path} is damaged, for it does not hold what was written: take another copy of it"


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("ours", [True, False])
def test_a_number_that_is_not_finite_is_refused_even_where_everything_else_is_right(tmp_path, number, ours):
    path, arrays = tmp_path / "model.safetensors", {"weight": np.array([[1.0, number]]), "bias": np.ones(1)}
    if ours:
        forged(path, arrays)
    else:
        save_file(arrays, path)
    message = f"{path} holds numbers that are not finite in weight: take a file of a run that went well"
    assert refusal(path) == message


def test_what_a_hostile_file_says_stands_on_one_line_of_a_message(tmp_path):
    path, name = tmp_path / "model.safetensors", "\x1b[2J\n" * 100
    save_file({name: np.ones(1, dtype=np.int64)}, path)
    shown = r"\x1b[2J\n" * 100
    assert refusal(path) == f"{path} holds {shown} as I64: save it as float64 or float32"
    save_file({"x" * 501: np.array([np.nan])}, path)
    assert refusal(path) == (
        f"{path} holds numbers that are not finite in {'x' * 500}: take a file of a run that went well"
    )
    forged(path, {"weight": np.ones(1)}, version=10**4000)
    assert refusal(path) == (
        f"{path} was made by a newer version of autograd-core (its format is 1{'0' * 499}, and 1 is known here): pip "
        "install --upgrade autograd-core"
    )


def test_a_file_of_ours_holds_float64_alone(tmp_path):
    path = tmp_path / "model.safetensors"
    forged(path, {"weight": np.ones((1, 2), dtype=np.float32), "bias": np.ones(1)})
    assert refusal(path) == f"{path} holds weight as F32: save it as float64 or float32"


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (Layer(3, 1, rng=0), "weight has the shape (1, 3): the model's is (1, 2)"),
        (
            Layer(2, 1, bias=False, rng=0),
            "the state lacks ['bias'] and has nothing that the model does not: load it into a model of the same make",
        ),
    ],
)
def test_weights_of_another_model_do_not_fit(tmp_path, other, says):
    path, model = tmp_path / "model.safetensors", Layer(2, 1, rng=1)
    before = state_of(model)
    save_model(other, path)
    assert message_of(ArgumentError, lambda: load(model, path)) == f"{path} does not fit the model: {says}"
    assert state_of(model) == before


# ---------------------------------------------------------------- what is not written


UNKEPT = {
    "nan": (
        {"a": np.array([1.0, np.nan])},
        "a holds numbers that are not finite: a run that diverged leaves nothing to save",
    ),
    "float32": (
        {"a": np.ones(1, dtype=np.float32)},
        "a is of float32, and only float64 is saved: convert it with .astype(float)",
    ),
    "text": ({"a": np.array(["x"])}, "a is of <U1, and only float64 is saved: convert it with .astype(float)"),
    "the package's own name": (
        {"__metadata__": np.ones(1)},
        "no array can be called __metadata__, which safetensors keeps for itself: choose another name",
    ),
}


@pytest.mark.parametrize(("arrays", "says"), UNKEPT.values(), ids=UNKEPT)
def test_arrays_that_could_not_be_read_again_are_not_written(tmp_path, arrays, says):
    path = tmp_path / "run.safetensors"
    path.write_bytes(b"before")
    assert message_of(ArgumentError, lambda: write(path, arrays, {}, kind="model")) == says
    assert path.read_bytes() == b"before"


def test_a_checkpoint_may_hold_what_is_not_finite_as_losses_may_be(tmp_path):
    path = tmp_path / "run.safetensors"
    write(path, {"loss": np.array([np.inf, np.nan, -np.inf, 1.0])}, {}, kind="checkpoint")
    assert repr(read(path, kind="checkpoint")[0]["loss"].tolist()) == "[inf, nan, -inf, 1.0]"


def circle():
    about = {}
    about["about"] = about
    return about


UNSAID = {
    "nan": ({"best": float("nan")}, "Out of range float values are not JSON compliant"),
    "a set": ({"seen": {1}}, "Object of type set is not JSON serializable"),
    "keys that no file can sort": ({1: 1, "b": 2}, "'<' not supported between instances of 'str' and 'int'"),
    "itself": (circle(), "Circular reference detected"),
}


@pytest.mark.parametrize(("about", "why"), UNSAID.values(), ids=UNSAID)
def test_what_is_no_json_is_not_said(tmp_path, about, why):
    path = tmp_path / "run.safetensors"
    message = message_of(ArgumentError, lambda: write(path, {}, about, kind="checkpoint"))
    assert message.startswith(f"what is said about {path} is no JSON ({why}")
    assert message.endswith("): keep to text, finite numbers, lists and dicts")
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_diverged_is_not_saved_over_one_that_did_not(tmp_path):
    model, path = Neuron(1, rng=0), tmp_path / "model.safetensors"
    save_model(model, path)
    before = path.read_bytes()
    model.w[0].data = float("inf")
    message = message_of(ArgumentError, lambda: save_model(model, path))
    assert message == "weight holds numbers that are not finite: a run that diverged leaves nothing to save"
    assert path.read_bytes() == before


def test_without_the_package_there_is_a_word_on_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    model = Neuron(1, rng=0)
    for call, module in [
        (lambda: save_model(model, tmp_path / "a"), "safetensors.numpy"),
        (lambda: load(model, tmp_path / "a"), "safetensors"),
    ]:
        message = message_of(MissingExtraError, call)
        assert message.startswith(
            f"a file of weights needs safetensors, which could not be imported (import of {module} "
        )
        assert message.endswith("): pip install 'autograd-core[train]'")
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------- disks and folders that take nothing


def test_a_full_device_is_a_clear_error():
    message = message_of(ArgumentError, lambda: save_model(Neuron(1, rng=0), "/dev/full"))
    assert message == (
        "/dev/full cannot be written (No space left on device): make room there or choose another place; what was "
        "there before is as it was"
    )


LIMITED = """
import json, os, resource, sys
from autograd_core import ArgumentError
from nn import MLP, io
os.chdir(sys.argv[1])
small, large = MLP(2, [1], rng=0), MLP(9, [99], rng=0)
io.save(small, "model.safetensors")
before = open("model.safetensors", "rb").read()
{obstacle}
try:
    io.save(large, "model.safetensors")
    message = None
except ArgumentError as fault:
    message = str(fault)
print(json.dumps([message, open("model.safetensors", "rb").read() == before, sorted(os.listdir(".")), len(before)]))
"""
FULL = "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))"
READ_ONLY = """
if os.geteuid() == 0:  # who may write everywhere
    for path in (".", "model.safetensors"):
        os.chown(path, 65534, 65534)
    os.setgroups([]), os.setegid(65534), os.seteuid(65534)
io.save(small, "model.safetensors")  # nothing else is in the way
os.chmod(".", 0o555)
"""


@pytest.mark.parametrize(
    ("obstacle", "why"), [(FULL, "File too large"), (READ_ONLY, "Permission denied")], ids=["full", "read-only"]
)
def test_a_disk_that_is_full_and_a_folder_that_is_read_only_keep_the_file_that_was_there(tmp_path, obstacle, why):
    """A process of its own is given no more than 2000 bytes a file, or the rights of nobody in particular."""
    script = LIMITED.format(obstacle=obstacle)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    ended = subprocess.run([sys.executable, "-c", script, tmp_path], env=environment, capture_output=True, check=False)
    assert ended.stderr.decode() == ""
    message, same, names, size = json.loads(ended.stdout)
    assert size < 2000
    assert message == (
        f"model.safetensors cannot be written ({why}): make room there or choose another place; what was there before "
        "is as it was"
    )
    assert (same, names) == (True, ["model.safetensors"])


SAVER = """
import sys
from nn import MLP, io
model = MLP(20, [50], init="zero")
while True:
    for p in model.parameters():
        p.data += 1.0
    io.save(model, sys.argv[1])
    print(model.parameters()[0].data, flush=True)
"""


def test_a_process_killed_at_any_moment_leaves_a_file_that_can_be_read(tmp_path):
    path, rng, seen = tmp_path / "model.safetensors", random.Random(0), []
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    for _ in range(5):
        with subprocess.Popen([sys.executable, "-c", SAVER, path], env=environment, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            time.sleep(rng.uniform(0.0, 0.1))
            process.send_signal(signal.SIGKILL)
            last = float(process.stdout.read().split()[-1:][0] if process.stdout.peek(1) else 1.0)
        model = MLP(20, [50], init="zero")
        load(model, path)
        (count,) = {p.data for p in model.parameters()}
        assert count in (last, last + 1.0)
        seen.append(count)
    assert max(seen) > 1.0
    save_model(model, path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.safetensors"]


# ---------------------------------------------------------------- mutations


HOSTILE = [
    None, True, -1, 0, 1, 2**63, 10**400, 1e308, 0.5, "", "F32", "F64", "I64", "BF16", "\0", "x" * 10_000, [], [0],
    [2, 2], [8, 0], [0, 2**62], [[[[1]]]], {}, {"a": {"a": {"a": 1}}}, "NaN", "[" * 5000, '{"version":2}',
    '{"about":{},"kind":"weights","sha256":"","version":1}',
]  # fmt: skip


def places_in(node, path=()):
    """Yield the way to every value in a JSON object."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from places_in(value, (*path, key))


def put(node, path, change):
    """Change one value in a JSON object, or rename or remove it, or add one beside it."""
    *way, last = path
    for key in way:
        node = node[key]
    change(node, last)


def edited_header(header, rng):
    tree, hostile = json.loads(header), rng.choice(HOSTILE)
    other = rng.choice(["", "a", "bias", "layers.0.weight", "__metadata__", "dtype", "autograd-core", "é" * 99])

    def insert(node, key):
        node.insert(key, hostile) if isinstance(node, list) else node.update({other: hostile})

    def rename(node, key):
        value = node.pop(key)
        node.append(value) if isinstance(node, list) else node.update({other: value})

    def assign(node, key):
        node[key] = hostile

    put(
        tree,
        rng.choice(list(places_in(tree))),
        rng.choice([assign, assign, insert, rename, lambda node, key: node.pop(key)]),
    )
    text = json.dumps(tree)
    if rng.random() < 0.2:  # a name twice, which JSON allows
        text = text[:-1] + "," + json.dumps({rng.choice(list(tree) or ["a"]): hostile})[1:]
    return text.replace('"NaN"', "NaN").encode()


def mutated(content, rng):
    """Return a damaged copy: bits flipped, bytes cut out, put in or put elsewhere, or a header that is still JSON."""
    content, n = bytearray(content), len(content)
    size = struct.unpack("<Q", content[:8])[0]
    header = bytes(content[8 : 8 + size])
    i, j = sorted(rng.sample(range(n + 1), 2))
    kind = rng.randrange(8)
    if kind == 0:
        for place in rng.sample(range(n), rng.randint(1, 4)):
            content[place] ^= 1 << rng.randrange(8)
    elif kind == 1:
        del content[i:]
    elif kind == 2:
        content[i:i] = rng.randbytes(rng.randint(1, 40))
    elif kind == 3:
        del content[i : min(j, i + 40)]
    elif kind == 4:
        content[i:j] = content[i:j][::-1]
    elif kind == 5:
        content[:8] = struct.pack("<Q", rng.choice([0, 1, size - 8, size + 8, n, 2**31, 2**63, 2**64 - 1]))
    else:
        return headed(edited_header(header, rng), bytes(content[8 + size :]))
    return bytes(content)


@pytest.mark.parametrize("seed", range(150))
def test_a_damaged_file_gives_the_numbers_that_were_saved_or_a_clear_error(tmp_path, seed):
    rng, path = random.Random(seed), tmp_path / "model.safetensors"
    model, twin = MLP(2, [3, 1], rng=0), MLP(2, [3, 1], rng=1)
    save_model(model, path)
    content, before = path.read_bytes(), state_of(twin)
    path.write_bytes(mutated(content, rng))
    try:
        load(twin, path)
    except ArgumentError as fault:
        assert str(fault).startswith(f"{path} ")  # noqa: PT017 - one outcome of two
        assert state_of(twin) == before
    else:
        assert state_of(twin) == state_of(model)


@pytest.mark.parametrize("seed", range(150))
def test_a_damaged_checkpoint_says_what_was_said_or_gives_a_clear_error(tmp_path, seed):
    rng, path = random.Random(1000 + seed), tmp_path / "run.safetensors"
    arrays, about = (
        {"m": np.arange(6.0).reshape(2, 3), "v": np.ones(4)},
        {"epoch": 3, "losses": [0.5, 0.25], "note": "σ"},
    )
    write(path, arrays, about, kind="checkpoint")
    path.write_bytes(mutated(path.read_bytes(), rng))
    try:
        found, said = read(path, kind="checkpoint")
    except ArgumentError as fault:
        assert str(fault).startswith(f"{path} ")  # noqa: PT017 - one outcome of two
    else:
        assert said == about
        assert {name: array.tolist() for name, array in found.items()} == {k: a.tolist() for k, a in arrays.items()}


@pytest.mark.parametrize("seed", range(50))
def test_another_programs_damaged_file_gives_finite_numbers_or_a_clear_error(tmp_path, seed):
    """It has no checksum; but what does load fits, and nothing else happens."""
    rng, path, model = random.Random(2000 + seed), tmp_path / "theirs.safetensors", Layer(2, 3, rng=0)
    before = state_of(model)
    content = save({"weight": np.ones((3, 2), dtype=np.float32), "bias": np.ones(3)}, {"format": "pt"})
    path.write_bytes(mutated(content, rng))
    try:
        load(model, path)
    except ArgumentError as fault:
        assert str(fault).startswith(f"{path} ")  # noqa: PT017 - one outcome of two
        assert state_of(model) == before
    else:
        assert all(np.isfinite(p.data) for p in model.parameters())
