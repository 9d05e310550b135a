"""The table of claims that all notebooks share, and what make says and removes."""

import os
import shutil
import signal
import subprocess
import sys
import time
from unittest.mock import Mock

import pandas as pd
import pytest
from conftest import ROOT


@pytest.fixture
def notebook(names, monkeypatch):
    monkeypatch.setattr(names, "claims", {})
    monkeypatch.setattr(names, "display", Mock(), raising=False)
    return names


def test_holm_corrects_as_by_hand(notebook):
    """Smallest p times 3, next times 2, last times 1; never below the one before."""
    corrected = notebook.holm(pd.Series([0.04, 0.01, 0.03])).sort_index()
    assert corrected.tolist() == pytest.approx([0.06, 0.03, 0.06])
    assert notebook.holm(pd.Series([0.9, 0.8])).tolist() == [1, 1]


def test_a_claim_holds_by_its_figures_and_after_correction(notebook):
    notebook.claim("A beats B.", False, "0")          # made again below: stands once
    for sentence, holds, p in (("A beats B.", True, 0.01), ("E beats F.", False, 0.001),
                               ("C beats D.", True, 0.04),  # the largest: not corrected
                               ("G is level with H.", True, None), ("I is J.", False, None)):
        notebook.claim(sentence, holds, "1", p=p)
    table = notebook.claims_table(judged=True)
    assert list(table.columns) == ["claim", "figures", "holds"]
    assert table.holds.tolist() == ["yes", "no", "yes", "yes", "no"]
    notebook.claim("K beats L.", True, "1", p=0.045)  # one more: 0.04 is doubled
    assert notebook.claims_table(judged=True).holds.tolist()[2] == "no"
    assert set(notebook.claims_table(judged=False).holds) == {"not judged"}


@pytest.fixture
def make(tmp_path):
    """A function that starts make in a copy of the project, `python` the code of a Python."""
    def start(target, python="raise SystemExit(9)"):
        for name in ("Makefile", "requirements.txt", "tools/requirements.txt"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
        path = tmp_path / "python"
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$0.py" "$@"\n', encoding="utf-8")
        (tmp_path / "python.py").write_text(f"import sys\n{python}\n", encoding="utf-8")
        path.chmod(0o755)
        return subprocess.Popen(["make", f"PYTHON={path}", target], cwd=tmp_path, text=True,
                                stderr=subprocess.PIPE, start_new_session=True)
    return start


@pytest.mark.parametrize("version, refused", [
    ((3, 9), True), ((3, 10), False), ((3, 13), False), ((3, 14), True)])
def test_make_refuses_a_wrong_python_with_a_sentence(make, version, refused):
    process = make(".venv/installed", f"sys.version_info = {version}\nexec(sys.argv[2])")
    sentence = "Python {}.{} will not do: TensorFlow needs 3.10 to 3.13".format(*version)
    shown = process.communicate()[1]
    assert (sentence in shown) == refused and ("Traceback" in shown) != refused


def test_ctrl_c_while_packages_are_installed_ends_in_a_sentence(make, tmp_path):
    process = make(".venv/installed", "if sys.argv[1] == '-m':\n    import time\n"
                                      "    open('begun', 'w').close(), time.sleep(60)")
    while not (tmp_path / "begun").exists() and process.poll() is None:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    shown = process.communicate(timeout=30)[1]
    assert shown.count("Stopped: run the same command") == 1 and "Traceback" not in shown
    assert process.returncode != 0 and not (tmp_path / ".venv/installed").exists()


def test_make_clean_keeps_finished_runs_and_distclean_does_not(make, tmp_path):
    runs = tmp_path / "name_classification/runs"
    for folder in (runs, tmp_path / "build", tmp_path / ".venv"):
        folder.mkdir(parents=True)
    assert make("clean").wait() == 0 and runs.exists()
    assert not (tmp_path / "build").exists() and not (tmp_path / ".venv").exists()
    assert make("distclean").wait() == 0 and not runs.exists()
