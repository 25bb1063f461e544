"""What PyTorch alone has: settings of the caller's, which stay as they are, devices by their names, and its options."""

import math

import numpy as np
import pytest
from lifted import nested
from messages import message_of

from autograd_core import ArgumentError, lift, ops

torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'autograd-core[torch]'")

PROGRAM = lift(ops.tanh, inputs={"x": ()}, params={})


def test_the_callers_settings_neither_count_nor_change():
    W, V = nested([[[0.7, -0.3], [0.2, 0.9]], [[-0.4, 0.6], [0.5, 0.8]]])
    lifted = lift(  # V's second row is of no use, so that its gradient takes constants, which lie on a device too
        lambda x, t: ops.relu(1.0 - t * ops.dot(V[0], [ops.relu(ops.dot(w, x)) for w in W])),
        inputs={"x": 2, "t": ()},
        params={"W": W, "V": V},
    )
    batch = {"x": [[0.1, 1.7], [-2.3, 0.4], [2.9, -0.6]], "t": [0.3, -0.9, 1.1]}
    program, expected = lifted.to("torch"), lifted.value_and_grad(**batch)[1]
    with torch.device("meta"):
        found = program.value_and_grad(**batch)[1]
        assert torch.zeros(1).device.type == "meta"
    for name in ("W", "V"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-12, atol=1e-14)
    assert torch.is_grad_enabled()
    assert not torch.is_inference_mode_enabled()


def test_a_device_by_its_name():
    assert PROGRAM.to("torch", device="cpu:0")(x=[0.0, 0.5]).tolist() == pytest.approx([0.0, math.tanh(0.5)], rel=1e-15)


def test_a_device_that_is_not_there():
    message = message_of(ArgumentError, lambda: PROGRAM.to("torch", device="cuda:99"))
    assert message.startswith("PyTorch has no device 'cuda:99' for float64 (")
    assert message.endswith("): choose 'cpu', or a device that is there")
    assert "\n" not in message
    assert "no device 'toaster'" in message_of(ArgumentError, lambda: PROGRAM.to("torch", device="toaster"))
    assert "no device 'meta'" in message_of(ArgumentError, lambda: PROGRAM.to("torch", device="meta"))
    assert "no device 3.5" in message_of(ArgumentError, lambda: PROGRAM.to("torch", device=3.5))


def test_a_dtype_that_is_none():
    message = message_of(ArgumentError, lambda: PROGRAM.to("torch", dtype="float16"))
    assert message == "dtype is 'float16': choose 'float64' or 'float32'"


def test_an_option_that_is_none():
    message = message_of(ArgumentError, lambda: PROGRAM.to("torch", threads=2))
    assert message == "the torch backend has no option 'threads': its options are device, dtype"
