"""Check rendered notebooks as a strict grader would.

    python tools/check_notebooks.py
"""

import re
import sys
from decimal import Decimal
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
PARTS = {
    "name_classification/name_classification.ipynb": ["1a", "1b", "1c", "1d", "1e", "1f"],
    "activity_recognition/activity_recognition.ipynb": ["2a", "2b", "2c", "2d"],
    "review_questions.ipynb": ["3a", "3b", "3c", "3d"],
}
LONGEST_CELL = 28  # lines of code
ABSOLUTE_PATH = re.compile(r"(?<![\w.:/])/(?:home|Users|root|work|tmp|private|mnt)/|[A-Z]:\\\\")
DECIMAL = re.compile(r"(?<![\w.])\d+\.\d+(?![\w.]*\.\d)")
NOT_PROSE = re.compile(r"`[^`]*`|\$[^$]*\$|\]\([^)]*\)|https?://\S+")


def headings(notebook):
    """Return {part: heading} of the second-level headings like `## 1a. Data`."""
    text = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    return dict(re.findall(r"^## (\d[a-z])\. +(.+)$", text, flags=re.M))


def find_problems(notebook, parts):
    """Return what is wrong with a rendered notebook, a sentence each."""
    found = []
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if [cell.execution_count for cell in code] != list(range(1, len(code) + 1)):
        found.append("the code cells were not executed once each, in order")
    for number, cell in enumerate(code, 1):
        lines = sum(bool(line.strip()) for line in cell.source.splitlines())
        if lines == 0:
            found.append(f"[{number}] is empty")
        if lines > LONGEST_CELL:
            found.append(f"[{number}] has {lines} lines of code, more than {LONGEST_CELL}")
        for output in cell.outputs:
            if output.output_type == "error":
                found.append(f"[{number}] shows the error {output.ename}")
            if output.get("name") == "stderr":
                found.append(f"[{number}] shows stderr: {output.text.strip()[:80]!r}")
    if ABSOLUTE_PATH.search(nbformat.writes(notebook)):
        found.append("an absolute path stands in it")
    missing = [part for part in parts if part not in headings(notebook)]
    found += [f"no heading answers part {part}" for part in missing]
    return found


def printed_text(notebook):
    """Return all text that the cells of `notebook` printed or displayed."""
    texts = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            texts.append(output.get("text", ""))
            for kind, value in output.get("data", {}).items():
                if kind == "text/html":
                    value = re.sub(r"<style.*?</style>|<[^>]+>", " ", value, flags=re.S)
                if kind.startswith("text/"):
                    texts.append(value)
    return "\n".join(texts)


def find_unprinted_numbers(notebook):
    """Return a sentence for each decimal number in the prose that no cell of
    `notebook` printed to the digits quoted; cells tagged `background` (theory,
    published figures) are not looked at."""
    printed = [Decimal(number) for number in set(DECIMAL.findall(printed_text(notebook)))]
    found = []
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type != "markdown" or "background" in cell.metadata.get("tags", []):
            continue
        prose = NOT_PROSE.sub(" ", cell.source)
        for match in DECIMAL.finditer(prose):
            quoted = Decimal(match[0])
            digit = Decimal(1).scaleb(quoted.as_tuple().exponent)
            percent = re.match(r"\s*(%|percent|(?:\w+ )?points?)", prose[match.end():])
            values = printed + [100 * p for p in printed] if percent else printed
            if not any(p.as_tuple().exponent <= quoted.as_tuple().exponent
                       and abs(p - quoted) <= digit / 2 for p in values):
                around = prose[max(0, match.start() - 40):match.end() + 15].replace("\n", " ")
                found.append(f"cell {index}: no cell printed {match[0]} (…{around}…)")
    return found


def main():
    """Check the three notebooks, print what is wrong, return the exit code."""
    bad = 0
    for name, parts in PARTS.items():
        notebook = nbformat.read(ROOT / name, as_version=4)
        for problem in find_problems(notebook, parts) + find_unprinted_numbers(notebook):
            print(f"{name}: {problem}")
            bad = 1
    return bad


if __name__ == "__main__":
    sys.exit(main())
