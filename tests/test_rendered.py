"""The notebooks and the zip as they are committed."""

import ast
import itertools
import re
import zipfile

import build_submission
import check_notebooks
import nbformat
import numpy as np
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
    shared = ["quiet", "globals_of", "code_of", "run_key", "save_run", "load_run", "sweep",
              "engine", "train_alone"]
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


# What people with one kind of cone missing see, in linear RGB: Machado, Oliveira, Fernandes,
# "A physiologically-based model for simulation of color vision deficiency", IEEE TVCG 15(6),
# 2009, severity 1.0.
SEEN_BY = {
    "most people": np.eye(3),
    "protanopes": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopes": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
    "tritanopes": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                   [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
                   [0.0193339, 0.1191920, 0.9503041]])  # of linear sRGB, IEC 61966-2-1


def linear(colour):
    """Return the linear RGB (3,) of a colour like "#0072B2"."""
    share = np.array([int(colour[i:i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def contrast_to_white(colour):
    """Return the contrast ratio of a colour to white, as WCAG 2 defines it."""
    return 1.05 / (TO_XYZ[1] @ linear(colour) + 0.05)


def lab(rgb):
    """Return the CIE L*a*b* (3,) of a linear RGB colour."""
    x, y, z = (t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116
               for t in TO_XYZ @ np.clip(rgb, 0, 1) / TO_XYZ.sum(1))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.fixture(scope="module")
def palettes(names, activity, review):
    """The lines that stand in one figure, as lists of (colour, marker or None)."""
    return [
        [(colour, names.MARKERS[model]) for model, colour in names.COLOURS.items()],
        list(zip(names.OKABE_ITO, "osD^vPX", strict=True)),
        [(colour, activity.FAMILY_MARKER[family])
         for family, colour in activity.FAMILY_COLOUR.items()],
        [(colour, None) for colour in (activity.BLUE, activity.ORANGE, activity.GREEN)],
        list(review.KIND_STYLE.values()),
        list(review.RADIUS_STYLE.values()),
        list(review.CLIP_STYLE.values()),
    ]


def test_lines_stand_out_from_the_page(palettes):
    """3:1 is what WCAG 2 (1.4.11) asks of graphics. Okabe and Ito's orange and sky blue
    have 2.3: they are for lines that a marker of their own tells apart too."""
    for colour, marker in set(itertools.chain(*palettes)):
        assert contrast_to_white(colour) >= (2 if marker else 3), (colour, marker)


@pytest.mark.parametrize("people", SEEN_BY)
def test_lines_of_one_figure_can_be_told_apart(palettes, people):
    """A Lab distance of 2.3 is just noticeable; here it is at least 15."""
    for palette in palettes:
        for pair in itertools.combinations([colour for colour, _ in palette], 2):
            first, second = (lab(SEEN_BY[people] @ linear(colour)) for colour in pair)
            assert np.linalg.norm(first - second) >= 15, pair
        markers = [marker for _, marker in palette if marker]
        assert len(set(markers)) == len(markers)


def test_no_colour_is_too_pale_to_see(rendered):
    code = "\n".join(c.source for c in rendered[0].cells if c.cell_type == "code")
    colours = set(re.findall(r"#[0-9A-Fa-f]{6}", code))
    assert colours and [c for c in colours if contrast_to_white(c) < 2] == []
