"""The functions and constants of a notebook as a Python module, for tests and bench."""

import ast
import builtins
import importlib.util
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent


def definitions(notebook):
    """Return the source of a module with the imports, functions and constants of
    `notebook`, and nothing that loads, trains or draws."""
    kept, known = [], set(dir(builtins))
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        for node in ast.parse(cell.source).body:
            defines = isinstance(node, ast.Import | ast.ImportFrom) or (
                isinstance(node, ast.FunctionDef) and names_in(node.args, ast.Load) <= known)
            imports = isinstance(node, ast.With) and isinstance(node.body[0], ast.Import)
            if defines or imports or is_constant(node, known):
                kept.append(ast.unparse(node))
                known |= names_in(node, ast.Store) | {getattr(node, "name", "")}
                known |= {alias.asname or alias.name.split(".")[0]
                          for alias in ast.walk(node) if isinstance(alias, ast.alias)}
    return "\n\n".join(kept) + "\n"


def names_in(node, context):
    """Return the names that `node` sets (ast.Store) or uses (ast.Load)."""
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)
            and isinstance(n.ctx, context)}


def is_constant(node, known):
    """Return whether `node` sets UPPER_CASE names out of `known` names only."""
    if not isinstance(node, ast.Assign):
        return False
    used = names_in(node.value, ast.Load) - names_in(node.value, ast.Store)
    targets = set().union(*(names_in(target, ast.Store) for target in node.targets))
    return used <= known and all(name.isupper() for name in targets)


def load_functions(name, folder):
    """Return the notebook called `name` as a module of its definitions, which is
    written into `folder`."""
    notebook = nbformat.read(ROOT / name, as_version=4)
    path = folder / f"{Path(name).stem}_functions.py"
    path.write_text(definitions(notebook), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module
