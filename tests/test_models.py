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
def real_data(request, tmp_path, monkeypatch):
    """The folder of a real data set, from its zip only."""
    place = Path(os.environ.get("PW11_DATA") or ROOT)
    if not (place / f"{request.param}.zip").is_file():
        pytest.skip(f"there is no {request.param}.zip beside README.md or in PW11_DATA")
    monkeypatch.setenv("PW11_DATA", str(place))
    monkeypatch.setattr(get_data, "ROOT", tmp_path)
    return get_data.get(request.param)


def predicted(exercise, x, path):
    """Return the probabilities that the saved model gives, in a process of its own."""
    np.save(path, x)
    subprocess.run([sys.executable, "-c", PREDICT, ROOT / exercise / "best_model.keras", path],
                   check=True, cwd=path.parent)
    return np.load(path)


def assert_in_table(exercise, accuracy, atol):
    """Assert that one of the final runs in results.csv has this test accuracy."""
    results = pd.read_csv(ROOT / exercise / "results.csv")
    final = results[results.experiment == "final"].test_accuracy
    assert accuracy > 0.8 and min(abs(final - accuracy)) < atol


@pytest.mark.parametrize("real_data", EXERCISES[:1], indirect=True)
def test_the_model_of_exercise_1_has_the_accuracy_of_the_table(names, real_data, tmp_path):
    pairs = names.read_pairs(real_data)
    card = json.loads((ROOT / EXERCISES[0] / "best_model.json").read_text("utf-8"))
    name, y = pairs.name.to_numpy(dtype=str), pairs.language.map(card["languages"].index)
    test = names.split(name, y.to_numpy()) == names.TEST
    x = names.encode(name[test], card["alphabet"], card["padding"])
    proba = predicted(EXERCISES[0], x, tmp_path / "x.npy")
    accuracy = (proba.argmax(1) == y[test]).mean()
    assert accuracy == pytest.approx(card["test_accuracy"], abs=0.002)
    assert_in_table(EXERCISES[0], accuracy, 0.002)


@pytest.mark.parametrize("real_data", EXERCISES[1:], indirect=True)
def test_the_model_of_exercise_2_has_the_accuracy_of_the_table(activity, real_data, tmp_path):
    test = activity.load_split(real_data, "test")
    proba = predicted(EXERCISES[1], test["windows"], tmp_path / "x.npy")
    assert_in_table(EXERCISES[1], (proba.argmax(1) == test["labels"]).mean(), 0.001)
