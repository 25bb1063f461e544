"""The stepper in a real JupyterLab: the widget in both directions, the page without a kernel, themes, exports."""

import os
import subprocess
import sys
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from browser.lab import jupyterlab, run_all_cells, run_cell

expect = pytest.importorskip(
    "playwright.sync_api", reason="needs Playwright: pip install 'autograd-core[browser]'"
).expect
pytest.importorskip("jupyterlab", reason="needs JupyterLab: pip install 'autograd-core[browser]'")

CELLS = [
    """
import nn
from autograd_core import Value, draw, step, tanh
a, b, c = Value(2.0, label="a"), Value(-0.5, label="b"), Value(0.3, label="c")
y = tanh(a * b + c)
y.label = "<img src=x onerror=alert(1)>"
w = step(y).widget()
w""",
    "w.step = 5",
    "print('step', w.step)",
    "step(y)",
    "y.backward()\ny",
    "step(nn.MLP(2, [3, 1], rng=0)([Value(0.5, label='x1'), Value(-1.0, label='x2')]))",
]


def write_notebook(path, cells=CELLS):
    import nbformat

    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell, id=f"cell{i}") for i, cell in enumerate(cells)]
    )
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)


@pytest.fixture(scope="session", params=["dot", "no dot"])
def served(request, tmp_path_factory):
    """Serve a notebook from a JupyterLab whose kernels have the system's dot on their PATH, or no dot at all."""
    folder, scratch = tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("lab")
    write_notebook(folder / "steps.ipynb")
    with jupyterlab(folder, scratch, path=None if request.param == "dot" else "") as address:
        yield address, folder


@pytest.fixture
def page(served, open_page):
    address, _ = served
    page = open_page(f"{address}/lab/tree/steps.ipynb?reset", viewport={"width": 1400, "height": 1100})
    page.set_default_timeout(30_000)
    run_all_cells(page)
    return page


def output(page, number):
    return page.locator(".jp-CodeCell").nth(number).locator(".stepper")


def lit(stepper):
    return stepper.evaluate("root => [...root.querySelectorAll('svg .now')].map(part => part.id).sort()")


def test_the_widget_steps_from_python_from_the_page_and_back_again(page):
    widget = output(page, 0)
    expect(widget).to_have_attribute("data-step", "5")
    assert lit(widget) == ["e5", "e5-0", "o5", "v4", "v5"]
    widget.get_by_role("button", name="Next step").click()
    expect(widget).to_have_attribute("data-step", "6")
    widget.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(widget).to_have_attribute("data-step", "8")
    widget.locator("[data-act=slider]").focus()
    page.keyboard.press("ArrowRight")
    expect(widget).to_have_attribute("data-step", "9")
    assert run_cell(page, 2) == "step 9"
    run_cell(page, 1)
    expect(widget).to_have_attribute("data-step", "5")


def test_the_notebooks_own_keys_are_silent_inside(page):
    cells = page.locator(".jp-Notebook .jp-Cell").count()
    output(page, 0).focus()
    for key in "abd":
        page.keyboard.press(key)
    page.wait_for_timeout(300)
    assert page.locator(".jp-Notebook .jp-Cell").count() == cells


def test_steps_show_themselves_without_a_widget(page):
    shown = output(page, 3)
    shown.scroll_into_view_if_needed()
    shown.locator("svg [id=v2]").click()
    expect(shown).to_have_attribute("data-step", "2")
    shown.focus()
    page.keyboard.press("End")
    expect(shown).to_have_attribute("data-step", "10")
    assert shown.locator("svg [id=v1] text").all_text_contents() == ["b", "data -0.5", "grad 1.2695"]


def test_a_value_shows_its_graph(page):
    picture = page.locator(".jp-CodeCell").nth(4).locator(".jp-OutputArea img")
    expect(picture).to_be_visible()
    svg = ElementTree.fromstring(unquote(picture.get_attribute("src").partition(",")[2]))
    texts = {element.text for element in svg.iter("{http://www.w3.org/2000/svg}text")}
    assert {"a", "b", "c", "data 2", "grad 1.2695", "<img src=x onerror=alert(1)>"} <= texts


def test_zoom_search_and_fold(page):
    shown = output(page, 5)
    shown.scroll_into_view_if_needed()
    whole = shown.locator("svg").get_attribute("viewBox")
    shown.get_by_role("button", name="Zoom in").click()
    assert shown.locator("svg").get_attribute("viewBox") != whole
    shown.locator("[data-act=search]").fill("x1")
    expect(shown.locator(".found")).to_have_text("1 found")
    boxes = shown.locator("svg g.node").count()
    last = shown.locator("[data-act=fold] option").count() - 1
    shown.locator("[data-act=fold]").select_option(str(last))
    assert shown.locator("svg g.node").count() < boxes


def test_the_dark_theme_is_followed(page):
    widget = output(page, 0)
    light = widget.evaluate("e => getComputedStyle(e).backgroundColor")
    page.evaluate("() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
    page.wait_for_selector("body[data-jp-theme-light=false]", state="attached")
    page.wait_for_timeout(500)
    dark = widget.evaluate("e => getComputedStyle(e).backgroundColor")
    ink = widget.evaluate("e => getComputedStyle(e.querySelector('svg text')).fill")
    page.evaluate("() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Light'})")
    page.wait_for_selector("body[data-jp-theme-light=true]", state="attached")
    assert light == "rgb(255, 255, 255)"
    assert all([int(part) < 60 for part in dark[4:-1].split(",")])
    assert all([int(part) > 200 for part in ink[ink.index("(") + 1 : -1].split(",")[:3]])


def test_the_exported_notebook_steps_offline(served, open_page, tmp_path):
    _, folder = served
    environment = os.environ | {
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
    }
    subprocess.run(
        [
            sys.executable, "-m", "nbconvert", "--to", "html", "--execute", "--output-dir", tmp_path,
            "--ExecutePreprocessor.store_widget_state=False", folder / "steps.ipynb",
        ],
        check=True, capture_output=True, env=environment,
    )  # fmt: skip
    page = tmp_path / "steps.html"
    # What nbconvert's own template fetches is not ours to answer for.
    text = page.read_text(encoding="utf-8")
    page.write_text(_without_remote_scripts(text), encoding="utf-8")
    opened = open_page(page.as_uri(), offline=True)
    steppers = opened.locator(".stepper")
    assert steppers.count() == 3
    steppers.nth(1).focus()
    opened.keyboard.press("End")
    expect(steppers.nth(1)).to_have_attribute("data-step", "10")


def _without_remote_scripts(text):
    import re

    return re.sub(r"<script[^>]*src=\"https://[^\"]*\"[^>]*>\s*</script>", "", text)
