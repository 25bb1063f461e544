"""A JupyterLab of our own: on a free port of this machine alone, without a token, with settings that nobody shares."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

__all__ = ["jupyterlab", "run_all_cells", "run_cell"]

SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},  # else cells off screen are not in the page
}


@contextlib.contextmanager
def jupyterlab(folder, scratch, *, path=None):
    """Serve a folder and yield the address; ``path`` is the PATH that kernels see beside this environment's own."""
    for name, values in SETTINGS.items():
        file = scratch / "settings" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = os.path.dirname(sys.executable)  # noqa: PTH120 - a string for PATH
    environment = os.environ | {
        "PATH": own + os.pathsep + (os.environ["PATH"] if path is None else path),
        "JUPYTERLAB_SETTINGS_DIR": str(scratch / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(scratch / "workspaces"),
        "JUPYTER_RUNTIME_DIR": str(scratch / "runtime"),
        "JUPYTER_CONFIG_DIR": str(scratch / "config"),
        "IPYTHONDIR": str(scratch / "ipython"),
    }
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
        "--IdentityProvider.token=", "--ServerApp.password=", "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={folder}", "--LabApp.expose_app_in_browser=True",
        "--LabApp.extension_manager=readonly", "--LabApp.news_url=none",
    ]  # fmt: skip
    log = scratch / "lab.log"
    with log.open("wb") as output:
        server = subprocess.Popen(command, env=environment, stdout=output, stderr=output, start_new_session=True)
        try:
            _wait_for(f"http://127.0.0.1:{port}/api/status", server, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.send_signal(signal.SIGTERM)  # which ends the kernels too
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()


def _wait_for(address, server, log):
    for _ in range(240):
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(address, timeout=1) as answer:  # noqa: S310 - our own server
                answer.read()
                return
        except OSError:
            time.sleep(0.25)
    raise RuntimeError(f"JupyterLab did not start: {log.read_text()[-3000:]}")


def run_all_cells(page):
    """Run a notebook from top to bottom; what a cell raised is the failure's message."""
    page.wait_for_selector(".jp-NotebookPanel .jp-CodeCell", timeout=60_000)
    connected = (
        "window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.connectionStatus === 'connected'"
    )
    page.wait_for_function(f"() => {connected}", timeout=60_000)
    passed = page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
    assert passed, page.locator(".jp-OutputArea-output[data-mime-type*=stderr]").all_inner_texts()


def run_cell(page, number):
    """Run one code cell again and return the text that it prints."""
    cell = page.locator(".jp-CodeCell").nth(number)
    before = cell.locator(".jp-InputArea .jp-InputPrompt").inner_text()
    cell.locator(".jp-InputArea-editor").click()
    page.keyboard.press("Control+Enter")
    page.wait_for_function(
        r"([i, old]) => { const prompt = document.querySelectorAll('.jp-CodeCell')[i].querySelector('.jp-InputPrompt');"
        r" return prompt.textContent !== old && /\[\d+\]/.test(prompt.textContent); }",
        arg=[number, before],
    )
    return cell.locator(".jp-OutputArea").inner_text().strip()
