"""make zip: notebooks as they stand, whoever saved them."""

import json
import os
import subprocess
import sys
import time

import hand_in
import pytest
from conftest import CLAIM, NOTEBOOKS, ROOT, assert_the_zip_is_the_tree, write_notebook

NAME, PARTS = NOTEBOOKS[2], hand_in.PARTS[NOTEBOOKS[2]]
OUTPUTS = [
    {"output_type": "display_data", "metadata": {}, "data": {
        "text/markdown": f"**Claim:** {CLAIM['claim']} *(2)*"}},
    {"output_type": "display_data", "metadata": {"claims": [CLAIM]},
     "data": {"text/plain": "a table"}},
    {"output_type": "stream", "name": "stdout", "text": "0.25\n"}]
NOT_HELD = f'!!  does not hold: {CLAIM["claim"]} (2 and 3), under "'


@pytest.fixture
def project(root):
    """A project of three executed notebooks, with a claim that does not hold."""
    for name, parts in hand_in.PARTS.items():
        write_notebook(root / name, "print(1 / 4)", outputs=OUTPUTS, parts=parts)
    (root / "requirements.txt").write_text("numpy\n", encoding="utf-8")
    return root


def change(path, edit):
    """Let `edit` change the content of a notebook in place."""
    content = json.loads(path.read_text(encoding="utf-8"))
    edit(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def test_it_runs_without_any_package_in_a_moment_and_always_the_same(project):
    (project / "tools").mkdir()
    (project / "tools/hand_in.py").write_bytes((ROOT / "tools/hand_in.py").read_bytes())
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-S", "-I", "tools/hand_in.py"], cwd=project,
                          env={"PATH": os.environ["PATH"]}, text=True, capture_output=True)
    assert done.returncode == 0 and time.monotonic() - began < 10, done.stderr
    assert all(f'{NOT_HELD}{last}. Answer"' in done.stdout for last in ("1f", "2d", "3d"))
    assert_the_zip_is_the_tree(project)
    first = (project / "submission.zip").read_bytes()
    os.utime(project / "requirements.txt", (0, 0))
    assert hand_in.hand_in(project) == 0 and (project / "submission.zip").read_bytes() == first


@pytest.mark.parametrize("author, named", [("…", True), ("", True), ("...", True),
                                           ("Ada Lovelace", False), (None, True)])
def test_an_author_left_out_is_named(project, capsys, author, named):
    line = "" if author is None else f"**Author:** {author}"
    change(project / NAME, lambda content: content["cells"][0].update(
        source=f"# Title\n\n{line}\n\nText."))
    assert hand_in.hand_in(project) == 0
    shown = capsys.readouterr().out.partition(NAME)[2]
    assert ("fill in the line **Author:** in the first cell" in shown) == named


def save_as_other_tools(content):
    """Change a notebook as VS Code or JupyterLab do: text as one string, more metadata, an
    empty cell at the end, no ids."""
    content["metadata"] = {"language_info": {"version": "3.12.1"}, "vscode": {"hash": "1"}}
    content["nbformat_minor"] = 2
    for cell in content["cells"]:
        del cell["id"]
        cell["source"] = "".join(cell["source"])
        cell["metadata"]["editable"] = True
        for output in cell.get("outputs", []):
            if "text" in output:
                output["text"] = "".join(output["text"])
    content["cells"].append({"cell_type": "code", "execution_count": None, "metadata": {},
                             "outputs": [], "source": []})


def test_it_does_not_matter_who_saved_the_notebooks(project, capsys):
    for name in NOTEBOOKS:
        change(project / name, save_as_other_tools)
    assert hand_in.hand_in(project) == 0
    assert capsys.readouterr().out.count(NOT_HELD) == 3


ERROR = {"output_type": "error", "ename": "ValueError"}
STDERR = {"output_type": "stream", "name": "stderr", "text": "oh"}


@pytest.mark.parametrize("cell, problem", [
    ({"execution_count": 7}, "were not run once each, in order"),
    ({"execution_count": None}, "were not run once each, in order"),
    ({"outputs": [*OUTPUTS, ERROR]}, "[1] shows the error ValueError"),
    ({"outputs": [*OUTPUTS, STDERR]}, "[1] shows stderr: 'oh'"),
    ({"source": "open('/home/ada/data')"}, "an absolute path stands in it (/home/"),
    ({"source": r"open('C:\\Users\\ada')"}, "an absolute path stands in it (C:"),
    ({"outputs": []}, "it has no table of claims"),
    ({"cell_type": "raw"}, "no heading `## 3d. …`"),
])
def test_what_is_wrong_is_named_and_nothing_zipped(project, capsys, cell, problem):
    place = -2 if "cell_type" in cell else -1
    change(project / NAME, lambda content: content["cells"][place].update(cell))
    assert hand_in.hand_in(project) == 1
    assert f"{NAME}: " in (shown := capsys.readouterr().err) and problem in shown
    assert not (project / "submission.zip").exists()


@pytest.mark.parametrize("content", ["<<<<<<< HEAD", "[]", "{}"])
def test_what_is_no_notebook_is_named(project, capsys, content):
    (project / NAME).write_text(content, encoding="utf-8")
    assert hand_in.hand_in(project) == 1
    assert f"{NAME} is missing or no notebook" in capsys.readouterr().err


@pytest.mark.parametrize("name, sentence", [
    (NAME, f"{NAME} is missing or no notebook"),
    ("requirements.txt", "requirements.txt: No such file")])
def test_a_missing_file_is_named_and_the_zip_stays(project, capsys, name, sentence):
    (project / "submission.zip").write_text("the old one", encoding="utf-8")
    (project / name).unlink()
    assert hand_in.hand_in(project) == 1
    assert sentence in (shown := capsys.readouterr().err) and "Traceback" not in shown
    assert (project / "submission.zip").read_text("utf-8") == "the old one"
    assert not list(project.glob("*.part"))


SHORT = [OUTPUTS[0], OUTPUTS[1] | {"metadata": {"claims": [CLAIM | {"holds": "not judged"}]}}]


@pytest.mark.parametrize("changed", [{"outputs": SHORT}, {"source": 'SIZE = "smoke"\n'}])
def test_a_short_run_is_named_and_not_zipped(project, capsys, changed):
    change(project / NAME, lambda content: content["cells"][-1].update(changed))
    assert hand_in.hand_in(project) == 1
    assert capsys.readouterr().err.count(f"{NAME}: no full run on real data") == 1
    assert not (project / "submission.zip").exists()


@pytest.mark.parametrize("kept, named", [("print(1 / 5)", True), ("\nprint(1 / 4)\n", False)])
def test_a_cell_that_differs_from_what_was_run_is_named(project, capsys, kept, named):
    change(project / NAME, lambda content: content["cells"][-1]["metadata"].update(
        source_hash=hand_in.hash_of(kept)))
    assert hand_in.hand_in(project) == 0
    assert ("!!  code cell 1 (print(1 / 4)) differs from what was run by make submission; if"
            in capsys.readouterr().out.partition(NAME)[2]) == named
