"""The contestants of the benchmark of lifted programs, each as its users would write it.

A contestant is a function of a problem that returns a step and a function that returns the weights as they are then:
arrays that hold W1, b1, W2, b2, W3, b3 one after the other. A step updates the weights and returns the loss from before.
"""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import numpy as np
from benchmarks.problems import Array, Problem

Step: TypeAlias = Callable[[], float]
Contestant: TypeAlias = Callable[[Problem], tuple[Step, Callable[[], Iterable[Any]]]]

STEP = str(Path(__file__).with_name("step.c"))
GCC = ["gcc", "-O3", "-march=native", "-shared", "-fPIC"]
# gcc's own start files would make the whole process flush subnormals to zero, for the sake of -ffast-math.
FAST = ["-ffast-math", "-nostartfiles"]


def compiled(source: str, folder: str, *options: str) -> str:
    """Return the path of the shared library that gcc makes of a file in C."""
    library = f"{folder}/step.so"
    subprocess.run([*GCC, *options, source, "-o", library, "-lm"], check=True)
    return library


def c_by_hand(problem: Problem):
    return with_gcc(problem, [])


def c_fast_math(problem: Problem):
    return with_gcc(problem, FAST)


def with_gcc(problem: Problem, how: list[str]):
    sizes = [f"-DD{layer}={size}" for layer, size in enumerate(problem.sizes)]
    options = [f"-DN={len(problem.X)}", *sizes, f"-DLR={problem.lr}", f"-DL2={problem.l2}"]
    with TemporaryDirectory() as folder:
        library = ctypes.CDLL(compiled(STEP, folder, *how, *options, *["-DHINGE"] * problem.hinge))

    def array(name: str, start: Array) -> Array:
        data = np.frombuffer((ctypes.c_double * start.size).in_dll(library, name))
        data[:] = start.ravel()
        return data

    array("X", problem.X)
    array("Y", problem.Y)
    weights = [array(name, p) for name, p in zip(["W1", "b1", "W2", "b2", "W3", "b3"], problem.weights, strict=True)]
    library.step.restype = ctypes.c_double
    return library.step, lambda: weights


def numpy_by_hand(problem: Problem):
    X, Y, _, hinge, l2, lr = problem
    params = W1, b1, W2, b2, W3, b3 = problem.copies()

    def step() -> float:
        H1 = np.maximum(X @ W1.T + b1, 0.0)
        H2 = np.maximum(H1 @ W2.T + b2, 0.0)
        loss, dZ3 = (hinge_loss if hinge else nll)(H2 @ W3.T + b3, Y)
        dZ2 = dZ3 @ W3 * (H2 > 0.0)
        dZ1 = dZ2 @ W2 * (H1 > 0.0)
        grads = [dZ1.T @ X, dZ1.sum(axis=0), dZ2.T @ H1, dZ2.sum(axis=0), dZ3.T @ H2, dZ3.sum(axis=0)]
        if l2:
            loss += l2 * sum([(p * p).sum() for p in params])
            grads = [g + 2.0 * l2 * p for p, g in zip(params, grads, strict=True)]
        for p, g in zip(params, grads, strict=True):
            p -= lr * g  # noqa: PLW2901 - in place
        return loss

    return step, lambda: params


def hinge_loss(Z: Array, Y: Array) -> tuple[float, Array]:
    """Return the mean loss, and its derivative by Z."""
    slack = 1.0 - Y * Z
    return np.maximum(slack, 0.0).mean(), -Y * (slack > 0.0) / len(Y)


def nll(Z: Array, Y: Array) -> tuple[float, Array]:
    """Return the mean loss after a softmax, and its derivative by Z."""
    Z = Z - Z.max(axis=1, keepdims=True)
    e = np.exp(Z)
    total = e.sum(axis=1, keepdims=True)
    return (np.log(total[:, 0]) - (Y * Z).sum(axis=1)).mean(), (e / total - Y) / len(Y)


def lifted_numpy(problem: Problem):
    gradient = lifted(problem).on_arrays()
    params = problem.copies()

    def step() -> float:
        total, *grads = gradient(problem.X, problem.Y, *params)
        for p, g in zip(params, grads, strict=True):
            p -= problem.lr * g  # noqa: PLW2901 - in place
        return float(total)

    return step, lambda: params


def lifted_numba(problem: Problem):
    gradient = lifted(problem).to("numba").on_vectors()
    theta = np.concatenate([p.ravel() for p in problem.weights])

    def step() -> float:
        nonlocal theta
        total, g = gradient(problem.X, problem.Y, theta)
        theta -= problem.lr * g
        return float(total)

    return step, lambda: [theta]


def lifted(problem: Problem):
    """Return the program of the problem's loss, which is written for one sample."""
    import nn
    from autograd_core import lift, ops

    ins, *layers = problem.sizes
    model = nn.MLP(ins, layers, rng=0)
    parameters = tuple(model.parameters())

    def loss(x, y):
        z = model(x)
        data = nn.losses.hinge(z, y) if problem.hinge else ops.logsumexp(z) - ops.dot(y, z)
        return data + problem.l2 * ops.dot(parameters, parameters) if problem.l2 else data

    return lift(loss, inputs={"x": ins, "y": layers[-1]}, params=model)


def jax_jit(problem: Problem):
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", val=True)
    X, Y, params = jax.tree.map(jnp.asarray, (problem.X, problem.Y, problem.weights))

    def loss(params, X, Y):
        W1, b1, W2, b2, W3, b3 = params
        H1 = jax.nn.relu(X @ W1.T + b1)
        H2 = jax.nn.relu(H1 @ W2.T + b2)
        Z = H2 @ W3.T + b3
        data = jax.nn.relu(1.0 - Y * Z).mean() if problem.hinge else -(Y * jax.nn.log_softmax(Z)).sum(axis=1).mean()
        return data + problem.l2 * sum([(p * p).sum() for p in params]) if problem.l2 else data

    @jax.jit
    def update(params, X, Y):
        value, grads = jax.value_and_grad(loss)(params, X, Y)
        return value, [p - problem.lr * g for p, g in zip(params, grads, strict=True)]

    def step() -> float:
        nonlocal params
        value, params = update(params, X, Y)
        return float(value)

    return step, lambda: params


def torch_eager(problem: Problem):
    return with_torch(problem, lambda loss: loss)


def torch_compiled(problem: Problem):
    import torch

    return with_torch(problem, torch.compile)


def with_torch(problem: Problem, transform: Callable[[Callable[[], Any]], Callable[[], Any]]):
    import torch
    from torch.nn.functional import cross_entropy, linear, relu

    X, Y = torch.tensor(problem.X), torch.tensor(problem.Y)
    classes = Y.argmax(dim=1)
    params = W1, b1, W2, b2, W3, b3 = [torch.tensor(p, requires_grad=True) for p in problem.weights]

    @transform
    def loss():
        Z = linear(relu(linear(relu(linear(X, W1, b1)), W2, b2)), W3, b3)
        data = relu(1.0 - Y * Z).mean() if problem.hinge else cross_entropy(Z, classes)
        return data + problem.l2 * sum([p.square().sum() for p in params]) if problem.l2 else data

    def step() -> float:
        value = loss()
        grads = torch.autograd.grad(value, params)
        with torch.no_grad():
            for p, g in zip(params, grads, strict=True):
                p.sub_(g, alpha=problem.lr)
        return value.item()

    return step, lambda: [p.detach() for p in params]


def casadi_codegen(problem: Problem):
    """One sample's loss and gradient, folded over the batch: the quickest of CasADi's ways to write this step."""
    import casadi as ca

    weights = np.concatenate([p.ravel() for p in problem.weights])
    count, batch, ins = len(weights), *problem.X.shape
    sums, p, x, y = ca.SX.sym("sums", 1 + count), ca.SX.sym("p", count), ca.SX.sym("x", ins), ca.SX.sym("y")
    loss = ca.fmax(1.0 - y * scores(p, x, problem.sizes), 0.0)
    add = ca.Function("add", [sums, p, x, y], [sums + ca.vertcat(loss, ca.gradient(loss, p))])

    P, X, Y = ca.MX.sym("P", count), ca.MX.sym("X", ins, batch), ca.MX.sym("Y", 1, batch)
    mean = add.fold(batch)(0.0, ca.repmat(P, 1, batch), X, Y) / batch
    new = P - problem.lr * (mean[1:] + 2.0 * problem.l2 * P)
    generator = ca.CodeGenerator("step")
    generator.add(ca.Function("step", [P, X, Y], [mean[0] + problem.l2 * ca.sumsqr(P), new]))
    with TemporaryDirectory() as folder:
        source = generator.generate(f"{folder}/")
        buffer, run = ca.external("step", compiled(source, folder, *FAST)).buffer()

    # CasADi has matrices by columns, so that its X is X.T. It keeps no array alive: the functions below do.
    inputs = [weights, problem.X.ravel(), problem.Y.ravel()]
    outputs = value, new_weights = np.empty(1), np.empty(count)
    for place, array in enumerate(inputs):
        buffer.set_arg(place, memoryview(array))
    for place, array in enumerate(outputs):
        buffer.set_res(place, memoryview(array))

    def step() -> float:
        run()
        assert buffer.ret() == 0
        weights[:] = new_weights
        return value[0]

    return step, lambda: inputs[:1]


def scores(p: Any, h: Any, sizes: list[int]) -> Any:
    """Return the network's output for one sample, with weights that are all in one vector of CasADi."""
    start = 0
    for ins, outs in pairwise(sizes):
        if start:
            h = h * (h > 0.0)
        bias, end = start + outs * ins, start + outs * ins + outs
        h = p[start:bias].reshape((ins, outs)).T @ h + p[bias:end]
        start = end
    return h


def ddx_jit(problem: Problem):
    """One sample's loss, compiled for a batch of as many points; each point has the weights and a sample."""
    import ddx

    def loss():
        h = [ddx.param(f"x{j}") for j in range(problem.sizes[0])]
        y = [ddx.param(f"y{k}") for k in range(problem.sizes[-1])]
        for layer, (ins, outs) in enumerate(pairwise(problem.sizes)):
            W = [[ddx.var(f"W{layer}[{i},{j}]") for j in range(ins)] for i in range(outs)]
            b = [ddx.var(f"b{layer}[{i}]") for i in range(outs)]
            z = [sum([w * x for w, x in zip(row, h, strict=True)], bias) for row, bias in zip(W, b, strict=True)]
            h = [ddx.max(a, 0.0) for a in z]
        if problem.hinge:
            return ddx.max(1.0 - y[0] * z[0], 0.0)
        return ddx.log(sum([ddx.exp(a) for a in z])) - sum([k * a for k, a in zip(y, z, strict=True)])

    weights = np.concatenate([p.ravel() for p in problem.weights])
    count, batch = len(weights), len(problem.X)
    points = np.vstack([np.empty((count, batch)), problem.X.T, problem.Y.T])
    call = ddx.equation(loss).compile(points=batch, cache_dir="").buffer(points)

    def step() -> float:
        call.x[:count] = weights[:, None]
        call()
        value = call.value.mean() + problem.l2 * (weights @ weights)
        weights[:] -= problem.lr * (call.jacobian.mean(axis=1) + 2.0 * problem.l2 * weights)
        return value

    return step, lambda: [weights]


def scikit_learn(problem: Problem):
    from sklearn.neural_network import MLPClassifier

    X, labels = problem.X, problem.Y.argmax(axis=1)
    model = MLPClassifier(
        problem.sizes[1:-1], solver="sgd", alpha=0.0, batch_size=len(X), learning_rate_init=problem.lr, momentum=0.0,
        nesterovs_momentum=False, shuffle=False,
    )  # fmt: skip
    model.partial_fit(
        X, labels, classes=range(problem.sizes[-1])
    )  # its first step draws weights: ours take their place
    for coefs, intercepts, W, b in zip(
        model.coefs_, model.intercepts_, problem.weights[::2], problem.weights[1::2], strict=True
    ):
        coefs[:], intercepts[:] = W.T, b

    def step() -> float:
        return model.partial_fit(X, labels).loss_

    def weights() -> list[Array]:
        return [p for W, b in zip(model.coefs_, model.intercepts_, strict=True) for p in (W.T, b)]

    return step, weights


EVERYWHERE: dict[str, Contestant] = {
    "C by hand": c_by_hand,
    "C with -ffast-math": c_fast_math,
    "NumPy by hand": numpy_by_hand,
    "lifted, NumPy": lifted_numpy,
    "lifted, Numba": lifted_numba,
    "jax.jit": jax_jit,
    "torch": torch_eager,
    "torch.compile": torch_compiled,
}
CONTESTANTS: dict[str, dict[str, Contestant]] = {
    "moons": {**EVERYWHERE, "CasADi codegen": casadi_codegen, "ddx-ad": ddx_jit},
    "digits": {**EVERYWHERE, "ddx-ad": ddx_jit, "scikit-learn": scikit_learn},
    "wide": {**EVERYWHERE, "scikit-learn": scikit_learn},
}
