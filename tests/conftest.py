"""What the tests share: the sample data, and the functions of the notebooks."""

import ast
import importlib.util
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import check_notebooks  # noqa: E402
import make_sample  # noqa: E402

NOTEBOOKS = list(check_notebooks.PARTS)


def definitions(notebook):
    """Return the source of a module with the imports, functions and literal
    settings of `notebook`, and nothing that loads, trains or draws."""
    kept = []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        for node in ast.parse(cell.source).body:
            imports = isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef)
            quiet_import = isinstance(node, ast.With)
            literal = isinstance(node, ast.Assign) and is_constant(node)
            if imports or literal or quiet_import and "import" in ast.unparse(node):
                kept.append(ast.get_source_segment(cell.source, node))
                if getattr(node, "decorator_list", None):
                    kept[-1] = f"@{ast.unparse(node.decorator_list[0])}\n{kept[-1]}"
    return "\n\n".join(kept) + "\n"


def is_constant(node):
    """Return whether `node` assigns to an UPPER_CASE name without calling into
    the notebook's data."""
    named = all(isinstance(t, ast.Name) and t.id.isupper() for t in node.targets)
    return named and not any(isinstance(n, ast.Call) for n in ast.walk(node.value))


def load_functions(name, folder):
    """Return the notebook called `name` as a module of its definitions."""
    notebook = nbformat.read(ROOT / name, as_version=4)
    path = folder / f"{Path(name).stem}_functions.py"
    path.write_text(definitions(notebook), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


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
