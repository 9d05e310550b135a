"""The notebooks and the zip as they are committed."""

import ast
import base64
import re
import sys
import zipfile

import hand_in
import pytest
from conftest import EXERCISES, NOTEBOOKS, ROOT, code_of

PACKAGES = {"tensorflow", "keras", "numpy", "pandas", "matplotlib", "sklearn", "scipy",
            "joblib", "psutil", "IPython", "ipywidgets", "distributed"}
OKABE_ITO = {"#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"}


@pytest.fixture(params=NOTEBOOKS)
def cells(request):
    """The cells of each committed notebook."""
    return hand_in.read(ROOT / request.param)


@pytest.fixture
def code(cells):
    """The sources of its code cells as one."""
    return "\n".join(code_of(cells))


@pytest.fixture
def shown(cells):
    """All that its outputs show."""
    return str([cell["outputs"] for cell in cells if "outputs" in cell])


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_passes_the_check(name):
    assert hand_in.find_problems(hand_in.read(ROOT / name), hand_in.PARTS[name]) == []


def test_it_was_run_at_full_size_on_real_data(cells, shown):
    (parameters,) = code_of(cells, "parameters")
    assert parameters.startswith('SIZE = "full"') and parameters.count("SIZE =") == 1
    assert "no result" not in shown.lower()


def test_its_cells_are_short(cells):
    """At most 25 lines, the runner 45, that are neither blank nor comment nor docstring."""
    for source in code_of(cells):
        lines = re.findall(r"(?m)^\s*[^#\s]", re.sub(r'(?s)""".*?"""', "", source))
        assert len(lines) <= (45 if source in code_of(cells, "runner") else 25), source


def test_its_claims_were_judged(cells):
    found = hand_in.claims(cells)
    assert 1 <= len(found) <= 12
    assert {row["holds"] for _, row in found} <= {"yes", "no"}
    assert [row["claim"] for heading, row in found if heading == "?"] == []


def test_nothing_in_it_names_the_folder_of_kept_runs(shown):
    assert [word for word in (".npz", "build/", "is damaged", "workers.log", " left'")
            if word in shown and f"0{word}" not in shown] == []


def test_it_imports_nothing_of_ours(code):
    for node in ast.walk(ast.parse(code)):
        names = [node.module] if isinstance(node, ast.ImportFrom) else \
            [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        assert {name.partition(".")[0] for name in names} <= PACKAGES | sys.stdlib_module_names


def test_the_contents_lead_to_headings(cells):
    markdown = "\n".join(c["source"] for c in cells if c["cell_type"] == "markdown")
    anchors = {text.strip().replace(" ", "-") for text in re.findall(r"(?m)^#+(.*)", markdown)}
    links = set(re.findall(r"\]\(#([^)]+)\)", markdown))
    assert len(links) >= 4 and links <= anchors


def test_its_colours_can_be_told_apart_by_all(code):
    """Okabe and Ito's colours, and greys."""
    colours = set(re.findall(r"#[0-9A-Fa-f]{6}\b", code))
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
        sources = [[source for source in code_of(cells) if f"def {function}(" in source]
                   for cells in (first, second)]
        assert sources[0] == sources[1] and len(sources[0]) == 1


def test_the_zip_is_the_tree():
    with zipfile.ZipFile(ROOT / "submission.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            name: (ROOT / name).read_bytes() for name in hand_in.CONTENT}


@pytest.mark.parametrize("folder", EXERCISES)
def test_the_picture_beside_a_notebook_is_its_first(folder):
    text = (ROOT / folder / f"{folder}.ipynb").read_text(encoding="utf-8")
    first = re.search(r'"image/png": "([\w+/=]+)', text)[1]
    assert (ROOT / folder / "answer.png").read_bytes() == base64.b64decode(first)
