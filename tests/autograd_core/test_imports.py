"""Importing the engine is light: what is heavy waits until it is used."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

HEAVY = {
    "numpy", "graphviz", "matplotlib", "sklearn", "tqdm", "scipy", "pandas", "nn",
    "asyncio", "concurrent", "email", "http", "logging", "multiprocessing", "pickle", "socket", "sqlite3", "ssl",
    "tempfile", "unittest", "urllib", "xml", "pdb", "ctypes", "argparse", "random", "json",
}  # fmt: skip


def loaded_after(code: str) -> set[str]:
    """Run code in a new interpreter, without site-packages' start-up hooks, and return the top-level modules it loaded."""
    report = "import sys; print(*{name.partition('.')[0] for name in sys.modules})"
    run = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}\n{report}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert run.stderr == ""
    return set(run.stdout.split())


def test_importing_the_engine_loads_nothing_heavy():
    bare = loaded_after("")
    assert (loaded_after("import autograd_core") - bare) & HEAVY == set()


def test_recording_and_differentiating_load_nothing_heavy_either():
    bare = loaded_after("")
    code = (
        "from autograd_core import Value, dot, gradients, hessian\n"
        "x = Value(2.0)\n"
        "y = dot([x, 1.0], [x.tanh(), x]) ** 2\n"
        "y.backward(); gradients(y, [x]); hessian(lambda a: a**3)(2.0)\n"
        "assert x < 3 and repr(x) and f'{x:.2f}' == '2.00'"
    )
    assert (loaded_after(code) - bare) & HEAVY == set()


def test_numpy_is_loaded_only_by_whoever_uses_it():
    assert "numpy" in loaded_after("import numpy as np\nfrom autograd_core import Value\nnp.exp(Value(1.0))")


def test_every_public_name_is_there_and_star_imports_them_all():
    code = (
        "import autograd_core\n"
        "names = {}\n"
        "exec('from autograd_core import *', names)\n"
        "assert set(autograd_core.__all__) == set(names) - {'__builtins__'}\n"
        "assert len(autograd_core.__all__) == len(set(autograd_core.__all__))\n"
        "assert all(names[name] is getattr(autograd_core, name) for name in autograd_core.__all__)\n"
        "assert set(autograd_core.op.OPS) <= set(names)"
    )
    loaded_after(code)
