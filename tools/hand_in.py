"""Check the three notebooks as they stand, say what answers which part, zip them
(make zip). It runs no cell and needs no package."""

import hashlib
import json
import re
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PARTS = {
    "name_classification/name_classification.ipynb": ["1a", "1b", "1c", "1d", "1e", "1f"],
    "activity_recognition/activity_recognition.ipynb": ["2a", "2b", "2c", "2d"],
    "review_questions.ipynb": ["3a", "3b", "3c", "3d"],
}
CONTENT = ["requirements.txt", *PARTS]
ABSOLUTE_PATH = re.compile(r"(?<![\w.:/])/(?:home|Users|root|work|tmp|private|mnt)/|[A-Z]:\\\\")
AUTHOR = re.compile(r"\*\*Author:\*\*[ \t]*[^\s.…]")


def read(path):
    """Return the cells of a notebook, however saved, less empty ones; sources as str."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    for cell in cells:
        cell["source"] = "".join(cell["source"])
    return [cell for cell in cells if cell["source"].strip()]


def hash_of(source):
    """Return the hash that the build keeps of the source of a cell it has run."""
    return hashlib.sha256(source.strip().encode()).hexdigest()[:12]


def headings(cells):
    """Return {part: heading} of the headings like `## 1a. Data`."""
    text = "\n".join(cell["source"] for cell in cells if cell["cell_type"] == "markdown")
    return dict(re.findall(r"^## (\d[a-z])\. +(.+)$", text, flags=re.M))


def find_problems(cells, parts):
    """Return what is wrong with an executed notebook, a sentence each."""
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    found = [f"no heading `## {part}. …`" for part in parts if part not in headings(cells)]
    if [cell["execution_count"] for cell in code] != list(range(1, len(code) + 1)):
        found.append("the code cells were not run once each, in order: restart, run all, save")
    for number, cell in enumerate(code, 1):
        for output in cell["outputs"]:
            if output["output_type"] == "error":
                found.append(f"[{number}] shows the error {output['ename']}")
            if output.get("name") == "stderr":
                found.append(f"[{number}] shows stderr: {''.join(output['text'])[:80]!r}")
    found += [] if claims(cells) else ["it has no table of claims"]
    if path := ABSOLUTE_PATH.search(json.dumps(cells, ensure_ascii=False)):
        found.append(f"an absolute path stands in it ({path[0]}…)")
    return found


def claims(cells):
    """Return (heading, row) for each row of the table of claims, a dict of claim, figures and
    holds, with the last heading above the cell that shows the claim itself."""
    heading, shown, rows = "", {}, []
    for cell in cells:
        if cell["cell_type"] == "markdown":
            heading = [heading, *re.findall("^##+ +(.+)$", cell["source"], flags=re.M)][-1]
        for output in cell.get("outputs", []):
            shown["".join(output.get("data", {}).get("text/markdown", ""))] = heading
            rows += output.get("metadata", {}).get("claims", [])
    return [(next((shown[text] for text in shown if row["claim"] in text), "?"), row)
            for row in rows]


def remarks(cells):
    """Return what the author may want to do to a notebook that can be handed in."""
    if not AUTHOR.search(cells[0]["source"]):
        yield "fill in the line **Author:** in the first cell"
    for number, cell in enumerate((c for c in cells if c["cell_type"] == "code"), 1):
        now, first_line = hash_of(cell["source"]), cell["source"].strip().partition("\n")[0]
        if cell["metadata"].get("source_hash", now) != now:
            yield (f"code cell {number} ({first_line:.40}) differs from what was run by make "
                   "submission; if you ran it again in Jupyter, all is well")
    for heading, row in claims(cells):
        if row["holds"] == "no":
            yield f"does not hold: {row['claim']} ({row['figures']}), under \"{heading}\""


def write_zip(root):
    """Write submission.zip; the same files give the same bytes."""
    beside = root / "submission.part"
    with zipfile.ZipFile(beside, "w") as archive:
        for name in sorted(CONTENT):
            member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            member.external_attr = 0o644 << 16
            archive.writestr(member, (root / name).read_bytes(), zipfile.ZIP_DEFLATED)
    print(f"submission.zip: {beside.stat().st_size / 1e6:.1f} MB.")
    beside.replace(root / "submission.zip")


def hand_in(root=ROOT):
    """Check and zip the notebooks, say what answers which part; return the exit code."""
    notebooks, problems = {}, []
    for name, parts in PARTS.items():
        try:
            notebooks[name] = read(root / name)
            problems += [f"{name}: {p}" for p in find_problems(notebooks[name], parts)]
            if any(re.match('SIZE = "(?!full")', c["source"]) for c in notebooks[name]) or any(
                    row["holds"] == "not judged" for _, row in claims(notebooks[name])):
                problems.append(f"{name}: no full run on real data: set SIZE to full, run all")
        except (OSError, ValueError, KeyError, TypeError) as error:
            problems.append(f"{name} is missing or no notebook ({type(error).__name__})")
    try:
        if not problems:
            write_zip(root)
    except OSError as error:
        (root / "submission.part").unlink(missing_ok=True)
        problems = [f"{error.filename}: {error.strerror}"]
    if problems:
        print("Stopped, submission.zip is as it was:", *problems, sep="\n  ", file=sys.stderr)
        return 1
    for name, cells in notebooks.items():
        print(name, *(f"  {part}  {text}" for part, text in sorted(headings(cells).items())),
              *(f"  !!  {remark}" for remark in remarks(cells)), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(hand_in())
