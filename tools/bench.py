"""Time the sweep against one process with TensorFlow's default threads (make bench)."""

import os
import sys
import tempfile
import time
from unittest.mock import Mock

from hand_in import PARTS, ROOT, read

TASKS = [{"seed": seed} for seed in range(8)]
THREADS = {"sweep": "1", "one by one": "0"}  # of TensorFlow in a process; 0: its default


def train(task, data):
    """Return the loss of a small convolutional network after three epochs."""
    from keras import Sequential
    from keras.layers import Conv1D, Dense, Flatten
    model = Sequential([Conv1D(64, 7, 2), Conv1D(64, 5, 2), Flatten(), Dense(6, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", steps_per_execution=10)
    model.fit(data["x"], data["y"], batch_size=64, epochs=3, verbose=0)
    return {"loss": model.evaluate(data["x"], data["y"], verbose=0)}


def measure(way):
    """Print the seconds that the networks take, in a "sweep" or "one by one"."""
    for cell in read(ROOT / list(PARTS)[0]):
        if {"setup", "runner"} & set(cell["metadata"].get("tags", [])):
            exec(cell["source"], globals())
            for kind in ("INTRAOP", "INTEROP"):
                os.environ[f"TF_NUM_{kind}_THREADS"] = THREADS[way]
    data = {"x": np.random.rand(5000, 128, 9), "y": np.arange(5000) % 6}  # noqa: F821
    with tempfile.TemporaryDirectory() as folder:
        globals().update(RUNS_FOLDER=folder, TRAINING_CODE=(train,), display=Mock())
        began = time.perf_counter()
        for task in TASKS if way == "one by one" else ():
            train_alone(train, task, data, None)  # noqa: F821
        if way == "sweep":
            sweep(train, TASKS, data)  # noqa: F821
        print(f"{len(TASKS)} networks, {way}: {time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    measure(sys.argv[1])
