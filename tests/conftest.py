"""What the tests share: sample data, tiny notebooks, the functions of the real ones."""

import os
import sys
from pathlib import Path

os.environ.update(LOKY_MAX_CPU_COUNT="2", KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3",
                  TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1")
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import hand_in  # noqa: E402
import make_sample  # noqa: E402
import nbformat  # noqa: E402
import pytest  # noqa: E402
from notebook_code import load_functions  # noqa: E402

NOTEBOOKS = list(hand_in.PARTS)
EXERCISES = ["name_classification", "activity_recognition"]


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


@pytest.fixture(params=NOTEBOOKS)
def rendered(request):
    """The cells of each committed notebook and its name."""
    return hand_in.read(ROOT / request.param), request.param


def write_notebook(path, *sources):
    """Write a notebook: a source that begins with `#` becomes markdown, and the first code
    cell is its `parameters`."""
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": {
        "name": "python3", "display_name": "Python 3", "language": "python"}})
    for source in sources:
        new = nbformat.v4.new_markdown_cell if source.startswith("#") \
            else nbformat.v4.new_code_cell
        notebook.cells.append(new(source))
    next(c for c in notebook.cells if c.cell_type == "code").metadata["tags"] = ["parameters"]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
