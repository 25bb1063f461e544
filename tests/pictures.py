"""What is in a picture, read back from its SVG by an XML parser."""

import shutil
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

__all__ = ["ENGINES", "PURE", "SYSTEM", "Part", "draw_with", "parts_of"]

SYSTEM = shutil.which("dot")
PURE = shutil.which("graphviz-pure", path=sysconfig.get_path("scripts"))
ENGINES = [pytest.param(dot, id=Path(dot).stem) for dot in (SYSTEM, PURE) if dot]

SVG = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True)
class Part:
    """A box, a circle, an edge or a frame."""

    kind: tuple[str, ...]
    title: str
    texts: tuple[str, ...]
    shapes: tuple[str, ...]


def draw_with(dot: str, source: str) -> str:
    """Return the SVG that one engine makes."""
    return subprocess.run([dot, "-Tsvg"], input=source.encode(), capture_output=True, check=True).stdout.decode()


def parts_of(svg: str) -> dict[str, Part]:
    """Return every part of a picture by its id; a space that does not break is a space."""
    parts = {}
    for group in ET.fromstring(svg).iter(f"{SVG}g"):
        texts = tuple("".join(text.itertext()).replace("\u00a0", " ") for text in group.findall(f".//{SVG}text"))
        shapes = tuple(child.tag.removeprefix(SVG) for child in group.iter() if child.tag != f"{SVG}g")
        title = group.findtext(f"{SVG}title", "")
        assert group.get("id") not in parts
        if group.get("class") != "graph":
            parts[group.get("id")] = Part(tuple(group.get("class", "").split()), title, texts, shapes)
    return parts
