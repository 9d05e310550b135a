"""The notebooks as a student runs them: in JupyterLab, in a browser, on the sample data."""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import build_submission
import check_notebooks
import nbformat
import pytest
from browser import SCREENS, chromium
from conftest import NOTEBOOKS, ROOT

LIMIT = 600  # seconds, for everything that is waited for; a free machine needs about 100

# Whether the client has a kernel for the open notebook. Run before that, it asks for one.
READY = """() => {
    const context = window.jupyterapp?.shell.currentWidget?.sessionContext;
    return context?.isReady && context.kernelDisplayStatus === 'idle'
        && context.session?.kernel?.connectionStatus === 'connected';
}"""
# What the client says of the open notebook: None while it loads, else how many code cells
# it has, how many of them were begun, whether the kernel rests, and the errors shown.
PROGRESS = """() => {
    const panel = window.jupyterapp?.shell.currentWidget;
    const cells = (panel?.content?.widgets ?? []).filter(cell => cell.model.type === 'code');
    const outputs = cells.flatMap(cell => cell.model.outputs.toJSON());
    return cells.length ? {
        cells: cells.length,
        begun: cells.filter(cell => cell.model.executionCount).length,
        idle: panel.sessionContext.kernelDisplayStatus === 'idle',
        errors: outputs.filter(o => o.output_type === 'error').map(o => o.evalue),
    } : null;
}"""
GO_TO = """text => {
    const notebook = window.jupyterapp.shell.currentWidget.content;
    const holds = cell => cell.model.sharedModel.getSource().includes(text);
    notebook.activeCellIndex = notebook.widgets.findIndex(holds);
    return notebook.scrollToItem(notebook.activeCellIndex, 'start');
}"""


def unpack(folder, sample):
    """Write the notebooks without outputs and in the smallest size into `folder`, the
    sample data beside them, as the README says."""
    for name in NOTEBOOKS:
        notebook = nbformat.read(ROOT / name, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
            if "parameters" in cell.metadata.get("tags", []):
                assert 'SIZE = "full"' in cell.source
                cell.source = cell.source.replace('SIZE = "full"', 'SIZE = "smoke"')
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, folder / name)
    shutil.copytree(sample / "names", folder / "name_classification/data/names")
    activity = build_submission.DATA_FOLDERS["activity_recognition"]
    shutil.copytree(sample / activity, folder / "activity_recognition" / activity)


@contextlib.contextmanager
def jupyterlab(folder, settings):
    """Yield the address and the token of a JupyterLab that serves `folder` on loopback,
    its own files under `settings`, as if it had never been used."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = ["JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_SETTINGS_DIR",
              "JUPYTERLAB_WORKSPACES_DIR"]
    address, token = f"http://127.0.0.1:{port}", secrets.token_hex()
    with open(settings / "jupyterlab.log", "w", encoding="utf-8") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root",
             "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0",
             f"--ServerApp.root_dir={folder}", "--LabApp.expose_app_in_browser=True"],
            env=os.environ | {name: str(settings / name) for name in places}
            | {"JUPYTER_TOKEN": token}, stdout=log, stderr=subprocess.STDOUT)
        try:
            end = time.monotonic() + LIMIT
            while not answers(f"{address}/api/status?token={token}"):
                assert server.poll() is None and time.monotonic() < end, log.name
                time.sleep(0.5)
            yield address, token
        finally:
            server.terminate()
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()


def answers(address):
    """Return whether a server answers at `address`."""
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def wait_for_end(page):
    """Return the errors that the notebook in `page` shows when its run ended, well or not."""
    end = time.monotonic() + LIMIT
    while True:
        progress = page.evaluate(PROGRESS)
        if progress["idle"] and (progress["errors"] or progress["begun"] == progress["cells"]):
            return progress["errors"]
        assert time.monotonic() < end, f"after {LIMIT} s: {progress}"
        time.sleep(0.5)


@pytest.fixture(scope="module")
def pages(sample, tmp_path_factory):
    """{name: page}, each notebook open in JupyterLab with all its cells started, and the
    folder where JupyterLab saves them."""
    folder = tmp_path_factory.mktemp("handed in")
    unpack(folder, sample)
    with (chromium() as browser,
          jupyterlab(folder, tmp_path_factory.mktemp("jupyter")) as (address, token)):
        opened = {}
        for name in NOTEBOOKS:
            page = opened[name] = browser.new_page(viewport={"width": 1280, "height": 1000})
            page.set_default_timeout(1000 * LIMIT)
            page.goto(f"{address}/lab/workspaces/{Path(name).stem}/tree/{name}?token={token}")
            page.wait_for_function(PROGRESS)
            page.wait_for_function(READY)
            page.get_by_role("menuitem", name="Run", exact=True).click()
            page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        yield opened, folder


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_all_cells_run_in_jupyterlab(pages, name):
    page, path = pages[0][name], pages[1] / name
    errors = wait_for_end(page)
    page.evaluate(GO_TO, "## The answer")
    page.screenshot(path=SCREENS / f"lab_{Path(name).stem}.png")
    assert errors == []
    page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    saved = nbformat.read(path, as_version=4)
    assert check_notebooks.find_problems(saved, check_notebooks.PARTS[name]) == []


def test_the_box_of_exercise_1_answers(pages):
    page = pages[0][NOTEBOOKS[0]]
    assert wait_for_end(page) == []
    page.evaluate(GO_TO, "def try_box")
    output = page.locator(".jp-OutputArea", has=page.locator(".widget-text"))
    box, answer = output.locator("input"), output.locator(".widget-html")
    box.fill("Rossi")
    box.press("Enter")
    answer.get_by_role("rowheader", name="Rossi").wait_for()
    ranked = answer.locator("tbody td").all_inner_texts()
    languages, shares = zip(*(text.split() for text in ranked), strict=True)
    assert sorted(languages) == ["English", "French", "German", "Italian", "Spanish"]
    assert sum(map(float, shares)) == pytest.approx(1, abs=0.03)
    page.screenshot(path=SCREENS / "lab_box.png")
    box.fill("R0ssi")
    box.press("Enter")
    answer.get_by_text("holds the digit '0'").wait_for()
