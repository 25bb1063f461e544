"""What a machine may lack - a browser, Graphviz - skips a test by name; under --everything a skip is a failure."""

import shutil

import pytest


def pytest_addoption(parser):
    parser.addoption("--everything", action="store_true", help="fail if a test is skipped for want of a program")
    parser.addoption("--examples", type=int, help="how many random programs, and networks, each backend is compared on")


def pytest_sessionfinish(session):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if session.config.getoption("--everything") and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def chromium():
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    return path
