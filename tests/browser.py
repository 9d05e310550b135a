"""A real browser for the tests: Chromium as the system has it, without a window."""

import contextlib
import shutil

import pytest
from conftest import ROOT
from playwright.sync_api import sync_playwright

SCREENS = ROOT / "build/screens"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]


@contextlib.contextmanager
def chromium():
    """Yield a Playwright browser, and skip the test where no Chromium is installed."""
    path = next(filter(None, map(shutil.which, ["chromium", "chromium-browser",
                                                "google-chrome"])), None)
    if path is None:
        pytest.skip("there is no Chromium here: install it to run this test "
                    "(Debian: apt-get install chromium)")
    SCREENS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()
