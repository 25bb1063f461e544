"""What JAX alone has: its switch for float64, which is the caller's, and its options."""

import numpy as np
import pytest
from messages import message_of

from autograd_core import ArgumentError, Value, lift, ops

jax = pytest.importorskip("jax", reason="needs JAX: pip install 'autograd-core[jax]'")
jnp = jax.numpy

PROGRAM = lift(ops.tanh, inputs={"x": ()}, params={})


def test_float64_whatever_the_caller_has_set():
    w = [Value(0.7), Value(-0.3)]
    lifted = lift(lambda x, t: ops.relu(1.0 - t * ops.dot(w, x)), inputs={"x": 2, "t": ()}, params={"w": w})
    program = lifted.to("jax")
    x, t = np.array([[0.1, 1.7], [-2.3, 0.4], [2.9, -0.6]]), np.array([0.3, -0.9, 1.1])
    losses = np.maximum(1.0 - t * (x @ [0.7, -0.3]), 0.0)
    for wide in (False, True):
        with jax.enable_x64(wide):
            np.testing.assert_allclose(program(x=x, t=t), losses, rtol=1e-12, atol=1e-14)
            assert program.to("jax", dtype="float32")(x=x, t=t).dtype == np.float32
            assert jnp.zeros(1).dtype == (np.float64 if wide else np.float32)


def test_a_dtype_that_is_none():
    message = message_of(ArgumentError, lambda: PROGRAM.to("jax", dtype="float16"))
    assert message == "dtype is 'float16': choose one of 'float64', 'float32', 'bfloat16'"


def test_an_option_that_is_none():
    message = message_of(ArgumentError, lambda: PROGRAM.to("jax", threads=2))
    assert message == "the jax backend has no option 'threads': its options are dtype, mesh, shard"
