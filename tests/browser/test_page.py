"""The stepper's page, opened from disk in a real browser without a network."""

import re

import pytest

import nn
from autograd_core import Value, step, tanh

expect = pytest.importorskip(
    "playwright.sync_api", reason="needs Playwright: pip install 'autograd-core[browser]'"
).expect


@pytest.fixture
def page_of(open_page, tmp_path):
    def write_and_open(steps, **options):
        path = tmp_path / "steps.html"
        steps.to_html(path)
        return open_page(path.as_uri(), offline=True, **options)

    return write_and_open


def lecture_example():
    a, b, c = Value(2.0, label="a"), Value(-0.5, label="b"), Value(0.3, label="c")
    y = tanh(a * b + c)
    y.label = "y"
    return step(y)


def root(page):
    return page.locator(".stepper")


def at(page, number):
    expect(root(page)).to_have_attribute("data-step", str(number))


def lit(page):
    return page.eval_on_selector_all(".stepper svg .now", "parts => parts.map(part => part.id).sort()")


def cells(page, box):
    return page.locator(f".stepper svg [id='{box}'] text").all_text_contents()


def panel(page):
    return re.sub(r"\s+", "", page.locator(".stepper .panel").text_content())


def test_buttons_go_back_and_forth_and_stop_at_the_ends(page_of):
    page = page_of(lecture_example())
    at(page, 0)
    page.get_by_role("button", name="Previous step").click()
    at(page, 0)
    page.get_by_role("button", name="Next step").click()
    at(page, 1)
    page.get_by_role("button", name="Previous step").click()
    at(page, 0)


def test_keys_step_jump_to_the_ends_and_play(page_of):
    page = page_of(lecture_example())
    root(page).focus()
    for key, number in [
        ("ArrowRight", 1),
        ("ArrowRight", 2),
        ("ArrowLeft", 1),
        ("End", 10),
        ("ArrowRight", 10),
        ("Home", 0),
    ]:
        page.keyboard.press(key)
        at(page, number)
    page.keyboard.press("Space")
    expect(page.locator("[data-act=play]")).to_have_text("Pause")
    at(page, 2)
    page.keyboard.press("Space")
    expect(page.locator("[data-act=play]")).to_have_text("Play")
    page.wait_for_timeout(1200)
    at(page, 2)


def test_playing_reaches_the_end_at_the_speed_that_is_set_and_stops_there(page_of):
    page = page_of(lecture_example())
    page.locator("[data-act=speed]").select_option("5")
    page.locator("[data-act=play]").click()
    at(page, 10)
    expect(page.locator("[data-act=play]")).to_have_text("Play")


def test_the_slider_moves_one_step_for_each_press_of_a_key(page_of):
    page = page_of(lecture_example())
    page.locator("[data-act=slider]").focus()
    page.keyboard.press("ArrowRight")
    at(page, 1)
    page.locator("[data-act=slider]").fill("7")
    at(page, 7)
    assert page.locator("[data-act=slider]").get_attribute("aria-valuetext") == (
        "step 7: from v4 to v2: 0.63474 times 1 is 0.63474; gradient of v2 so far 0.63474"
    )


def test_numbers_appear_when_they_are_computed_and_go_when_going_back(page_of):
    page = page_of(lecture_example())
    assert cells(page, "v0") == ["a", "data 2", "grad -"]
    assert cells(page, "v5") == ["y", "data ·", "grad -"]
    page.locator("[data-act=slider]").fill("10")
    assert cells(page, "v0") == ["a", "data 2", "grad -0.31737"]
    assert cells(page, "v1") == ["b", "data -0.5", "grad 1.2695"]
    assert cells(page, "v5") == ["y", "data -0.60437", "grad 1"]
    page.locator("[data-act=slider]").fill("8")
    assert cells(page, "v0") == ["a", "data 2", "grad -"]


def test_the_active_edge_and_both_its_ends_are_marked(page_of):
    page = page_of(lecture_example())
    page.locator("[data-act=slider]").fill("9")  # from v2 = a * b to a
    assert lit(page) == ["e2", "e2-0", "o2", "v0", "v2"]
    page.locator("[data-act=slider]").fill("2")  # a * b is computed
    assert lit(page) == ["e2", "e2-0", "e2-1", "o2", "v0", "v1", "v2"]


def test_done_current_and_pending_differ_without_colour(page_of):
    page = page_of(lecture_example())
    page.locator("[data-act=slider]").fill("2")

    def looks(box):
        shape = page.locator(f".stepper svg [id='{box}'] :is(polygon, ellipse, path)").first
        return shape.evaluate("e => [getComputedStyle(e).strokeDasharray, getComputedStyle(e).strokeWidth]")

    page.locator("[data-act=slider]").fill("4")  # v4 = v2 + c is computed: a is done, y pending
    done, now, pending = looks("v0"), looks("v4"), looks("v5")
    assert done[0] == now[0] == "none"
    assert pending[0] != "none"
    assert float(now[1][:-2]) > float(done[1][:-2])


def test_the_panel_shows_the_rule_in_symbols_then_numbers_then_the_result(page_of):
    page = page_of(lecture_example())
    page.locator("[data-act=slider]").fill("2")
    assert panel(page) == "v2=a⋅b=2⋅(−0.5)=−1"
    page.locator("[data-act=slider]").fill("9")
    assert panel(page) == "∂y∂a+=∂y∂v2·∂v2∂a∂v2∂a=b=−0.5∂y∂a+=0.63474·(−0.5)=−0.31737∂y∂a=−0.31737"


def test_a_minus_sign_has_brackets_only_where_it_needs_them(page_of):
    a, b = Value(-2.0, label="a"), Value(-3.0, label="b")
    page = page_of(step(tanh(a * b) + a**2 - b))
    formulas = []
    for i in range(9):
        page.locator("[data-act=slider]").fill(str(i))
        formulas.append(panel(page))
    assert formulas[2] == "v2=a⋅b=−2⋅(−3)=6"
    assert formulas[3] == "v3=tanh(v2)=tanh(6)=0.99999"
    assert formulas[5] == "v5=a2=(−2)2=4"
    assert formulas[7].startswith("v7=v6−b=5−(−3)=8")


def test_a_shared_node_shows_its_gradient_accumulating(page_of):
    a = Value(3.0, label="a")
    page = page_of(step(a * a))
    page.locator("[data-act=slider]").fill("2")
    assert panel(page).endswith("∂v1∂a=3=31of2useshavesenttheirshare;1tocome.")
    page.locator("[data-act=slider]").fill("3")
    assert panel(page).endswith("∂v1∂a=3+3=62of2useshavesenttheirshare:thisgradientiscomplete.")


def test_a_click_on_a_node_jumps_to_its_events_in_turn(page_of):
    page = page_of(lecture_example())
    box = page.locator(".stepper svg [id=v2]")
    box.click()
    at(page, 2)  # where it is computed
    box.click()
    at(page, 7)  # where it gets its gradient
    box.click()
    at(page, 2)


def view(page):
    return [float(x) for x in page.locator(".stepper svg").get_attribute("viewBox").split()]


def test_the_picture_zooms_pans_and_fits_again(page_of):
    page = page_of(lecture_example())
    whole = view(page)
    page.get_by_role("button", name="Zoom in").click()
    assert view(page)[2] == pytest.approx(whole[2] / 1.25)
    frame = page.locator(".stepper .picture").bounding_box()
    page.mouse.move(frame["x"] + 200, frame["y"] + 60)
    page.mouse.down()
    page.mouse.move(frame["x"] + 100, frame["y"] + 60, steps=4)
    page.mouse.up()
    assert view(page)[0] > whole[0] + whole[2] * 0.1
    at(page, 0)  # a drag is no click
    page.locator("[data-act=fit]").click()
    assert view(page) == whole
    root(page).focus()
    page.keyboard.press("+")
    assert view(page)[2] == pytest.approx(whole[2] / 1.25)
    page.keyboard.press("0")
    assert view(page) == whole


def test_zoomed_in_the_picture_follows_the_current_node(page_of):
    page = page_of(lecture_example())
    for _ in range(5):
        page.get_by_role("button", name="Zoom in").click()
    page.locator("[data-act=slider]").fill("5")
    frame, box = (page.locator(f".stepper {part}").bounding_box() for part in ("svg", "svg [id=v5]"))
    assert frame["x"] - 1 <= box["x"] <= box["x"] + box["width"] <= frame["x"] + frame["width"] + 1


def test_search_marks_what_it_finds_and_enter_goes_there(page_of):
    page = page_of(lecture_example())
    page.locator("[data-act=search]").fill("tanh")
    expect(page.locator(".stepper .found")).to_have_text("1 found")
    assert page.eval_on_selector_all(".stepper svg .match", "parts => parts.map(part => part.id)") == ["v5"]
    page.locator("[data-act=search]").press("Enter")
    at(page, 5)
    page.locator("[data-act=search]").fill("nothing of the kind")
    expect(page.locator(".stepper .found")).to_have_text("0 found")


def network():
    model = nn.MLP(2, [3, 1], activation="tanh", rng=0)
    return step(model([Value(0.5, label="x1"), Value(-1.0, label="x2")]))


def test_modules_fold_and_unfold_and_the_step_stays(page_of):
    page = page_of(network())
    page.locator("[data-act=slider]").fill("20")
    fold = page.locator("[data-act=fold]")
    titles = fold.locator("option").all_inner_texts()
    assert titles[0] == f"all {len(network().nodes)} values"
    boxes = []
    for i, _ in enumerate(titles):
        fold.select_option(str(i))
        at(page, 20)
        boxes.append(page.locator(".stepper svg g.node").count())
        assert lit(page)
    assert boxes == sorted(boxes, reverse=True)
    assert boxes[-1] <= 5


def test_dark_and_light_follow_the_reader(page_of):
    def colours(page):
        return root(page).evaluate("e => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor]")

    assert colours(page_of(lecture_example(), color_scheme="light")) == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
    ink, paper = colours(page_of(lecture_example(), color_scheme="dark"))
    assert ink == "rgb(255, 255, 255)"
    assert paper != "rgb(255, 255, 255)"


def test_a_screen_reader_hears_each_step(page_of):
    page = page_of(lecture_example())
    spoken = page.locator(".stepper [aria-live=polite]")
    expect(spoken).to_have_text("Step 0, forward: a is given: 2")
    root(page).focus()
    page.keyboard.press("End")
    expect(spoken).to_have_text(
        "Step 10, backward: from v2 to b: 0.63474 times 2 is 1.2695; gradient of b so far 1.2695"
    )


HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)> & </script> \\N ⟦0⟧ {0}"


def test_a_hostile_label_is_text_wherever_it_shows(page_of):
    a, b = Value(2.0, label=HOSTILE), Value(3.0, label="</svg><svg onload=alert(3)>")
    page = page_of(step(a * b))
    page.locator("[data-act=slider]").fill("4")
    assert cells(page, "v0")[0] == HOSTILE
    for _ in range(5):
        root(page).focus()
        page.keyboard.press("ArrowLeft")
    assert page.locator(".stepper img, .stepper script, .stepper svg svg").count() == 0


def test_two_steppers_on_one_page_do_not_mix(open_page, tmp_path):
    from autograd_core.stepper.page import fragment

    path = tmp_path / "two.html"
    path.write_text("<!doctype html><meta charset=utf-8>" + fragment(lecture_example()) + fragment(network()))
    page = open_page(path.as_uri(), offline=True)
    roots = page.locator(".stepper")
    roots.nth(1).locator("[data-act=slider]").fill("9")
    expect(roots.nth(0)).to_have_attribute("data-step", "0")
    expect(roots.nth(1)).to_have_attribute("data-step", "9")
    assert roots.nth(0).locator("svg [id=v1].now").count() == 0


def test_without_scripts_the_picture_of_the_end_is_there(page_of):
    page = page_of(lecture_example(), java_script_enabled=False)
    picture = page.locator("img[alt='Computation graph']")
    expect(picture).to_be_visible()
    assert picture.bounding_box()["width"] > 300


def test_every_number_shown_is_the_engines(page_of):
    steps = network()
    y = steps.result
    y.backward()
    from autograd_core import topological_order

    page = page_of(steps)
    page.locator("[data-act=slider]").fill(str(len(steps) - 1))
    page.locator("[data-act=fold]").select_option("0")
    for i, v in enumerate(topological_order(y)):
        expected = [f"{v.data:.5g}"] if v.is_constant else [f"data {v.data:.5g}", f"grad {v.grad:.5g}"]
        assert cells(page, f"v{i}")[-len(expected) :] == expected
