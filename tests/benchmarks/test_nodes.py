"""What a node costs: time at a million nodes beside ten thousand, and bytes.

The targets: the cost of a node at 1,000,000 nodes within 1.5x of that at 10,000, and at most 200 bytes a binary node,
its gradient included. Time is measured twice, with Python's cyclic garbage collector off, as timeit does it, and on.
The target is held with it off: what it adds is its own going through every live object again and again, a million
nodes included, though nothing here ever needs it. That figure is printed beside.
"""

from __future__ import annotations

import gc
import tracemalloc

import pytest
from benchmarks import graphs
from benchmarks.timing import interleaved

SHAPES = {
    "chain": (
        graphs.small_chains_uncollected, graphs.large_chain_uncollected, graphs.small_chains, graphs.large_chain,
    ),
    "network": (
        graphs.small_networks_uncollected, graphs.large_network_uncollected, graphs.small_networks, graphs.large_network,
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_a_node_costs_the_same_among_a_million(benchmark, capsys, shape):
    names = ("small, off", "large, off", "small, on", "large, on")
    medians = interleaved(dict(zip(names, SHAPES[shape], strict=True)), rounds=7)
    growth = {collector: medians[f"large, {collector}"] / medians[f"small, {collector}"] for collector in ("off", "on")}
    with capsys.disabled():
        print(f"\n\nrecording and sweeping one binary node of a {shape}")
        for collector in ("off", "on"):
            small, large = [medians[f"{size}, {collector}"] / graphs.MILLION * 1e9 for size in ("small", "large")]
            print(
                f"  garbage collector {collector:<4} 10,000 nodes: {small:5.0f} ns   1,000,000: {large:5.0f} ns   "
                f"growth: {growth[collector]:.2f}x"
            )
    benchmark.extra_info.update(growth)
    benchmark.pedantic(graphs.chain, args=(10_000,), rounds=5, warmup_rounds=1)
    assert growth["off"] <= 1.5


def test_a_binary_node_takes_at_most_200_bytes(benchmark, capsys):
    nodes = 100_000
    tracemalloc.start()
    y = graphs.chain(nodes)
    y.backward()
    gc.collect()
    size = tracemalloc.get_traced_memory()[0] / nodes
    tracemalloc.stop()
    with capsys.disabled():
        print(f"\n\none binary node, its gradient included: {size:.0f} bytes\n")
    benchmark.extra_info["bytes"] = size
    benchmark.pedantic(graphs.chain, args=(10_000,), rounds=5, warmup_rounds=1)
    assert size <= 200.0
