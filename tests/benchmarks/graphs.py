"""Graphs of many binary nodes, recorded and swept: a chain, and a network."""

from __future__ import annotations

import gc
from collections.abc import Callable

import nn
from autograd_core import Value

MILLION = 1_000_000
SMALL = 10_000


def chain(nodes: int) -> Value:
    """Return a chain of binary nodes on two leaves."""
    x, factor = Value(1.0), Value(0.9999999)
    y = x
    for i in range(nodes):
        y = y * factor if i % 2 else y + x
    return y


class BinaryNeuron(nn.Neuron):
    """A neuron of one + and one * after the other."""

    def forward(self, x: tuple[Value, ...]) -> Value:
        z = self.b
        for w, xi in zip(self.w, x, strict=True):
            z = z + w * xi
        return z.relu()


class BinaryNetwork:
    """An MLP 2-16-16-1 of such neurons: 643 nodes a sample."""

    def __init__(self) -> None:
        self.layers = [[BinaryNeuron(nin, rng=0) for _ in range(nout)] for nin, nout in ((2, 16), (16, 16), (16, 1))]

    def __call__(self, nodes: int) -> Value:
        """Return the summed output over as many samples as it takes."""
        outputs = []
        for sample in range(nodes // 643):
            row = (Value(0.01 * sample), Value(1.0))
            for layer in self.layers:
                row = tuple([neuron(row) for neuron in layer])
            outputs.append(row[0])
        return sum(outputs)


def sweeping(graph: Callable[[int], Value], nodes: int, *, collector: bool) -> Callable[[], None]:
    """Return a function that records and sweeps a million nodes, so many in a graph."""
    if not collector:
        gc.disable()

    def run() -> None:
        for _ in range(MILLION // nodes):
            graph(nodes).backward()

    return run


def small_chains() -> Callable[[], None]:
    return sweeping(chain, SMALL, collector=True)


def large_chain() -> Callable[[], None]:
    return sweeping(chain, MILLION, collector=True)


def small_chains_uncollected() -> Callable[[], None]:
    return sweeping(chain, SMALL, collector=False)


def large_chain_uncollected() -> Callable[[], None]:
    return sweeping(chain, MILLION, collector=False)


def small_networks() -> Callable[[], None]:
    return sweeping(BinaryNetwork(), SMALL, collector=True)


def large_network() -> Callable[[], None]:
    return sweeping(BinaryNetwork(), MILLION, collector=True)


def small_networks_uncollected() -> Callable[[], None]:
    return sweeping(BinaryNetwork(), SMALL, collector=False)


def large_network_uncollected() -> Callable[[], None]:
    return sweeping(BinaryNetwork(), MILLION, collector=False)
