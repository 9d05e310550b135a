"""The notebooks and the zip as they are committed."""

import ast
import base64
import re
import sys

import hand_in
import pytest
from conftest import EXERCISES, NOTEBOOKS, ROOT, assert_the_zip_is_the_tree, code_of

PACKAGES = {"tensorflow", "keras", "numpy", "pandas", "matplotlib", "sklearn", "scipy",
            "joblib", "psutil", "IPython", "ipywidgets", "distributed"}
OKABE_ITO = {"#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"}
CELLS = {name: hand_in.read(ROOT / name) for name in NOTEBOOKS}
each_notebook = pytest.mark.parametrize("name", NOTEBOOKS)


@each_notebook
def test_it_passes_the_check_at_full_size_on_real_data(name):
    assert hand_in.find_problems(CELLS[name], hand_in.PARTS[name]) == []
    (parameters,) = code_of(CELLS[name], "parameters")
    assert parameters.startswith('SIZE = "full"') and parameters.count("SIZE = ") == 1
    shown = str([cell.get("outputs") for cell in CELLS[name]])
    assert "no result" not in shown.lower()
    assert [word for word in (".npz", "build/", "is damaged", "workers.log", " left'")
            if word in shown and f"0{word}" not in shown] == []  # of the folder of kept runs


@each_notebook
def test_its_claims_were_judged(name):
    found = hand_in.claims(CELLS[name])
    assert 1 <= len(found) <= 12
    assert {row["holds"] for _, row in found} <= {"yes", "no"}
    assert [row["claim"] for heading, row in found if heading == "?"] == []


@each_notebook
def test_its_cells_are_short_and_import_nothing_of_ours(name):
    """At most 25 lines, the runner 45, that are neither blank nor comment nor docstring."""
    for source in code_of(CELLS[name]):
        lines = re.findall(r"(?m)^\s*[^#\s]", re.sub(r'(?s)""".*?"""', "", source))
        assert len(lines) <= (45 if source in code_of(CELLS[name], "runner") else 25), source
        for node in ast.walk(ast.parse(source)):
            names = [node.module] if isinstance(node, ast.ImportFrom) else \
                [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert {n.partition(".")[0] for n in names} <= PACKAGES | sys.stdlib_module_names


@each_notebook
def test_its_contents_lead_to_headings_and_its_colours_differ_for_all(name):
    """The colours are Okabe and Ito's, and greys."""
    text = "\n".join(c["source"] for c in CELLS[name] if c["cell_type"] == "markdown")
    anchors = {line.strip().replace(" ", "-") for line in re.findall(r"(?m)^#+(.*)", text)}
    links = set(re.findall(r"\]\(#([^)]+)\)", text))
    assert len(links) >= 4 and links <= anchors
    colours = set(re.findall(r"#[0-9A-Fa-f]{6}\b", "\n".join(code_of(CELLS[name]))))
    assert {c.upper() for c in colours if not c[1:3] == c[3:5] == c[5:]} <= OKABE_ITO


@pytest.mark.parametrize("name", NOTEBOOKS[:2])
def test_a_short_run_in_jupyter_leaves_the_results_alone(name):
    (parameters,) = code_of(CELLS[name], "parameters")
    for size, folder in (("full", "."), ("preview", "preview")):
        found = {}
        exec(parameters.replace('"full"', f'"{size}"', 1), found)
        assert (found["OUTPUT_FOLDER"], found["RUNS_FOLDER"]) == (folder, f"{folder}/runs")


@pytest.mark.parametrize("name", NOTEBOOKS[:2])
def test_a_cell_run_twice_writes_its_rows_once(name):
    """Rows are kept by experiment, and an experiment's list is begun anew in its cell."""
    for source in code_of(CELLS[name]):
        adds = re.search(r"records\[(\w+)\](?: \+=|\.(?:append|extend)\()", source)
        assert not adds or f"records[{adds[1]}] = []" in source
        assert not re.search(r"records\.(?:append|extend|setdefault)", source)


@pytest.mark.parametrize("name", NOTEBOOKS[1:])
def test_the_notebooks_share_what_they_share(name):
    """The runner stands in the exercises, the claims and the last line in all three, byte for
    byte the same."""
    first, second = code_of(CELLS[NOTEBOOKS[0]]), code_of(CELLS[name])
    shared = ["def claim(", "model name"] + (["def sweep("] if name != NOTEBOOKS[2] else [])
    for mark in shared:
        (one,), (other,) = ([source for source in sources if mark in source]
                            for sources in (first, second))
        assert one == other


def test_the_zip_is_the_tree():
    assert_the_zip_is_the_tree(ROOT)


@pytest.mark.parametrize("folder", EXERCISES)
def test_the_picture_beside_a_notebook_is_its_first(folder):
    text = (ROOT / folder / f"{folder}.ipynb").read_text(encoding="utf-8")
    first = re.search(r'"image/png": "([\w+/=]+)', text)[1]
    assert (ROOT / folder / "answer.png").read_bytes() == base64.b64decode(first)
