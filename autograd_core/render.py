"""DOT text -> a picture, by whichever ``dot`` there is: the system's own, or the one that pip can install."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from autograd_core.errors import ArgumentError, MissingExtraError, RenderError
from autograd_core.extras import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from graphviz import Digraph  # pyright: ignore[reportMissingTypeStubs] - it has none

__all__ = ["FORMATS", "PICTURES", "checked_format", "digraph_class", "find_dot", "picture_bundle", "render", "wanted"]

FORMATS = ("svg", "png", "pdf", "dot")
PICTURES = ("image/svg+xml", "image/png")
_PURE = "graphviz-pure"


def render(source: str, format: str) -> bytes:
    """Return a picture of DOT text.

    Parameters
    ----------
    source : the DOT text.
    format : "svg", "png", "pdf", or "dot" for the text itself.

    Raises
    ------
    ArgumentError : another format.
    MissingExtraError : no dot can be found, or for a PDF none that writes one.
    RenderError : dot cannot draw this.

    >>> render("digraph { a -> b }", "dot")
    b'digraph { a -> b }'
    """
    checked_format(format)
    return source.encode() if format == "dot" else _picture(source.encode(), format)


def _picture(text: bytes, format: str, *options: str) -> bytes:
    dot = find_dot()
    if format == "pdf" and _is_pure(dot):
        return _pdf_by_typst(_run(dot, [*options, "-Tsvg"], text))
    made = _run(dot, [*options, f"-T{format}"], text)
    return _undated(made) if format == "pdf" else made


def checked_format(format: str) -> str:
    """Return the format, or raise ArgumentError with those that there are."""
    if format not in FORMATS:
        raise ArgumentError(f"there is no format {format!r}: choose svg, png, pdf or dot")
    return format


# ---------------------------------------------------------------- which dot


def find_dot() -> str:
    """Return the dot to use: the one that the user has told the graphviz package of, the system's, or pip's.

    Raises
    ------
    MissingExtraError : there is none.
    """
    import shutil  # noqa: PLC0415 - only those who draw wait for it

    from graphviz.backend import dot_command  # noqa: PLC0415 # pyright: ignore[reportMissingTypeStubs]

    chosen = os.fspath(dot_command.DOT_BINARY)
    if chosen != "dot":
        return chosen
    system = shutil.which("dot")
    if system:
        return system
    for folder in _script_folders():
        pure = shutil.which(_PURE, path=folder)
        if pure:
            return pure
    raise MissingExtraError(
        "a picture needs Graphviz's dot, which is not on the PATH: install Graphviz from graphviz.org or with the "
        "system's package manager, or pip install 'autograd-core[dot]'"
    )


def _script_folders() -> Iterator[str | None]:
    """Yield where pip puts programs. The kernel of a virtual environment need not have those on its PATH."""
    import sys  # noqa: PLC0415 - only those who draw wait for it
    import sysconfig  # noqa: PLC0415

    yield sysconfig.get_path("scripts")
    yield os.path.dirname(sys.executable)  # noqa: PTH120 - pathlib is too heavy to import for this
    yield sysconfig.get_path("scripts", f"{os.name}_user")
    yield None  # the PATH


def _is_pure(dot: str) -> bool:
    return os.path.basename(dot).startswith(_PURE)  # noqa: PTH119


def _run(dot: str, options: list[str], text: bytes) -> bytes:
    """Return what dot writes. Its warnings are not passed on: a notebook would show them as errors."""
    import subprocess  # noqa: PLC0415 - only those who draw wait for it

    try:
        done = subprocess.run([dot, *options], input=text, capture_output=True, check=False)  # noqa: S603 - the user's own dot, and no shell
    except OSError as fault:
        raise RenderError(f"{dot} cannot be run ({fault}): install Graphviz anew, or name another dot") from None
    if done.returncode:
        words = " ".join(done.stderr.decode(errors="replace").split())
        raise RenderError(f"{dot} ended with {done.returncode} and said {words!r:.2000}: draw less, or use another dot")
    return done.stdout


# ---------------------------------------------------------------- PDF


def _undated(pdf: bytes) -> bytes:
    """Return a PDF whose date is that of the epoch, so that the same graph gives the same bytes."""
    import re  # noqa: PLC0415 - only those who draw wait for it

    return re.sub(rb"(/CreationDate \(D:)\d{14}", rb"\g<1>19700101000000", pdf)


def _pdf_by_typst(svg: bytes) -> bytes:
    typst: Any = load("typst", "pdf", "a PDF without the system's dot")
    page = (
        b"#set document(date: none)\n#set page(width: auto, height: auto, margin: 0pt)\n"
        b'#image(bytes(sys.inputs.svg), format: "svg")\n'
    )
    try:
        return typst.compile(page, format="pdf", sys_inputs={"svg": svg.decode()})
    except RuntimeError as fault:
        raise RenderError(f"typst could not make a PDF ({fault}): save an SVG instead") from None


# ---------------------------------------------------------------- a Digraph that finds the same dot


@cache
def digraph_class() -> type[Digraph]:
    """Return the graphviz package's Digraph, taught to look for a dot as `render` does, and to keep quiet.

    Made when it is first needed, since the package is. Other Digraphs and the package's settings are left alone.
    """
    from graphviz import Digraph  # noqa: PLC0415 # pyright: ignore[reportMissingTypeStubs]

    class Drawing(Digraph):
        """A graphviz.Digraph that needs no system dot."""

        def __repr__(self) -> str:
            return f"<drawing: {self.source.count(chr(10))} lines of DOT>"

        # The package looks these three up on the instance for each picture, to hand the command to the shell.

        @property
        def _pipe_lines(self) -> Callable[..., bytes]:
            return _pipe

        @property
        def _pipe_lines_string(self) -> Callable[..., str]:
            return _pipe_text

        @property
        def _render(self) -> Callable[..., str]:
            return _render_file

        def _repr_mimebundle_(
            self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None, **_: object
        ) -> dict[str, str | bytes]:
            return picture_bundle(self.source, wanted(PICTURES, include, exclude))

    return Drawing


def wanted(kinds: Iterable[str], include: Iterable[str] | None, exclude: Iterable[str] | None) -> set[str]:
    """Return which of some MIME types Jupyter asks for."""
    return set(kinds).intersection(kinds if include is None else include).difference(exclude or ())


def picture_bundle(source: str, kinds: set[str]) -> dict[str, str | bytes]:
    """Return an SVG and a PNG for Jupyter: a page that distrusts the notebook, and some web sites, show only the PNG."""
    bundle: dict[str, str | bytes] = {}
    if "image/svg+xml" in kinds:
        bundle["image/svg+xml"] = render(source, "svg").decode()
    if "image/png" in kinds:
        bundle["image/png"] = render(source, "png")
    return bundle


def _pipe(engine: str, format: str, input_lines: Iterator[str], *, input_encoding: str, **how: object) -> bytes:
    parts = [format, how.get("renderer"), how.get("formatter")]
    no_op = [f"-n{how['neato_no_op']}"] if how.get("neato_no_op") else []
    text = "".join(input_lines).encode(input_encoding)
    return _picture(text, ":".join([str(part) for part in parts if part]), f"-K{engine}", *no_op)


def _pipe_text(engine: str, format: str, input_lines: Iterator[str], *, encoding: str, **how: object) -> str:
    return _pipe(engine, format, input_lines, input_encoding=encoding, **how).decode(encoding)


def _render_file(
    engine: str,
    format: str,
    filepath: str | os.PathLike[str],
    *,
    outfile: str | os.PathLike[str] | None = None,
    raise_if_result_exists: bool = False,
    **how: object,
) -> str:
    from pathlib import Path  # noqa: PLC0415 - only those who draw wait for it

    from graphviz import FileExistsError as ResultExistsError  # noqa: PLC0415 # pyright: ignore[reportMissingTypeStubs]

    parts = [os.fspath(filepath), how.get("formatter"), how.get("renderer"), format]
    target = Path(outfile or ".".join([str(part) for part in parts if part]))
    if raise_if_result_exists and target.exists():
        raise ResultExistsError(f"output file exists: {str(target)!r}")
    lines = iter([Path(filepath).read_text(encoding="utf-8")])
    target.write_bytes(_pipe(engine, format, lines, input_encoding="utf-8", **how))
    return str(target)
