"""Execute the three notebooks on the real data, check them, write submission.zip.

    python tools/build_submission.py              the submission, all runs
    python tools/build_submission.py --preview    a short look, into build/preview

Training runs are kept in the folders `runs`; after an interruption the same
command goes on from there.
"""

import argparse
import base64
import csv
import io
import os
import sys
import threading
import time
import zipfile
from pathlib import Path

import check_notebooks
import get_data
import nbconvert
import nbformat
from make_sample import make_sample
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

ROOT = get_data.ROOT
DATA_FOLDERS = {"name_classification": "names", "activity_recognition": "UCI_HAR_Dataset"}
CONTENT = ["requirements.txt", *check_notebooks.PARTS]


class BuildError(Exception):
    """A build that cannot go on; the message says where and why."""


def inject(notebook, parameters):
    """Add a cell that sets `parameters` after the cell tagged `parameters`
    (papermill's convention)."""
    index = next(i for i, cell in enumerate(notebook.cells)
                 if "parameters" in cell.metadata.get("tags", []))
    source = "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
    cell = nbformat.v4.new_code_cell(source, id="injected")
    cell.metadata["tags"] = ["injected-parameters"]
    notebook.cells.insert(index + 1, cell)


def last_line(cell):
    """Return the last line of text that `cell` has shown so far."""
    for output in reversed(cell.get("outputs", [])):
        text = output.get("text") or output.get("data", {}).get("text/plain", "")
        if text.strip():
            return text.strip().splitlines()[-1][:50]
    return ""


def execute(path, parameters):
    """Return the notebook at `path`, executed in a fresh kernel in its folder."""
    notebook = nbformat.read(path, as_version=4)
    if parameters:
        inject(notebook, parameters)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    here, started, ended = {"index": 0}, time.monotonic(), threading.Event()

    def report():
        while not ended.wait(1):
            minutes, seconds = divmod(int(time.monotonic() - started), 60)
            line = (f"{path.stem}: cell {here['index'] + 1} of {len(notebook.cells)}, "
                    f"{minutes}:{seconds:02d}  {last_line(notebook.cells[here['index']])}")
            print(f"\r{line:<100.100}", end="", file=sys.stderr, flush=True)

    client = NotebookClient(
        notebook, timeout=None, kernel_name="python3", record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
        extra_arguments=["--log-level=ERROR"],
        on_cell_execute=lambda cell, cell_index: here.update(index=cell_index))
    reporter = threading.Thread(target=report, daemon=True)
    reporter.start()
    try:
        client.execute()
    except CellExecutionError as error:
        number = sum(c.cell_type == "code" for c in notebook.cells[:here["index"] + 1])
        reason = (str(error.evalue).splitlines() or [""])[-1]
        where = f"{path.name}, code cell [{number}]"
        raise BuildError(f"{where}: {error.ename}: {reason}") from None
    except DeadKernelError:
        raise BuildError(f"{path.name}: the kernel died in cell {here['index'] + 1}; "
                         "run the same command to go on") from None
    finally:
        ended.set()
        reporter.join()
        print(file=sys.stderr)
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def write_whole(path, content):
    """Write `content` (bytes) to `path` so that it is replaced at once or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    try:
        beside.write_bytes(content)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def write_zip(root, path):
    """Write `path`: the notebooks and requirements.txt under `root`, nothing else;
    the same files give the same bytes."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(CONTENT):
            member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o644 << 16
            archive.writestr(member, (root / name).read_bytes())
    write_whole(path, content.getvalue())


def first_figure(notebook):
    """Return the PNG bytes of the first figure of `notebook`, its answer at a glance."""
    return next(base64.b64decode(output.data["image/png"])
                for cell in notebook.cells for output in cell.get("outputs", [])
                if "image/png" in output.get("data", {}))


def print_estimate():
    """Say how long all runs take here, by the seconds of the results of last time."""
    seconds = 0.0
    for folder in DATA_FOLDERS:
        path = ROOT / folder / "results.csv"
        if path.exists():
            with open(path, newline="", encoding="utf-8") as file:
                # a set: a model that stands in two tables was trained once
                seconds += sum({float(row["train_seconds"] or 0)
                                for row in csv.DictReader(file)})
    cores = os.cpu_count()
    kept = sum(1 for folder in DATA_FOLDERS for _ in (ROOT / folder / "runs").glob("*.npz"))
    if seconds:
        print(f"All runs took {seconds / 60:.0f} core-minutes last time: about "
              f"{seconds / 60 / cores + 5:.0f} minutes on {cores} cores. "
              f"{kept} finished runs are on disk and are not done again.")


def print_checklist(notebooks):
    """Say part by part which heading answers it, and what is left to do by hand."""
    for name, notebook in notebooks.items():
        for part, heading in sorted(check_notebooks.headings(notebook).items()):
            print(f"  {part}  {heading}  ({name})")
        if "**Author:** …" in notebook.cells[0].source:
            print(f"  !!  fill in the line **Author:** in the first cell of {name}")
        for problem in check_notebooks.find_unprinted_numbers(notebook):
            print(f"  !!  mend the prose of {name}, {problem}")


def build(target, parameters):
    """Execute and check all notebooks, then write them, and the zip, under `target`;
    `parameters` is a dict for each notebook's stem. Nothing is written on failure."""
    rendered = {}
    for name, parts in check_notebooks.PARTS.items():
        path = ROOT / name
        rendered[name] = execute(path, parameters.get(path.stem))
        problems = check_notebooks.find_problems(rendered[name], parts)
        if problems:
            raise BuildError(f"{name} did not pass the check: " + "; ".join(problems))
    for name, notebook in rendered.items():
        write_whole(target / name, nbformat.writes(notebook).encode("utf-8"))
    return rendered


def short_parameters(target, size, sample):
    """Return the parameters that keep a short run's files under `target`, with its
    data from the folder `sample` (None: the real data)."""
    parameters = {"review_questions": {"SIZE": size}}
    for folder in DATA_FOLDERS:
        (target / folder).mkdir(parents=True, exist_ok=True)
        chosen = {"SIZE": size, "OUTPUT_FOLDER": target / folder,
                  "RUNS_FOLDER": target / folder / "runs"}
        if sample:
            chosen["DATA_FOLDER"] = sample / DATA_FOLDERS[folder]
        parameters[folder] = {
            name: Path(os.path.relpath(value, ROOT / folder)).as_posix()
            if isinstance(value, Path) else value for name, value in chosen.items()}
    return parameters


def build_short(target, size, sample=None):
    """Build a short run into `target`, as notebooks and as HTML pages."""
    rendered = build(target, short_parameters(target, size, sample))
    for name, notebook in rendered.items():
        page, _ = nbconvert.HTMLExporter().from_notebook_node(notebook)
        write_whole((target / name).with_suffix(".html"), page.encode("utf-8"))
    return rendered


def main():
    """Run the command line and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preview", action="store_true",
                        help="two seeds and few epochs, into build/preview, in ten minutes")
    preview = parser.parse_args().preview
    started = time.monotonic()
    try:
        get_data.check_writable()
        if not get_data.get_all():
            print("The real data is not to be had, so the notebooks run on sample data, into "
                  "build/sample: their numbers are no result.")
            make_sample(ROOT / "build/sample/data")
            build_short(ROOT / "build/sample", "preview", ROOT / "build/sample/data")
        elif preview:
            build_short(ROOT / "build/preview", "preview")
        else:
            print_estimate()
            rendered = build(ROOT, {})
            for folder in DATA_FOLDERS:
                figure = first_figure(rendered[f"{folder}/{folder}.ipynb"])
                write_whole(ROOT / folder / "answer.png", figure)
            write_zip(ROOT, ROOT / "submission.zip")
            print_checklist(rendered)
            size = (ROOT / "submission.zip").stat().st_size
            print(f"submission.zip is written: {size / 1e6:.1f} MB.")
    except (BuildError, get_data.DataError, OSError) as error:
        print(f"Stopped: {error}", file=sys.stderr)
        return 1
    print(f"Done in {(time.monotonic() - started) / 60:.1f} minutes.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
