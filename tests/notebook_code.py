"""The imports, functions and constants of a notebook as a module."""

import ast
import importlib
import sys
from pathlib import Path

from hand_in import ROOT, read


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
    for cell in read(ROOT / name):
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
