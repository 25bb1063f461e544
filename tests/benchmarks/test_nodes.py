"""What a node costs: time at a million nodes beside ten thousand, and bytes.

The targets: the cost of a node at 1,000,000 nodes within 1.5x of that at 10,000, and at most 200 bytes a binary node,
its gradient included.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable

from benchmarks.timing import interleaved

from autograd_core import Value

MILLION = 1_000_000


def chain(nodes: int) -> Value:
    """Return a chain of binary nodes on two leaves."""
    x, factor = Value(1.0), Value(0.9999999)
    y = x
    for i in range(nodes):
        y = y * factor if i % 2 else y + x
    return y


def a_hundred_small_graphs() -> Callable[[], None]:
    def run() -> None:
        for _ in range(100):
            chain(MILLION // 100).backward()

    return run


def one_large_graph() -> Callable[[], None]:
    return lambda: chain(MILLION).backward()


def test_a_node_costs_the_same_among_a_million(benchmark, capsys):
    medians = interleaved({"10,000": a_hundred_small_graphs, "1,000,000": one_large_graph}, rounds=7)
    growth = medians["1,000,000"] / medians["10,000"]
    with capsys.disabled():
        print("\n\nrecording and sweeping one binary node")
        for nodes, seconds in medians.items():
            print(f"  in a graph of {nodes:>9} nodes: {seconds / MILLION * 1e9:6.0f} ns")
        print(f"  growth: {growth:.2f}x\n")
    benchmark.extra_info["growth"] = growth
    benchmark.pedantic(chain, args=(10_000,), rounds=5, warmup_rounds=1)
    assert growth <= 1.5


def test_a_binary_node_takes_at_most_200_bytes(benchmark, capsys):
    nodes = 100_000
    tracemalloc.start()
    y = chain(nodes)
    y.backward()
    gc.collect()
    size = tracemalloc.get_traced_memory()[0] / nodes
    tracemalloc.stop()
    with capsys.disabled():
        print(f"\n\none binary node, its gradient included: {size:.0f} bytes\n")
    benchmark.extra_info["bytes"] = size
    benchmark.pedantic(chain, args=(10_000,), rounds=5, warmup_rounds=1)
    assert size <= 200.0
