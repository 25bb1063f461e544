"""A headless browser whose every complaint is kept: page errors, failed requests, anything that leaves the machine."""

from types import SimpleNamespace

import pytest

SWITCHES = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def ours(request):
    """Leave out what JupyterLab 4.4 begins and then breaks off itself: saving its own settings."""
    return not (request.failure == "net::ERR_ABORTED" and "/lab/api/" in request.url)


@pytest.fixture(scope="session")
def browser(chromium):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, headless=True, args=SWITCHES)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser):
    """Return a function that opens a page, and check in the end that nothing went wrong on any."""
    opened = []

    def open_one(url, **options):
        context = browser.new_context(
            reduced_motion="reduce", **{"viewport": {"width": 1300, "height": 900}, **options}
        )
        page = context.new_page()
        complaints = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}") if ours(request) else None)
        page.on("dialog", lambda dialog: (complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        opened.append(SimpleNamespace(context=context, page=page, complaints=complaints))
        page.goto(url)
        return page

    yield open_one
    complaints = [
        complaint for one in opened for complaint in one.complaints
    ]  # before closing, which breaks off requests
    for one in opened:
        one.context.close()
    assert complaints == []
