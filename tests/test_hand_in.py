"""make zip: notebooks as they stand, whoever saved them."""

import json
import os
import subprocess
import sys
import time
import zipfile

import hand_in
import pytest
from conftest import ROOT
from test_build import CLAIM

OUTPUTS = [
    {"output_type": "display_data", "metadata": {}, "data": {
        "text/markdown": [f"**Claim:** {CLAIM['claim']} *(2)*"]}},
    {"output_type": "display_data", "metadata": {"claims": [CLAIM]},
     "data": {"text/plain": "a table"}},
    {"output_type": "stream", "name": "stdout", "text": ["0.25\n"]}]


def notebook(parts, outputs=OUTPUTS, author="…", code="print(1 / 4)", count=1):
    """Return an executed notebook as nbformat writes it."""
    text = [f"# Title\n\n**Author:** {author}", *(f"## {part}. Answer\n." for part in parts)]
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [
        *({"cell_type": "markdown", "id": f"m{k}", "metadata": {},
           "source": source.splitlines(True)} for k, source in enumerate(text)),
        {"cell_type": "code", "id": "c", "metadata": {"tags": ["parameters"]},
         "execution_count": count, "source": code.splitlines(True), "outputs": outputs}]}


@pytest.fixture
def project(tmp_path):
    for name, parts in hand_in.PARTS.items():
        write(tmp_path / name, notebook(parts))
    (tmp_path / "requirements.txt").write_text("numpy\n", encoding="utf-8")
    return tmp_path


def write(path, content):
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def test_it_runs_without_any_package_in_a_moment(project):
    (project / "tools").mkdir()
    (project / "tools/hand_in.py").write_bytes((ROOT / "tools/hand_in.py").read_bytes())
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-S", "-I", "tools/hand_in.py"], cwd=project,
                          env={"PATH": os.environ["PATH"]}, text=True, capture_output=True)
    assert done.returncode == 0 and time.monotonic() - began < 10, done.stderr
    assert done.stdout.count("does not hold: " + CLAIM["claim"]) == 3
    with zipfile.ZipFile(project / "submission.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            name: (project / name).read_bytes() for name in hand_in.CONTENT}


def test_the_same_files_give_the_same_zip(project):
    assert hand_in.hand_in(project) == 0
    first = (project / "submission.zip").read_bytes()
    os.utime(project / "requirements.txt", (0, 0))
    assert hand_in.hand_in(project) == 0 and (project / "submission.zip").read_bytes() == first


@pytest.mark.parametrize("author, named", [("…", True), ("", True), ("...", True),
                                           ("Ada Lovelace", False)])
def test_an_author_left_out_is_named(project, capsys, author, named):
    name = "review_questions.ipynb"
    write(project / name, notebook(hand_in.PARTS[name], author=author))
    assert hand_in.hand_in(project) == 0
    assert (f"first cell of {name}" in capsys.readouterr().out) == named


def as_other_tools_save(content):
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
    for name in hand_in.PARTS:
        content = json.loads((project / name).read_text("utf-8"))
        as_other_tools_save(content)
        write(project / name, content)
    assert hand_in.hand_in(project) == 0
    assert capsys.readouterr().out.count(f"does not hold: {CLAIM['claim']} (2 and 3)") == 3


ERROR = {"output_type": "error", "ename": "ValueError", "evalue": "", "traceback": []}
STDERR = {"output_type": "stream", "name": "stderr", "text": "oh"}


@pytest.mark.parametrize("change, problem", [
    ({"count": 7}, "were not run once each, in order"),
    ({"count": None}, "were not run once each, in order"),
    ({"outputs": OUTPUTS + [ERROR]}, "[1] shows the error ValueError"),
    ({"outputs": OUTPUTS + [STDERR]}, "[1] shows stderr: 'oh'"),
    ({"code": "open('/home/ada/data')"}, "an absolute path stands in it (/home/"),
    ({"code": r"open('C:\\Users\\ada')"}, "an absolute path stands in it (C:"),
    ({"code": "\n".join(f"a{i} = 1" for i in range(26))}, "[1] is too long: 26 lines"),
    ({"parts": ["3a", "3b", "3c"]}, "no heading `## 3d. …`"),
])
def test_what_is_wrong_is_named_and_nothing_zipped(project, capsys, change, problem):
    content = notebook(**{"parts": ["3a", "3b", "3c", "3d"], **change})
    write(project / "review_questions.ipynb", content)
    assert hand_in.hand_in(project) == 1
    assert problem in capsys.readouterr().err
    assert not (project / "submission.zip").exists()


def test_a_notebook_without_claims_is_named(project, capsys):
    write(project / "review_questions.ipynb", notebook(hand_in.PARTS["review_questions.ipynb"],
                                                       outputs=OUTPUTS[:1]))
    assert hand_in.hand_in(project) == 0
    assert "!!  review_questions.ipynb has no table of claims" in capsys.readouterr().out


def test_what_is_no_notebook_is_named(project, capsys):
    for content in ("<<<<<<< HEAD", "[]", "{}", None):
        path = project / "review_questions.ipynb"
        path.write_text(content, encoding="utf-8") if content else path.unlink()
        assert hand_in.hand_in(project) == 1
        assert "review_questions.ipynb cannot be read as a notebook" in capsys.readouterr().err


def test_code_lines_are_neither_blank_nor_comment_nor_docstring():
    source = '\n# a\ndef f(x):\n    """One\n    two."""\n\n    return x  # b\n'
    assert hand_in.code_lines(source) == 2
