"""One training step on the two moons, as in micrograd's demo: 100 samples, MLP 2-16-16-1, hinge loss and L2.

The garbage collector is as Python sets it. The targets are ratios in one interleaved run: 30x micrograd with our
neurons (aim: 45x), and 4x with our Values in micrograd's own network of binary + and *.
"""

from __future__ import annotations

import pytest
from benchmarks import moons
from benchmarks.timing import interleaved, table


def test_all_rivals_take_the_same_step():
    assert moons.ours()() == pytest.approx(moons.ours_in_binary()(), rel=1e-12)
    assert moons.ours()() == pytest.approx(moons.micrograd()(), rel=1e-12)


def test_a_training_step_is_30_times_faster_than_micrograd(benchmark, capsys):
    medians = interleaved(
        {
            "micrograd": moons.micrograd,
            "autograd-core": moons.ours,
            "autograd-core, binary + and * only": moons.ours_in_binary,
        },
        rounds=15,
    )
    with capsys.disabled():
        print(f"\n\nmoons step, 100 samples, MLP 2-16-16-1\n{table(medians, 'micrograd')}\n")
    benchmark.extra_info.update(medians)
    benchmark.pedantic(moons.ours(), rounds=5, warmup_rounds=1)
    assert medians["micrograd"] / medians["autograd-core"] >= 30.0
    assert medians["micrograd"] / medians["autograd-core, binary + and * only"] >= 4.0
