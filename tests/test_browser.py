"""The committed notebooks in Chromium: exported to HTML, 1280 px wide and without network,
and opened, changed and saved in JupyterLab."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import hand_in
import nbconvert
import pytest
from conftest import NOTEBOOKS, ROOT
from playwright.sync_api import sync_playwright

pytestmark = pytest.mark.slow
SCREENS = ROOT / "build/screens"
WIDTH, SMALLEST = 1280, 9  # px: of the page, of a letter
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]

FIGURES = "[...document.images].map(image => image.complete && image.naturalWidth)"
# elements wider than their box, be it the page or one with a scroll bar of its own
TOO_WIDE = """[...document.querySelectorAll('body, body *')]
    .filter(box => box.clientWidth && box.scrollWidth > box.clientWidth + 1)
    .map(box => box.closest('.jp-Cell')?.innerText.slice(0, 80) ?? box.tagName)"""
COLLAPSED = """[...document.querySelectorAll('.celltag_setup, .celltag_runner')]
    .map(cell => cell.querySelector('.jp-Cell-inputWrapper').clientHeight)"""
SMALL_TEXT = """limit => [...document.querySelectorAll('body *')]
    .filter(box => box.checkVisibility() && parseFloat(getComputedStyle(box).fontSize) < limit
        && [...box.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
    .map(box => box.textContent)"""
NOTEBOOK = "window.jupyterapp?.shell.currentWidget?.content"
LOADED = f"{NOTEBOOK}?.widgets?.length > 5"
HIDDEN = f"""{NOTEBOOK}.widgets.map(cell => [cell.model.getMetadata('tags'), cell.inputHidden])
    .filter(([tags, _hidden]) => tags?.includes('runner')).map(([_tags, hidden]) => hidden)"""
SIGN = f"""() => {{
    const first = {NOTEBOOK}.widgets[0].model.sharedModel;
    first.setSource(first.getSource().replace(/(\\*\\*Author:\\*\\*).*/, '$1 Ada Lovelace'));
    {NOTEBOOK}.widgets.forEach(cell => cell.model.setMetadata('source_hash', 'kept'));
    return window.jupyterapp.commands.execute('docmanager:save');
}}"""


@pytest.fixture(scope="module")
def browser():
    path = next(filter(None, map(shutil.which, ["chromium", "chromium-browser",
                                                "google-chrome"])), None)
    if path is None:
        pytest.skip("there is no Chromium (Debian: apt-get install chromium)")
    SCREENS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_page_reads_well(browser, tmp_path, name):
    path = tmp_path / "page.html"
    path.write_text(nbconvert.HTMLExporter().from_filename(ROOT / name)[0], encoding="utf-8")
    page = browser.new_page(viewport={"width": WIDTH, "height": 2500})
    page.route("http*://**", lambda route: route.abort())
    page.goto(path.as_uri())
    for number in range(-(-page.evaluate("document.documentElement.scrollHeight") // 2500)):
        page.evaluate("top => window.scrollTo(0, top)", number * 2500)
        page.screenshot(path=SCREENS / f"{Path(name).stem}_{number:02d}.png")
    assert page.evaluate(FIGURES) and all(page.evaluate(FIGURES))
    assert page.evaluate("document.documentElement.scrollWidth") <= WIDTH
    assert page.evaluate(TOO_WIDE) == []
    assert 0 < max(page.evaluate(COLLAPSED)) < 40  # px: one line of each such cell
    assert page.evaluate(SMALL_TEXT, SMALLEST) == []


@contextlib.contextmanager
def jupyterlab(folder, settings):
    """Yield address and token of a JupyterLab that serves `folder` on loopback, as if it had
    never been used."""
    places = {name: str(settings) for name in (
        "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_SETTINGS_DIR",
        "JUPYTERLAB_WORKSPACES_DIR")}
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1",
         "--port=0", "--port-retries=0", f"--ServerApp.root_dir={folder}",
         "--LabApp.expose_app_in_browser=True"], stderr=subprocess.DEVNULL,
        env=os.environ | places)
    try:
        about = settings / f"jpserver-{server.pid}.json"
        while not about.is_file() and server.poll() is None:
            time.sleep(0.5)
        time.sleep(1)
        about = json.loads(about.read_text("utf-8"))
        yield about["url"], about["token"]
    finally:
        server.terminate()
        server.wait(30)


def test_notebooks_signed_and_saved_in_jupyterlab_are_zipped(browser, tmp_path, capsys):
    folder = tmp_path / "handed in"
    for name in hand_in.CONTENT:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    with jupyterlab(folder, tmp_path) as (address, token):
        for name in NOTEBOOKS:
            page = browser.new_page(viewport={"width": WIDTH, "height": 1000})
            page.set_default_timeout(120_000)
            page.goto(f"{address}lab/workspaces/{Path(name).stem}/tree/{name}?token={token}")
            page.wait_for_function(LOADED)
            assert all(page.evaluate(HIDDEN))
            assert "celltag" not in page.inner_text("body")  # the style of the HTML page
            page.evaluate(SIGN)
            page.screenshot(path=SCREENS / f"lab_{Path(name).stem}.png")
            page.close()
    assert hand_in.hand_in(folder) == 0
    shown = capsys.readouterr().out
    assert "**Author:**" not in shown and "differs from what was run" in shown
    for name in NOTEBOOKS:
        before, after = hand_in.read(ROOT / name), hand_in.read(folder / name)
        assert "**Author:** Ada Lovelace" in after[0]["source"]
        assert hand_in.claims(after) == hand_in.claims(before)
        assert [cell["source"] for cell in after[1:]] == [c["source"] for c in before[1:]]
