"""The build: executing, checking, replacing whole or not at all, zipping."""

import zipfile

import build_submission
import check_notebooks
import nbformat
import pytest

HEAD = "# Title\n\n**Author:** …"
FIGURE = ("from IPython.display import publish_display_data\n"
          "publish_display_data({'image/png': 'UE5H'})")


def write_notebook(path, *sources):
    """Write a notebook: a source that begins with `#` becomes markdown, and the
    first code cell is its `parameters`."""
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": {
        "name": "python3", "display_name": "Python 3", "language": "python"}})
    for source in sources:
        new = nbformat.v4.new_markdown_cell if source.startswith("#") \
            else nbformat.v4.new_code_cell
        notebook.cells.append(new(source))
    next(c for c in notebook.cells if c.cell_type == "code").metadata["tags"] = ["parameters"]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of three tiny notebooks whose data is there."""
    root = tmp_path / "mein Übungsordner"
    for name, parts in check_notebooks.PARTS.items():
        answers = [f"## {part}. Answer\nIt is 0.25." for part in parts]
        write_notebook(root / name, HEAD, "SIZE = 'full'", "print(1 / 4)", FIGURE, *answers)
    (root / "requirements.txt").write_text("numpy\n", encoding="utf-8")
    monkeypatch.setattr(build_submission, "ROOT", root)
    monkeypatch.setattr(build_submission.get_data, "get_all", lambda: True)
    monkeypatch.setattr("sys.argv", ["build_submission.py"])
    return root


def test_the_submission_is_rendered_and_zipped(project, capsys):
    assert build_submission.main() == 0
    with zipfile.ZipFile(project / "submission.zip") as archive:
        assert sorted(archive.namelist()) == sorted(
            ["requirements.txt", *check_notebooks.PARTS])
        for name in archive.namelist():
            assert archive.read(name) == (project / name).read_bytes()
    notebook = nbformat.read(project / "review_questions.ipynb", as_version=4)
    assert notebook.cells[2].outputs[0].text == "0.25\n"
    assert (project / "name_classification/answer.png").read_bytes() == b"PNG"
    shown = capsys.readouterr().out
    assert "3d  Answer" in shown and "fill in the line **Author:**" in shown
    assert "mend the prose" not in shown


def test_the_zip_is_reproducible(project):
    build_submission.write_zip(project, project / "a.zip")
    build_submission.write_zip(project, project / "b.zip")
    assert (project / "a.zip").read_bytes() == (project / "b.zip").read_bytes()


def test_a_failing_cell_stops_the_build_and_leaves_everything_as_it_was(project, capsys):
    assert build_submission.main() == 0
    path = project / "activity_recognition/activity_recognition.ipynb"
    write_notebook(path, HEAD, "SIZE = 'full'", "raise ValueError('no windows')")
    before = {p: p.read_bytes() for p in project.rglob("*") if p.is_file()}
    capsys.readouterr()
    assert build_submission.main() == 1
    shown = capsys.readouterr().err
    assert "activity_recognition.ipynb, code cell [2]: ValueError: no windows" in shown
    assert {p: p.read_bytes() for p in project.rglob("*") if p.is_file()} == before


def test_a_killed_kernel_stops_the_build_with_a_sentence(project, capsys):
    write_notebook(project / "review_questions.ipynb", HEAD, "import os, signal",
                   "os.kill(os.getpid(), signal.SIGKILL)")
    assert build_submission.main() == 1
    assert "review_questions.ipynb: the kernel died in cell 3" in capsys.readouterr().err


def test_a_notebook_that_fails_the_check_is_not_written(project, capsys):
    write_notebook(project / "review_questions.ipynb", HEAD, "SIZE = 'full'")
    assert build_submission.main() == 1
    assert "no heading answers part 3a" in capsys.readouterr().err
    assert not (project / "submission.zip").exists()


def test_prose_that_no_cell_bears_out_is_named(project, capsys):
    path = project / "review_questions.ipynb"
    parts = [f"## {part}. Answer" for part in ("3a", "3b", "3c", "3d")]
    write_notebook(path, HEAD, "print(0.912)", *parts, "# It reached 0.93.")
    assert build_submission.main() == 0
    assert "no cell printed 0.93" in capsys.readouterr().out


def test_parameters_are_injected_after_their_cell(project):
    path = project / "review_questions.ipynb"
    write_notebook(path, HEAD, "SIZE = 'full'", "print(SIZE)")
    notebook = build_submission.execute(path, {"SIZE": "smoke"})
    assert notebook.cells[-1].outputs[0].text == "smoke\n"


def test_without_data_the_sample_is_rendered_beside(project, monkeypatch, capsys):
    monkeypatch.setattr(build_submission.get_data, "get_all", lambda: False)
    before = (project / "review_questions.ipynb").read_bytes()
    assert build_submission.main() == 0
    assert "no result" in capsys.readouterr().out
    assert (project / "build/sample/review_questions.ipynb").exists()
    assert (project / "build/sample/review_questions.html").exists()
    assert (project / "review_questions.ipynb").read_bytes() == before
    assert not (project / "submission.zip").exists()


def test_damaged_data_stops_the_build(project, monkeypatch, capsys):
    def damaged():
        raise build_submission.get_data.DataError("the zip is damaged.")
    monkeypatch.setattr(build_submission.get_data, "get_all", damaged)
    assert build_submission.main() == 1
    assert "Stopped: the zip is damaged." in capsys.readouterr().err


@pytest.mark.parametrize("source, problem", [
    ("import sys\nprint('oh', file=sys.stderr)", "shows stderr"),
    ("print('/ho' 'me/somebody/data')", "absolute path"),
    ("\n".join(f"a{i} = 1" for i in range(29)), "29 lines"),
])
def test_the_check_finds(project, source, problem):
    path = project / "review_questions.ipynb"
    write_notebook(path, HEAD, "SIZE = 'full'", source)
    found = check_notebooks.find_problems(build_submission.execute(path, {}), [])
    assert any(problem in sentence for sentence in found)


def test_the_check_finds_cells_out_of_order(project):
    path = project / "review_questions.ipynb"
    notebook = build_submission.execute(path, {})
    notebook.cells[1].execution_count = 7
    assert any("in order" in p for p in check_notebooks.find_problems(notebook, []))


@pytest.mark.parametrize("prose, borne_out", [
    ("it is 0.81", True), ("it is 0.812", True), ("it is 0.8124", False),
    ("it is 81.2 %", True), ("it is 81.3 %", False), ("it is 0.8", True),
    ("by 1.5 points", True), ("see `x = 0.77`", True), ("a table says 0.944", True),
    ("± 0.0020", True),
])
def test_numbers_in_the_prose_are_held_to_the_printed_ones(prose, borne_out):
    output = nbformat.v4.new_output("display_data", data={
        "text/html": "<td>0.944</td>", "text/plain": "0.812 and 0.015, 0.002, 0.0020"})
    notebook = nbformat.v4.new_notebook(cells=[
        nbformat.v4.new_code_cell("x", outputs=[output]), nbformat.v4.new_markdown_cell(prose)])
    assert (check_notebooks.find_unprinted_numbers(notebook) == []) == borne_out
