"""The table of claims that all notebooks share, and what make says and removes."""

import shutil
import subprocess
import sys
from unittest.mock import Mock

import pytest
from conftest import ROOT


@pytest.fixture
def notebook(names, monkeypatch):
    monkeypatch.setattr(names, "claims", {})
    monkeypatch.setattr(names, "display", Mock(), raising=False)
    return names


def test_holm_corrects_as_by_hand(notebook):
    """Smallest p times 3, next times 2, last times 1; never below the one before."""
    corrected = notebook.holm([0.04, 0.01, 0.03])
    assert corrected.tolist() == pytest.approx([0.06, 0.03, 0.06])
    assert notebook.holm([0.9, 0.8]).tolist() == [1, 1]


def test_a_claim_holds_by_its_figures_and_after_correction(notebook):
    notebook.claim("A beats B.", True, "1", p=0.01)
    notebook.claim("C beats D.", True, "1", p=0.04)   # the largest: not corrected
    notebook.claim("E beats F.", False, "-1", p=0.001)
    notebook.claim("G is level with H.", True, "0")
    notebook.claim("I is level with J.", False, "9")
    table = notebook.claims_table(judged=True)
    assert list(table.columns) == ["claim", "figures", "holds"]
    assert table.holds.tolist() == ["yes", "yes", "no", "yes", "no"]
    notebook.claim("K beats L.", True, "1", p=0.045)  # one more: 0.04 is doubled
    assert notebook.claims_table(judged=True).holds.tolist()[1] == "no"


def test_a_claim_made_again_stands_once(notebook):
    notebook.claim("A beats B.", True, "1")
    notebook.claim("A beats B.", False, "0")
    assert notebook.claims_table(judged=True).holds.tolist() == ["no"]


def test_a_short_run_judges_no_claim(notebook):
    notebook.claim("A beats B.", False, "0", p=0.5)
    assert notebook.claims_table(judged=False).holds.tolist() == ["not judged"]


@pytest.mark.parametrize("version, refused", [
    ((3, 9), True), ((3, 10), False), ((3, 13), False), ((3, 14), True)])
def test_make_refuses_a_wrong_python_with_a_sentence(tmp_path, version, refused):
    for name in ("Makefile", "requirements.txt", "tools/requirements.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    python = tmp_path / "python"
    code = f"import sys\nsys.version_info = {version}\nexec(sys.argv[1])"
    python.write_text(f"#!/bin/sh\n[ $1 = -c ] || exit 9\nexec {sys.executable} -c '{code}' "
                      '"$2"\n', encoding="utf-8")
    python.chmod(0o755)
    done = subprocess.run(["make", f"PYTHON={python}", ".venv/installed"], cwd=tmp_path,
                          text=True, capture_output=True)
    sentence = "Python {}.{} will not do: TensorFlow needs 3.10 to 3.13".format(*version)
    assert (sentence in done.stderr) == refused and "Traceback" not in done.stderr


def test_make_clean_keeps_finished_runs_and_distclean_does_not(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    runs = tmp_path / "name_classification/runs"
    for folder in (runs, tmp_path / "build", tmp_path / ".venv"):
        folder.mkdir(parents=True)
    subprocess.run(["make", "clean"], cwd=tmp_path, check=True)
    assert {path.name for path in tmp_path.iterdir()} == {"Makefile", "name_classification"}
    subprocess.run(["make", "distclean"], cwd=tmp_path, check=True)
    assert not runs.exists()
