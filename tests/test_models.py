"""The committed models, loaded in a fresh process, on the real test data."""

import json
import os
import subprocess
import sys
from pathlib import Path

import get_data
import numpy as np
import pandas as pd
import pytest
from conftest import EXERCISES, ROOT

PREDICT = """import sys, keras, numpy as np
model = keras.models.load_model(sys.argv[1])
np.save(sys.argv[2], model.predict(np.load(sys.argv[2]), verbose=0))"""


@pytest.fixture
def real_data(tmp_path, monkeypatch):
    """A function that returns the folder of a real data set, from the zips only."""
    def folder(dataset):
        place = Path(os.environ.get("PW11_DATA") or ROOT)
        if not (place / f"{dataset}.zip").is_file():
            pytest.skip(f"there is no {dataset}.zip beside README.md or in PW11_DATA")
        monkeypatch.setenv("PW11_DATA", str(place))
        monkeypatch.setattr(get_data, "ROOT", tmp_path)
        return get_data.get(dataset)
    return folder


def predicted(exercise, x, folder):
    """Return the probabilities that the saved model gives, in a process of its own."""
    np.save(folder / "x.npy", x)
    subprocess.run([sys.executable, "-c", PREDICT, ROOT / exercise / "best_model.keras",
                    folder / "x.npy"], check=True, cwd=folder)
    return np.load(folder / "x.npy")


def final_accuracies(exercise):
    """Return the test accuracies of the final runs in results.csv."""
    results = pd.read_csv(ROOT / exercise / "results.csv")
    return results[results.experiment == "final"].test_accuracy


def test_the_model_of_exercise_1_has_the_accuracy_of_the_table(names, real_data, tmp_path):
    pairs = names.read_pairs(real_data(EXERCISES[0]))
    card = json.loads((ROOT / EXERCISES[0] / "best_model.json").read_text("utf-8"))
    name, y = pairs.name.to_numpy(dtype=str), pairs.language.map(card["languages"].index)
    test = names.split(name, y.to_numpy()) == names.TEST
    x = names.encode(name[test], card["alphabet"], card["padding"])
    shifted = np.log(predicted(EXERCISES[0], x, tmp_path) + 1e-12) + card["log_prior_shift"]
    accuracy = (shifted.argmax(1) == y[test]).mean()
    assert accuracy == pytest.approx(card["test_accuracy"], abs=0.002)
    assert min(abs(final_accuracies(EXERCISES[0]) - accuracy)) < 0.002


def test_the_model_of_exercise_2_has_the_accuracy_of_the_table(activity, real_data, tmp_path):
    test = activity.load_split(real_data(EXERCISES[1]), "test")
    proba = predicted(EXERCISES[1], test["windows"], tmp_path)
    accuracy = (proba.argmax(1) == test["labels"]).mean()
    assert accuracy > 0.9 and min(abs(final_accuracies(EXERCISES[1]) - accuracy)) < 0.001
