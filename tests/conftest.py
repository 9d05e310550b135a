"""What the tests share: the sample data, and the functions of the notebooks."""

import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import check_notebooks  # noqa: E402
import make_sample  # noqa: E402
from notebook_code import load_functions  # noqa: E402

NOTEBOOKS = list(check_notebooks.PARTS)


@pytest.fixture(scope="session")
def names(tmp_path_factory):
    return load_functions(NOTEBOOKS[0], tmp_path_factory.mktemp("functions"))


@pytest.fixture(scope="session")
def activity(tmp_path_factory):
    return load_functions(NOTEBOOKS[1], tmp_path_factory.mktemp("functions"))


@pytest.fixture(scope="session")
def review(tmp_path_factory):
    return load_functions(NOTEBOOKS[2], tmp_path_factory.mktemp("functions"))


@pytest.fixture(scope="session")
def sample(tmp_path_factory):
    """The folder of the sample data, shared: do not write into it."""
    folder = tmp_path_factory.mktemp("sample")
    make_sample.make_sample(folder)
    return folder


@pytest.fixture(scope="session", params=NOTEBOOKS)
def rendered(request):
    """Each committed notebook, with its parts of the assignment and its name."""
    notebook = nbformat.read(ROOT / request.param, as_version=4)
    return notebook, check_notebooks.PARTS[request.param], request.param
