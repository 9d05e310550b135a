"""Execute the three notebooks on the real data, check them, write submission.zip (make
submission); with --preview a short look, into build/preview (make preview)."""

import os
import sys


def stop():
    """End at once (else nbclient's exit handler prints a traceback) and say how to go on."""
    print("\nStopped: nothing was replaced and finished training runs are kept; run the same "
          "command to go on.", file=sys.stderr, flush=True)
    os._exit(130)


try:
    import base64
    import csv
    import shutil
    import signal
    from concurrent.futures import ThreadPoolExecutor, wait
    from pathlib import Path

    import get_data
    import hand_in
    import psutil
except KeyboardInterrupt:
    stop()

ROOT = get_data.ROOT
DATA_FOLDERS = {"name_classification": "names", "activity_recognition": "UCI_HAR_Dataset"}


def execute(path, parameters):
    """Return the notebook at `path`, executed in its folder, `parameters` set at the end of
    the cell of that tag; a full run leaves no trace of them. The hash of each code cell's
    source goes into its metadata, so that hand_in.py sees what was changed since."""
    import nbformat  # only here, so that Ctrl-C while it loads ends in a sentence, too
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in code:
        cell.metadata["source_hash"] = hand_in.hash_of(cell.source)
    first = next(cell for cell in code if "parameters" in cell.metadata.get("tags", []))
    source = first.source
    first.source += "".join(f"\n{name} = {value!r}" for name, value in parameters.items())
    begun = []  # code cells
    client = NotebookClient(
        notebook, kernel_name="python3", record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
        extra_arguments=["--log-level=ERROR"],
        on_cell_execute=lambda cell, cell_index: begun.append(cell))
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(client.execute)
        try:
            show_progress(path.stem, running, begun)
            running.result()
        except (CellExecutionError, DeadKernelError) as error:
            name = getattr(error, "ename", "the kernel died")
            reason = getattr(error, "evalue", "run the same command to go on")
            raise RuntimeError(f"{path.name}, [{len(begun)}]: {name}: {reason}") from None
        except KeyboardInterrupt:
            while not wait([running], timeout=0.2).done:  # the kernel may just be starting
                for process in psutil.Process().children(recursive=True):
                    process.terminate()
            raise
    notebook.metadata["language_info"] = {"name": "python"}
    if "SIZE" not in parameters:
        first.source = source
    return notebook


def show_progress(title, running, begun):
    """Show the cell and its last line of output until `running` (a future) ends."""
    while not wait([running], timeout=5).done:
        outputs = [o.get("data", o) for cell in begun[-1:] for o in cell.outputs]
        shown = "".join(o.get("text/plain", o.get("text", "")) for o in outputs).strip()
        print(f"\r{title}, cell {len(begun)}: {shown.rpartition(chr(10))[2]:<50.50}", end="",
              file=sys.stderr, flush=True)
    print(file=sys.stderr)


def build(target, size="full", sample=None):
    """Execute and check all notebooks, into the folder `target` with all that they write; a
    full run keeps its training beside them. `sample` is the folder of sample data to use."""
    import nbformat
    shutil.rmtree(target, ignore_errors=True)
    for name, parts in hand_in.PARTS.items():
        path, folder = ROOT / name, (target / name).parent
        folder.mkdir(parents=True, exist_ok=True)
        runs = size != "full" and target.parent / "runs" / path.stem  # the next build goes on
        places = {"OUTPUT_FOLDER": folder, "RUNS_FOLDER": runs,
                  "DATA_FOLDER": sample and sample / DATA_FOLDERS.get(path.stem, "")}
        parameters = {} if size == "full" else {"SIZE": size}
        parameters |= {name: Path(os.path.relpath(place, path.parent)).as_posix()
                       for name, place in places.items() if place}
        notebook = execute(path, parameters)
        nbformat.write(notebook, target / name)
        if problems := hand_in.find_problems(hand_in.read(target / name), parts):
            raise RuntimeError(f"{name} did not pass the check: " + "; ".join(problems))
        if path.stem in DATA_FOLDERS:
            shown = [o.get("data", {}) for c in notebook.cells for o in c.get("outputs", [])]
            figure = next(data["image/png"] for data in shown if "image/png" in data)
            (folder / "answer.png").write_bytes(base64.b64decode(figure))  # the first one


def deliver(target):
    """Move all files under `target` to their places and zip; return the exit code."""
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)  # all of it or nothing
    for path in filter(Path.is_file, list(target.rglob("*"))):
        os.replace(path, ROOT / path.relative_to(target))
    code = hand_in.hand_in(ROOT)
    signal.signal(signal.SIGINT, handler)
    return code


def print_estimate():
    """Say how long all runs take here, by the seconds of the results of last time."""
    rows = [row for path in ROOT.glob("*/results.csv")
            for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines())]
    minutes, cores = sum(float(row["train_seconds"] or 0) for row in rows) / 60, os.cpu_count()
    print(f"All runs took {minutes:.0f} core-minutes last time: {minutes / cores + 5:.0f} here "
          f"on {cores} cores. {len(list(ROOT.glob('*/runs/*.npz')))} runs are done already.")


def main():
    """Run the command line and return the exit code."""
    try:
        if not all([get_data.get(dataset) for dataset in get_data.FILES]):
            print("So sample data is used, into build/sample: no result.")
            from make_sample import make_sample
            make_sample(ROOT / "build/data")
            build(ROOT / "build/sample", "preview", ROOT / "build/data")
        elif sys.argv[1:] == ["--preview"]:
            build(ROOT / "build/preview", "preview")
        else:
            print_estimate()
            build(ROOT / "build/submission")
            return deliver(ROOT / "build/submission")
    except (RuntimeError, OSError) as error:
        print(f"Stopped: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        stop()
    return 0


if __name__ == "__main__":
    sys.exit(main() if sys.argv[1:] in ([], ["--preview"]) else __doc__)
