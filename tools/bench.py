"""Time a sweep of the notebooks' runner against one process that trains the same networks
in turn, with TensorFlow's default threads (make bench, on an idle machine)."""

import json
import os
import subprocess
import sys
import tempfile
import time
from unittest.mock import Mock

from hand_in import PARTS, ROOT

TASKS = [{"seed": seed} for seed in range(8)]
ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}


def train(task, data):
    """Return the loss of a small convolutional network after three epochs."""
    from keras import Sequential, layers
    model = Sequential([layers.Conv1D(64, 7, 2, activation="relu"),
                        layers.Conv1D(64, 5, 2, activation="relu"), layers.Flatten(),
                        layers.Dense(6, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", steps_per_execution=10)
    model.fit(data["x"], data["y"], batch_size=64, epochs=3, verbose=0)
    return {"loss": model.evaluate(data["x"], data["y"], verbose=0)}


def measure(way):
    """Print the seconds that the networks take, in a "sweep" or "one by one"."""
    threads = {name: os.environ.get(name, "0") for name in ONE_THREAD}
    for cell in json.loads((ROOT / list(PARTS)[1]).read_text(encoding="utf-8"))["cells"]:
        if {"setup", "runner"} & set(cell["metadata"].get("tags", [])):
            exec("".join(cell["source"]), globals())
            os.environ.update(threads)
    data = {"x": np.random.rand(5000, 128, 9), "y": np.arange(5000) % 6}  # noqa: F821
    with tempfile.TemporaryDirectory() as folder:
        globals().update(RUNS_FOLDER=folder, TRAINING_CODE=(train,), display=Mock())
        began = time.perf_counter()
        if way == "sweep":
            sweep(train, TASKS, data)  # noqa: F821
        else:
            _ = [train_alone(train, task, data, None) for task in TASKS]  # noqa: F821
        print(f"{len(TASKS)} networks, {way}: {time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    for way in sys.argv[1:]:
        measure(way)
    for way, threads in (("sweep", ONE_THREAD), ("one by one", {})) if not sys.argv[1:] else ():
        subprocess.run([sys.executable, __file__, way], env=os.environ | threads, check=True)
