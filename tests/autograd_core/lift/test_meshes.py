"""Lifted programs on a mesh of eight virtual devices: NumPy's numbers, whatever the size of the batch."""

import itertools
import json
from pathlib import Path

import pytest
from messages import message_of
from peers import ended, started

from autograd_core import ArgumentError, Value, lift

pytest.importorskip("jax", reason="needs JAX: pip install 'autograd-core[jax]'")

PROGRAMS = Path(__file__).parents[2] / "programs"
QUESTIONS = [
    "call",
    "mean",
    "sum",
    "weighted",
    "per sample",
    "jvp",
    "hvp",
    "on vectors",
    "on vectors, weighted",
]


@pytest.fixture(scope="module")
def found():
    ((status, out, err),) = ended([started(PROGRAMS / "mesh_programs.py", devices=8)], within=120)
    assert status == 0, err
    return json.loads(out)


@pytest.mark.parametrize(("kind", "question"), [*itertools.product(["replicated", "sharded"], QUESTIONS)])
def test_a_mesh_has_numpys_numbers_whatever_the_size_of_the_batch(found, kind, question):
    assert found["devices"] == 8
    distances = {size: found[kind][f"{question} {size}"] for size in (1, 3, 8, 13, 16)}
    assert max(distances.values()) < 1e-12, distances


def test_batches_and_parameters_may_lie_along_two_axes_of_a_mesh(found):
    assert found["grid"] < 1e-12


def test_a_program_that_sees_a_whole_batch_itself_runs_on_a_mesh(found):
    assert found["whole batch"] < 1e-12


def test_what_a_batch_is_filled_up_with_does_not_blow_up(found):
    assert found["blown up"] == 1.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mesh": 8}, "mesh is 8: pass a jax.sharding.Mesh, such as jax.make_mesh((8,), ('batch',))"),
        ({"shard": print}, "shard says how parameters lie on a mesh, and there is none: pass mesh too"),
    ],
)
def test_options_that_cannot_be_are_refused(options, message):
    w = Value(1.0)
    program = lift(lambda x: w * x, inputs={"x": ()}, params={"w": w})
    assert message_of(ArgumentError, lambda: program.to("jax", **options)) == message


def test_a_mesh_is_for_jax_alone():
    w = Value(1.0)
    program = lift(lambda x: w * x, inputs={"x": ()}, params={"w": w})
    assert message_of(ArgumentError, lambda: program.to("numpy", mesh=8)) == (
        "the numpy backend has no option 'mesh': its options are none"
    )
