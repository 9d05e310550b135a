"""The build: executing, checking, replacing whole or not at all, stopping on Ctrl-C."""

import signal
import subprocess
import sys
import time
from unittest.mock import Mock

import build_submission
import hand_in
import psutil
import pytest
from conftest import (
    CLAIM,
    EXERCISES,
    NOTEBOOKS,
    ROOT,
    assert_the_zip_is_the_tree,
    write_notebook,
)

PARAMETERS = "SIZE = 'full'\nOUTPUT_FOLDER = '.'\nRUNS_FOLDER = 'runs'"
SHOW = f"""from IPython.display import Markdown, display, publish_display_data as publish
publish({{'image/png': 'UE5H'}})
display(Markdown('**Claim:** {CLAIM['claim']}'))
publish({{'text/plain': 'a table'}}, metadata={{'claims': [{CLAIM}]}})"""
WRITE = "open(OUTPUT_FOLDER + '/results.csv', 'w').write('new')\nprint(SIZE, RUNS_FOLDER)"


@pytest.fixture
def project(root, monkeypatch):
    """A project of three tiny notebooks whose data is there."""
    for name, parts in hand_in.PARTS.items():
        write_notebook(root / name, PARAMETERS, SHOW, WRITE, parts=parts)
    (root / "requirements.txt").write_text("numpy\n", encoding="utf-8")
    monkeypatch.setattr(build_submission, "ROOT", root)
    monkeypatch.setattr(build_submission.get_data, "get", bool)
    monkeypatch.setattr("sys.argv", ["build_submission.py"])
    return root


def files_in(root):
    """Return {path: content} of all files that a build may not touch when it stops."""
    return {path: path.read_bytes() for path in root.rglob("*")
            if path.is_file() and "build" not in path.parts}


def code_in(path):
    return [cell for cell in hand_in.read(path) if cell["cell_type"] == "code"]


def test_the_submission_is_rendered_zipped_and_reported(project, capsys):
    assert build_submission.main() == 0
    assert_the_zip_is_the_tree(project)
    for folder in EXERCISES:
        assert (project / folder / "answer.png").read_bytes() == b"PNG"
        assert (project / folder / "results.csv").read_text("utf-8") == "new"
        cells = code_in(project / folder / f"{folder}.ipynb")
        assert cells[0]["source"] == PARAMETERS and "build/" not in str(cells)
        assert cells[-1]["outputs"][0]["text"] == ["full runs\n"]
        assert [cell["metadata"]["source_hash"] for cell in cells] == [
            hand_in.hash_of(source) for source in (PARAMETERS, SHOW, WRITE)]
    shown = capsys.readouterr().out
    assert "3d  Answer" in shown and "fill in the line **Author:**" in shown
    assert 'does not hold: Two is more than three. (2 and 3), under "1f. Answer"' in shown
    assert "differs from" not in shown


@pytest.mark.parametrize("source, message", [
    ("raise ValueError('no windows')", "[3]: ValueError: no windows"),
    ("import os\nos.kill(os.getpid(), 9)", "[3]: the kernel died: run the same command"),
    ("# ## 3d. Answer", "did not pass the check: no heading `## 3a. …`"),
    (None, "Stopped: the zip is damaged."),
])
def test_a_build_that_stops_leaves_everything_as_it_was(project, monkeypatch, capsys, source,
                                                        message):
    write_notebook(project / NOTEBOOKS[2], PARAMETERS, SHOW, source or WRITE)
    before = files_in(project)
    if source is None:
        damaged = Mock(side_effect=RuntimeError("the zip is damaged."))
        monkeypatch.setattr(build_submission.get_data, "get", damaged)
    assert build_submission.main() == 1
    assert message in capsys.readouterr().err
    assert files_in(project) == before


def test_without_data_a_short_run_on_sample_data_lies_beside(project, monkeypatch, capsys):
    monkeypatch.setattr(build_submission.get_data, "get", lambda dataset: None)
    kept = project / "build/runs/name_classification/kept.npz"  # by a short run before it
    kept.parent.mkdir(parents=True)
    kept.touch()
    before = files_in(project)
    assert build_submission.main() == 0 and kept.exists()
    assert "no result" in capsys.readouterr().out and files_in(project) == before
    cells = code_in(project / "build/sample" / NOTEBOOKS[0])
    assert cells[0]["source"].endswith("DATA_FOLDER = '../build/data/names'")
    assert cells[-1]["outputs"][0]["text"] == [
        "preview ../build/runs/name_classification\n"]


def test_the_estimate_counts_every_run(project, capsys):
    rows = "train_seconds\n60\n60\n\n" + "60\n" * 8
    (project / "name_classification/results.csv").write_text(rows, encoding="utf-8")
    build_submission.print_estimate()
    assert "took 10 core-minutes" in capsys.readouterr().out


CODE = """import sys; sys.path.insert(0, {tools!r})
print('ready', flush=True)
import build_submission, get_data, pathlib
build_submission.ROOT, get_data.get, sys.argv = pathlib.Path({root!r}), bool, ['']
sys.exit(build_submission.main())"""
BUSY = """import joblib, os, time
def wait(k):
    open(f'{os.getpid()}.pid', 'w').close()
    time.sleep(60)
joblib.Parallel(2)(joblib.delayed(wait)(k) for k in range(2))"""


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.02, 0.1, 0.4, 1, 2, "workers"])
def test_ctrl_c_stops_everything_with_a_sentence(project, seconds):
    path = project / NOTEBOOKS[1]
    write_notebook(path, PARAMETERS, SHOW, WRITE, BUSY)
    before = files_in(project)
    process = subprocess.Popen(
        [sys.executable, "-c", CODE.format(tools=str(ROOT / "tools"), root=str(project))],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.readline()
    end = time.monotonic() + (60 if seconds == "workers" else seconds)
    while time.monotonic() < end and len(list(path.parent.glob("*.pid"))) < 2:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, shown = process.communicate(timeout=30)
    assert process.returncode == 130
    assert shown.count("Stopped: nothing was replaced") == 1 and "Traceback" not in shown
    workers = [int(pid.stem) for pid in path.parent.glob("*.pid")]
    assert len(workers) == 2 or seconds != "workers"
    alive = [p.pid for p in psutil.process_iter() if p.status() != psutil.STATUS_ZOMBIE]
    assert not set(workers) & set(alive)
    assert {p: c for p, c in files_in(project).items() if p.suffix != ".pid"} == before
