"""The notebooks and the zip as they are committed."""

import ast
import re
import zipfile

import build_submission
import check_notebooks
import nbformat
import pytest
from conftest import ROOT


def test_a_rendered_notebook_passes_the_check(rendered):
    notebook, parts, _ = rendered
    assert check_notebooks.find_problems(notebook, parts) == []


def test_every_number_in_the_prose_was_printed(rendered):
    assert check_notebooks.find_unprinted_numbers(rendered[0]) == []


def test_it_shows_the_real_data_at_full_size(rendered):
    notebook, _, _ = rendered
    sources = [cell.source for cell in notebook.cells]
    assert any('SIZE = "full"' in source for source in sources)
    assert not any("injected-parameters" in c.metadata.get("tags", []) for c in notebook.cells)
    assert "sample data" not in check_notebooks.printed_text(notebook).lower()


def test_it_has_one_cell_of_parameters(rendered):
    tags = [cell.metadata.get("tags", []) for cell in rendered[0].cells]
    assert sum("parameters" in tag for tag in tags) == 1


def test_every_figure_has_alternative_text(rendered):
    for cell in rendered[0].cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                assert output.metadata.get("image/png", {}).get("alt"), cell.source


def test_the_contents_lead_to_headings(rendered):
    notebook, _, _ = rendered
    markdown = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    links = set(re.findall(r"\]\(#([^)]+)\)", markdown))
    anchors = {line.lstrip("#").strip().replace(" ", "-")
               for line in markdown.splitlines() if line.startswith("#")}
    assert links and links <= anchors


def test_notebooks_share_their_runner():
    shared = ["quiet", "code_of", "run_key", "save_run", "load_run", "sweep", "train_alone"]
    sources = []
    for name in list(check_notebooks.PARTS)[:2]:
        notebook = nbformat.read(ROOT / name, as_version=4)
        code = "\n".join(c.source for c in notebook.cells if c.cell_type == "code")
        functions = {node.name: ast.unparse(node)
                     for node in ast.parse(code).body
                     if isinstance(node, ast.FunctionDef)}
        sources.append({name: functions[name] for name in shared})
    assert sources[0] == sources[1]


def test_the_zip_is_the_tree_and_nothing_else(tmp_path):
    with zipfile.ZipFile(ROOT / "submission.zip") as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == sorted(build_submission.CONTENT)
        for name in archive.namelist():
            assert archive.read(name) == (ROOT / name).read_bytes()
    build_submission.write_zip(ROOT, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == (ROOT / "submission.zip").read_bytes()


@pytest.mark.parametrize("folder", build_submission.DATA_FOLDERS)
def test_the_figure_of_the_readme_is_the_first_of_the_notebook(folder):
    notebook = nbformat.read(ROOT / folder / f"{folder}.ipynb", as_version=4)
    figure = (ROOT / folder / "answer.png").read_bytes()
    assert figure == build_submission.first_figure(notebook)
