"""The notebooks and the zip as they are committed."""

import ast
import base64
import re
import sys
import zipfile

import hand_in
import pytest
from conftest import EXERCISES, NOTEBOOKS, ROOT

PACKAGES = {"tensorflow", "keras", "numpy", "pandas", "matplotlib", "sklearn", "scipy",
            "joblib", "psutil", "IPython", "ipywidgets", "distributed"}
OKABE_ITO = {"#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"}


def code_of(cells, tag=None):
    return [cell["source"] for cell in cells if cell["cell_type"] == "code"
            and (tag is None or tag in cell["metadata"].get("tags", []))]


def outputs_of(cells):
    return [output for cell in cells for output in cell.get("outputs", [])]


def test_it_passes_the_check_at_full_size_on_real_data(rendered):
    cells, name = rendered
    assert hand_in.find_problems(cells, hand_in.PARTS[name]) == []
    (parameters,) = code_of(cells, "parameters")
    assert parameters.startswith('SIZE = "full"') and parameters.count("SIZE =") == 1
    assert "no result" not in str(outputs_of(cells)).lower()


def test_its_claims_were_judged(rendered):
    found = hand_in.claims(rendered[0])
    assert 1 <= len(found) <= 12
    assert {row["holds"] for _, row in found} <= {"yes", "no"}
    assert [row["claim"] for heading, row in found if heading == "?"] == []


def test_nothing_in_it_names_the_folder_of_kept_runs(rendered):
    shown = str(outputs_of(rendered[0]))
    assert [word for word in (".npz", "build/", "is damaged", "workers.log", " left'")
            if word in shown and f"0{word}" not in shown] == []


def test_it_imports_nothing_of_ours(rendered):
    for node in ast.walk(ast.parse("\n".join(code_of(rendered[0])))):
        names = [node.module] if isinstance(node, ast.ImportFrom) else \
            [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        assert {name.partition(".")[0] for name in names} <= PACKAGES | sys.stdlib_module_names


def test_the_contents_lead_to_headings(rendered):
    markdown = "\n".join(c["source"] for c in rendered[0] if c["cell_type"] == "markdown")
    anchors = {line.lstrip("#").strip().replace(" ", "-")
               for line in markdown.splitlines() if line.startswith("#")}
    links = set(re.findall(r"\]\(#([^)]+)\)", markdown))
    assert len(links) >= 4 and links <= anchors


def test_its_colours_can_be_told_apart_by_all(rendered):
    """Okabe and Ito's colours, and greys."""
    colours = set(re.findall(r"#[0-9A-Fa-f]{6}\b", "\n".join(code_of(rendered[0]))))
    greys = {colour for colour in colours if colour[1:3] == colour[3:5] == colour[5:]}
    assert {colour.upper() for colour in colours - greys} <= OKABE_ITO


@pytest.mark.parametrize("name", NOTEBOOKS[:2])
def test_a_cell_run_twice_writes_its_rows_once(name):
    """Rows are kept by experiment, and an experiment's list is begun anew in its cell."""
    for source in code_of(hand_in.read(ROOT / name)):
        adds = re.search(r"records\[(\w+)\](?: \+=|\.(?:append|extend)\()", source)
        assert not adds or f"records[{adds[1]}] = []" in source
        assert not re.search(r"records\.(?:append|extend|setdefault)", source)


@pytest.mark.parametrize("other", NOTEBOOKS[1:])
def test_the_notebooks_share_what_they_share(other):
    """The runner stands in the exercises, the claims in all three, byte for byte the same."""
    first, second = hand_in.read(ROOT / NOTEBOOKS[0]), hand_in.read(ROOT / other)
    if other != NOTEBOOKS[2]:
        assert code_of(first, "runner") == code_of(second, "runner") != []
    for function in ("claim", "holm", "claims_table", "processor"):
        cells = [[source for source in code_of(cells) if f"def {function}(" in source]
                 for cells in (first, second)]
        assert cells[0] == cells[1] and len(cells[0]) == 1


def test_the_zip_is_the_tree():
    with zipfile.ZipFile(ROOT / "submission.zip") as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {
            name: (ROOT / name).read_bytes() for name in hand_in.CONTENT}


@pytest.mark.parametrize("folder", EXERCISES)
def test_the_figure_of_the_readme_is_the_first_of_the_notebook(folder):
    shown = [output.get("data", {}) for output in
             outputs_of(hand_in.read(ROOT / folder / f"{folder}.ipynb"))]
    figure = next(data["image/png"] for data in shown if "image/png" in data)
    assert (ROOT / folder / "answer.png").read_bytes() == base64.b64decode("".join(figure))
