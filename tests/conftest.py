"""What the tests share: sample data, tiny notebooks, the functions of the real ones."""

import ast
import importlib
import os
import sys
import zipfile
from pathlib import Path

os.environ.update(LOKY_MAX_CPU_COUNT="2", KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3",
                  TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1")
sys.path.insert(0, str(Path(__file__).parent.parent / "tools"))

import hand_in  # noqa: E402
import make_sample  # noqa: E402
import nbformat  # noqa: E402
import pytest  # noqa: E402
from hand_in import ROOT  # noqa: E402

NOTEBOOKS = list(hand_in.PARTS)
EXERCISES = ["name_classification", "activity_recognition"]
CLAIM = {"claim": "Two is more than three.", "figures": "2 and 3", "holds": "no"}


def defines(node):
    """Return whether `node` imports or defines something, sets UPPER_CASE names, or sets
    others without calling anything."""
    if isinstance(node, ast.Assign):
        inside = list(ast.walk(node))
        return not any(isinstance(part, ast.Call) for part in inside) or all(
            target.id.isupper() for target in node.targets if isinstance(target, ast.Name))
    inner = node.body[0] if isinstance(node, ast.With) else node
    return isinstance(inner, ast.Import | ast.ImportFrom | ast.FunctionDef)


def load_functions(name, folder):
    """Return the notebook called `name` as a module of what it defines, less what needs a
    computed value; its source is written into `folder`, from where it is imported."""
    kept, space = [], {}
    for cell in hand_in.read(ROOT / name):
        body = ast.parse(cell["source"]).body if cell["cell_type"] == "code" else []
        for code in map(ast.unparse, filter(defines, body)):
            try:
                exec(code, space)
            except (NameError, OSError):
                continue
            kept.append(code)
    path = folder / f"{Path(name).stem}_functions.py"
    path.write_text("\n\n".join(kept), encoding="utf-8")
    sys.path.insert(0, str(folder))  # for worker processes too
    return importlib.import_module(path.stem)


def functions_of(index):
    """Return a fixture: notebook `index` as a module of what it defines."""
    @pytest.fixture(scope="session")
    def functions(tmp_path_factory):
        return load_functions(NOTEBOOKS[index], tmp_path_factory.mktemp("functions"))
    return functions


names, activity, review = map(functions_of, range(3))


@pytest.fixture(scope="session")
def sample(tmp_path_factory):
    """The folder of the sample data, shared: do not write into it."""
    folder = tmp_path_factory.mktemp("sample") / "data"
    make_sample.make_sample(folder)
    return folder


@pytest.fixture
def root(tmp_path):
    """An empty folder for a project, with a space and an umlaut in its path."""
    (tmp_path / "mein Übungsordner").mkdir()
    return tmp_path / "mein Übungsordner"


def assert_the_zip_is_the_tree(root):
    with zipfile.ZipFile(root / "submission.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            name: (root / name).read_bytes() for name in hand_in.CONTENT}


def code_of(cells, tag=None):
    """Return the sources of the code cells, or of those with a `tag`."""
    return [cell["source"] for cell in cells if cell["cell_type"] == "code"
            and (tag is None or tag in cell["metadata"].get("tags", []))]


def write_notebook(path, *sources, outputs=(), parts=()):
    """Write a notebook with a line for its author and a heading for each of `parts`: a source
    that begins with `#` becomes markdown, the first code cell is its `parameters`, and all
    count as run if the last one is to have `outputs`."""
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": {
        "name": "python3", "display_name": "Python 3", "language": "python"}})
    headings = [f"## {part}. Answer\nWords." for part in parts]
    for source in ["# Title\n\n**Author:** …", *headings, *sources]:
        new = nbformat.v4.new_markdown_cell if source[0] == "#" else nbformat.v4.new_code_cell
        notebook.cells.append(new(source))
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    code[0].metadata["tags"] = ["parameters"]
    for number, cell in enumerate(code if outputs else [], 1):
        cell.execution_count = number
    code[-1].outputs = list(map(nbformat.from_dict, outputs))
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
