"""Measure the notebooks' code against the usual way of doing it; print one table.

    python tools/bench.py        (make bench: on an idle machine, at most ten minutes)

Each measurement runs in a process of its own, so that TensorFlow has there the
threads it has in a notebook, or, for the usual way, its default ones.
"""

import contextlib
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
import types
from pathlib import Path

import build_submission
import check_notebooks
import cloudpickle
import get_data
import make_sample
import numpy as np
import psutil
from notebook_code import ROOT, load_functions

REPEATS = 5
SEEDS = 2                             # of each repeated sweep
NETWORKS = {"RNN": "patch_rnn", "CNN": "conv_small"}
EPOCHS = {"RNN": 8, "CNN": 5}         # 30 and more in the notebook: too long here
MORE_SEEDS = [(1, 1), (2, 1), (4, 1), (8, 1)]             # seeds, share of the windows
MORE_WINDOWS = [(2, 0.25), (2, 0.5), (2, 1)]
NOISE = 1.1                           # of linear growth
ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
GOALS = {"loading": 6, "encoding": 20, "RNN": 2.5, "CNN": 1.8}  # times as fast
MOST_MEMORY = 4                       # GiB


def functions_of(stem):
    """Return the functions of the notebook `stem`, fit for other processes."""
    module = load_functions(f"{stem}/{stem}.ipynb", Path(os.environ["BENCH_FOLDER"]))
    cloudpickle.register_pickle_by_value(module)
    return module


def seconds_of(work):
    """Return how long each of REPEATS calls of `work` takes, in seconds."""
    took = []
    for _repeat in range(REPEATS):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return took


def load_row_by_row(folder):
    """Return the windows of both splits (n, 128, 9), read as the course does."""
    splits = []
    for split in ("train", "test"):
        channels = []
        for channel in get_data.CHANNELS:
            path = folder / split / "Inertial Signals" / f"{channel}_{split}.txt"
            with open(path, encoding="utf-8") as file:
                channels.append(np.array([np.array(line.split(), np.float32)
                                          for line in file]))
        splits.append(np.stack(channels, axis=-1))
    return splits


def loading():
    """Return the seconds for loading the activity data, our way and the usual way."""
    activity, folder = functions_of("activity_recognition"), get_data.get(get_data.ACTIVITY)
    ours, usual = activity.load_data(folder), load_row_by_row(folder)
    np.testing.assert_allclose(ours["train"][0], usual[0], rtol=1e-6)
    return [seconds_of(lambda: activity.load_data(folder)),
            seconds_of(lambda: load_row_by_row(folder))]


def encode_by_lists(names, letters, alphabet, max_length):
    """Return what `encode` returns for the padding "before", by a list a letter."""
    encoded = []
    for name in names:
        word = letters(name) + alphabet[0]
        rows = []
        for sign in alphabet[0] * (max_length - len(word)) + word:
            row = [0.0] * len(alphabet)
            row[alphabet.index(sign)] = 1.0
            rows.append(row)
        encoded.append(rows)
    return np.array(encoded, np.float32)


def encoding():
    """Return the seconds for encoding all names, our way and the usual way."""
    module, folder = functions_of("name_classification"), get_data.get(get_data.NAMES)
    names = module.read_names(folder, module.LANGUAGES).name.to_numpy(dtype=str)
    alphabet = module.make_alphabet(names)
    longest = max(len(module.letters(name)) for name in names) + 1
    by_lists = encode_by_lists(names, module.letters, alphabet, longest)
    np.testing.assert_array_equal(module.encode(names, alphabet, longest, "before"), by_lists)
    return [seconds_of(lambda: module.encode(names, alphabet, longest, "before")),
            seconds_of(lambda: encode_by_lists(names, module.letters, alphabet, longest))]


def activity_data(activity, share=1):
    """Return a share of all windows as the notebook's data, and the test subjects."""
    splits = activity.load_data(get_data.get(get_data.ACTIVITY))
    every = round(1 / share)
    windows, labels, subjects = (
        np.concatenate([splits["train"][k], splits["test"][k]])[::every] for k in range(3))
    data = {"windows": windows, "labels": labels, "subjects": subjects}
    return data, sorted(set(splits["test"][2].tolist()))


def tasks_of(activity, kind, held_out, seeds, epochs):
    """Return the notebook's settings of a network for each seed."""
    network = getattr(activity, NETWORKS[kind])
    settings = activity.RECIPE | activity.ARCHITECTURES[network]
    return [settings | {"network": network, "held_out": held_out, "seed": seed,
                        "epochs": epochs} for seed in range(seeds)]


def sweep_seconds(kind, epochs, sizes=((SEEDS, 1),)):
    """Return the seconds for sweeps of our runner for each of `sizes` (seeds, share of
    the windows), after a first one untimed."""
    activity = functions_of("activity_recognition")
    activity.display = lambda *_, **__: types.SimpleNamespace(update=print)

    def sweep(seeds, epochs, data, held_out):
        """Train each seed anew."""
        with tempfile.TemporaryDirectory() as activity.RUNS_FOLDER:
            tasks = tasks_of(activity, kind, held_out, seeds, epochs)
            activity.sweep(activity.fit_and_evaluate, tasks, data)

    took = []
    for seeds, share in sizes:
        data, held_out = activity_data(activity, share)
        sweep(os.cpu_count(), 1, data, held_out)
        took.append(seconds_of(lambda: sweep(seeds, epochs, data, held_out)))  # noqa: B023
    return took


def fit_seconds(kind, epochs):
    """Return the seconds for the same networks in the usual way: one after the other,
    Keras's fit with the test set as validation data, after a first one untimed."""
    activity = functions_of("activity_recognition")
    keras = activity.keras
    data, held_out = activity_data(activity)
    test = np.isin(data["subjects"], held_out)

    def fit(seeds, epochs):
        """Train each seed anew."""
        for task in tasks_of(activity, kind, held_out, seeds, epochs):
            keras.backend.clear_session()
            keras.utils.set_random_seed(task["seed"])
            model = activity.make_model(task, data["windows"][~test])
            model.compile(keras.optimizers.AdamW(task["learning_rate"]),
                          "sparse_categorical_crossentropy", metrics=["accuracy"])
            model.fit(data["windows"][~test], data["labels"][~test], task["batch_size"],
                      epochs, verbose=0,
                      validation_data=(data["windows"][test], data["labels"][test]))

    fit(1, 1)
    return seconds_of(lambda: fit(SEEDS, epochs))


def measured(call, **environment):
    """Return the result of `call` (Python source), evaluated here in a fresh process."""
    print(f"measuring {call} …", file=sys.stderr)
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("TF_NUM_")}
    with tempfile.TemporaryDirectory() as folder:
        code = f"import json, bench; print('\\n' + json.dumps(bench.{call}))"
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8",
            env={**inherited, **environment, "BENCH_FOLDER": folder,
                 "PYTHONPATH": str(ROOT / "tools"), "TF_CPP_MIN_LOG_LEVEL": "3"})
    if done.returncode:
        sys.exit(f"Stopped: {call} failed.\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def peak_memory(name, folder):
    """Return the largest memory (GiB) that all processes of the notebook `name`
    held together, in its smallest size on the sample data in `folder`."""
    parameters = build_submission.short_parameters(folder, "smoke", folder)
    peak, ended = [0], threading.Event()

    def watch():
        """Sum up the kernel and its processes, five times a second."""
        while not ended.wait(0.2):
            total = 0
            for process in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    total += process.memory_info().rss
            peak[0] = max(peak[0], total)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        build_submission.execute(ROOT / name, parameters[Path(name).stem])
    finally:
        ended.set()
        watcher.join()
    return peak[0] / 2 ** 30


def row(title, ours, usual, unit, ratio, met, goal):
    """Return a row of the table: medians with their range, ratio and goal."""
    cells = [f"{np.median(v):.3g} {unit} ({min(v):.3g} to {max(v):.3g})" if v else "–"
             for v in (ours, usual)]
    reached = "met" if met else "MISSED"
    return f"| {title} | {cells[0]} | {cells[1]} | {ratio} | {goal} {reached} |"


def speed_rows():
    """Yield a row for loading, for encoding and for the sweep of each network."""
    for title in ("loading", "encoding"):
        ours, usual = measured(f"{title}()")
        ratio = np.median(usual) / np.median(ours)
        yield row(title, ours, usual, "s", f"{ratio:.1f}", ratio >= GOALS[title],
                  f"≥ {GOALS[title]}")
    for kind, network in NETWORKS.items():
        epochs = EPOCHS[kind]
        ours, usual = ([60 * SEEDS * epochs / seconds for seconds in took] for took in (
            *measured(f"sweep_seconds({kind!r}, {epochs})", **ONE_THREAD),
            measured(f"fit_seconds({kind!r}, {epochs})")))
        ratio = np.median(ours) / np.median(usual)
        yield row(f"{kind} {network}, model-epochs", ours, usual, "a minute", f"{ratio:.1f}",
                  ratio >= GOALS[kind], f"≥ {GOALS[kind]}")


def growth_rows():
    """Yield a row for each size of a sweep; its ratio is its growth of time over its
    growth of size, each against the smallest: linear is 1."""
    every = list(dict.fromkeys(MORE_SEEDS + MORE_WINDOWS))
    took = dict(zip(every, measured(f"sweep_seconds('CNN', 2, {every})", **ONE_THREAD)))
    for sizes in (MORE_SEEDS, MORE_WINDOWS):
        for seeds, share in sizes[1:]:
            growth = np.median(took[seeds, share]) / np.median(took[sizes[0]])
            ratio = growth / (seeds * share / np.prod(sizes[0]))
            yield row(f"sweep of {seeds} seeds, {share:.0%} of the windows, against "
                      f"{sizes[0][0]} and {sizes[0][1]:.0%}", took[seeds, share],
                      took[sizes[0]], "s", f"{ratio:.2f}", ratio <= NOISE, f"≤ {NOISE}")


def memory_rows():
    """Yield a row for the peak memory of each notebook in its smallest size."""
    with tempfile.TemporaryDirectory() as folder:
        make_sample.make_sample(Path(folder))
        for name in check_notebooks.PARTS:
            peak = peak_memory(name, Path(folder))
            yield row(f"memory of {Path(name).stem}, smoke size", [peak], [], "GiB", "–",
                      peak <= MOST_MEMORY, f"≤ {MOST_MEMORY} GiB")


def machine():
    """Return the machine and the versions in words."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else []
    model = next((line.split(": ")[1] for line in lines if line.startswith("model name")),
                 platform.processor())
    return (f"{model}, {os.cpu_count()} cores, {psutil.virtual_memory().total / 2 ** 30:.0f} "
            f"GiB, {platform.system()}, Python {platform.python_version()}, "
            f"TensorFlow {importlib.metadata.version('tensorflow')}")


def main():
    """Print the table, a row as soon as it is measured."""
    began = time.monotonic()
    print(f"{machine()}; median of {REPEATS} (range)\n")
    print("| what | ours | the usual way, or the smallest | ratio | goal |")
    print("|---|---|---|---|---|")
    for rows in (speed_rows(), growth_rows(), memory_rows()):
        for line in rows:
            print(line, flush=True)
    print(f"\n{(time.monotonic() - began) / 60:.1f} minutes")


if __name__ == "__main__":
    main()
