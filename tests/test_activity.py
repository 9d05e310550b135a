"""The functions of exercise 2, taken from the notebook's own cells."""

import shutil

import keras
import numpy as np
import pandas as pd
import pytest

SIGNAL = "train/Inertial Signals/body_gyro_x_train.txt"
TASK = dict(depth=2, patch=1, thin=False, channels=1, magnify=10, clip=1.0, left_out=[],
            cell={}, watch=False, hidden_units=4, seed=0, dropout=0.1, rotation=[30, 8, 8],
            decay=0.01, rate=0.01, batch_size=16, epochs=2)


@pytest.fixture(scope="module")
def folder(sample):
    return sample / "UCI_HAR_Dataset"


@pytest.fixture
def data():
    """Ninety windows of noise, labels and three subjects."""
    rng = np.random.default_rng(0)
    return {"windows": rng.normal(size=(90, 128, 9)).astype(np.float32),
            "labels": rng.integers(0, 6, 90), "subjects": np.repeat([1, 2, 3], 30)}


def test_the_windows_are_read_exactly(activity, folder):
    data = activity.load_split(folder, "train")
    assert data["windows"].dtype == np.float32 and data["windows"].shape[1:] == (128, 9)
    text = (folder / SIGNAL).read_text(encoding="utf-8").splitlines()[2]
    expected = np.array(text.split(), np.float32)
    np.testing.assert_array_equal(data["windows"][2, :, 3], expected)
    assert set(data["labels"]) <= set(range(6)) and len(data["subjects"]) == len(data["labels"])


def test_both_folder_names_are_found_and_a_missing_one_names_the_address(activity, folder,
                                                                         tmp_path):
    with pytest.raises(FileNotFoundError, match="archive.ics.uci.edu.*Inertial Signals"):
        activity.find_data(tmp_path / "UCI_HAR_Dataset")
    shutil.copytree(folder, tmp_path / "UCI HAR Dataset")
    assert activity.find_data(tmp_path / "UCI_HAR_Dataset").name == "UCI HAR Dataset"


@pytest.mark.parametrize("name, line, text, problem", [
    (SIGNAL, 4, "1.0 2.0", "body_gyro_x_train.txt, line 5: 128 finite numbers"),
    (SIGNAL, 0, " ".join(["1.0"] * 127 + ["one"]), "body_gyro_x_train.txt, line 1"),
    (SIGNAL, 1, " ".join(["1.0"] * 127 + ["NaN"]), "body_gyro_x_train.txt, line 2"),
    ("train/y_train.txt", 2, "7", "y_train.txt, line 3: labels are 1 to 6"),
    ("train/y_train.txt", -1, None, "y_train.txt has .* lines"),
])
def test_bad_files_are_refused_with_one_sentence(activity, folder, tmp_path, name, line, text,
                                                 problem):
    damaged = shutil.copytree(folder, tmp_path / "UCI_HAR_Dataset")
    lines = (damaged / name).read_text(encoding="utf-8").splitlines()
    lines[line:line + 1 or None] = [] if text is None else [text]
    (damaged / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=problem) as caught:
        activity.load_split(damaged, "train")
    assert "\n" not in str(caught.value)


def test_the_three_triads_turn_alike_and_by_angles_as_wide_as_asked(activity):
    windows = np.zeros((2000, 128, 9), np.float32)
    windows[:, :, [1, 4, 7]] = 1  # along y
    turned, _labels = next(activity.turned_batches(
        windows, np.zeros(2000, int), TASK | {"rotation": [30, 0, 0], "batch_size": 2000}))
    np.testing.assert_allclose(turned[:, :, :3], turned[:, :, 6:], rtol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(turned[:, :, 3:6], axis=-1), 1, rtol=1e-5)
    assert abs(turned[:, :, 0]).max() < 1e-6  # about x: x stays
    assert 25 < np.degrees(np.arctan2(turned[:, 0, 2], turned[:, 0, 1])).std() < 35


def test_every_window_enters_once_an_epoch(activity, data):
    data["windows"][:, 0, 0] = np.arange(90)  # which window it is
    batches = activity.turned_batches(data["windows"], np.arange(90),
                                      TASK | {"rotation": [0, 0, 0]})
    for _epoch in range(2):
        epoch = [next(batches) for _batch in range(6)]
        seen = np.concatenate([windows[:, 0, 0] for windows, _labels in epoch])
        labels = np.concatenate([labels for _windows, labels in epoch])
        assert sorted(seen) == list(range(90)) and (seen == labels).all()
        assert (seen[1:] < seen[:-1]).any()


@pytest.mark.parametrize("people", [{"held_out": [2]}, {"held_out": [2], "left_out": [3]}])
def test_training_is_blind_to_people_held_out_or_left_out(activity, data, people):
    task = TASK | {"network": "patch_mlp"} | people
    changed = {name: values.copy() for name, values in data.items()}
    held_out = np.isin(data["subjects"], sum(people.values(), []))
    changed["windows"][held_out] *= 5
    changed["labels"][held_out] = 0
    results = []
    for part in (data, changed):
        keras.utils.set_random_seed(0)
        results.append(activity.train_windows(task, part))
    for name in (name for name in results[0] if name.startswith("weights")):
        np.testing.assert_array_equal(results[0][name], results[1][name])
    assert not np.allclose(results[0]["probabilities"], results[1]["probabilities"])


def test_every_network_has_weights_in_allowed_layers_only(activity, data):
    allowed = (keras.layers.SimpleRNN, keras.layers.Conv1D, keras.layers.Conv2D,
               keras.layers.Dense)
    for name in activity.NETWORKS:
        model = activity.build(TASK | {"network": name}, data["windows"])
        assert all(type(layer) in allowed for layer in model.layers if layer.weights)
        assert model.output_shape == (None, 6)
    model = activity.build(TASK | {"network": "simple_rnn", "hidden_units": 64, "magnify": 0},
                           data["windows"])
    assert model.count_params() == 9 * 64 + 64 * 64 + 64 + 64 * 6 + 6


def test_a_changed_network_is_trained_anew_and_no_other(activity, monkeypatch):
    """The task, and so the key of a run, holds the source of its network."""
    def tasks():
        return {name: activity.task_of(name, "slow", [1]) for name in activity.NETWORKS}
    before = tasks()
    assert all(f"def {name}(" in task["layers"] for name, task in before.items())
    monkeypatch.setitem(activity.NETWORKS, "conv_small", activity.conv_deep)
    assert [name for name, task in tasks().items() if task != before[name]] == ["conv_small"]


def test_a_channel_taken_away_has_no_say(activity, data):
    model = activity.build(TASK | {"network": "conv_small", "channels": [0] + [1] * 8},
                           data["windows"])
    changed = data["windows"].copy()
    changed[:, :, 0] += 1
    said = model.predict(data["windows"], verbose=0)
    np.testing.assert_allclose(model.predict(changed, verbose=0), said, atol=1e-6)
    changed[:, :, 1] += 1
    assert not np.allclose(model.predict(changed, verbose=0), said, atol=1e-3)


def test_the_gradient_goes_back_by_the_formula(activity, data):
    model = activity.build(TASK | {"network": "simple_rnn", "patch": 32}, data["windows"])
    norms = activity.gradient_back(model, data["windows"][:5], data["labels"][:5])
    layer = next(layer for layer in model.layers if isinstance(layer, keras.layers.SimpleRNN))
    kernel, recurrent, bias = layer.get_weights()
    states = [np.zeros((5, 4))]
    inputs = keras.Model(model.input, layer.input)(data["windows"][:5]).numpy()
    for x in np.moveaxis(inputs, 1, 0):
        states.append(np.tanh(x @ kernel + states[-1] @ recurrent + bias))
    wrong = model(data["windows"][:5]).numpy() - np.eye(6)[data["labels"][:5]]
    gradient, expected = wrong @ model.layers[-1].get_weights()[0].T, []
    for h in reversed(states[1:]):
        expected.insert(0, np.linalg.norm(gradient, axis=1))
        gradient = (gradient * (1 - h**2)) @ recurrent.T
    np.testing.assert_allclose(norms, np.stack(expected, axis=1), rtol=1e-3, atol=1e-7)


def test_the_mean_of_all_states_brings_no_weights_and_sees_the_first(activity, data):
    simple, mean = (activity.build(TASK | {"network": network, "pool": 128}, data["windows"])
                    for network in ("simple_rnn", "pooled_rnn"))
    assert mean.count_params() == simple.count_params()
    mean.set_weights(simple.get_weights())
    changed = data["windows"].copy()
    changed[:, 0] += 5
    gaps = [np.abs(np.subtract(*(model.predict(windows, verbose=0)
                                 for windows in (data["windows"], changed)))).max()
            for model in (simple, mean)]
    assert gaps[1] > 10 * gaps[0]


def test_intervals_and_p_values_on_known_cases(activity, monkeypatch):
    first = 0.9 + np.linspace(0, 0.08, 9)
    by_person = pd.DataFrame([first, first - 0.05], ["a", "b"])
    monkeypatch.setattr(activity, "by_person", by_person, raising=False)
    pair, gap, interval, p = activity.compare("a", "b")
    assert gap == pytest.approx(5) and p == pytest.approx(2 / 512)
    assert (pair, interval) == ("a − b", "5.0 to 5.0")
    people = np.random.default_rng(0).normal(size=200)
    low, high = map(float, activity.over_people(people).split(" to "))
    assert high - low == pytest.approx(200 * 1.96 / np.sqrt(200), rel=0.15)


def test_classify_refuses_what_it_was_not_made_for(activity, data):
    class Model:
        def predict(self, windows, **_options):
            return np.eye(6)[np.zeros(len(windows), int)]
    windows = np.zeros((3, 128, 9))
    windows[:, :, 6] = 1
    assert activity.classify(windows, Model()) == ["walking"] * 3
    one_in_metres = windows * np.array([1, 1, 9.81])[:, None, None]
    for bad, problem in ((windows[0], "shape"), (windows[:0], "shape"),
                         (one_in_metres, "Window 2: .* 9.8 g.*m/s²"),
                         (np.roll(windows, 3, axis=2), "Window 0: .* 0 g"),
                         (np.where(windows == 1, np.nan, windows), "missing")):
        with pytest.raises(ValueError, match=problem):
            activity.classify(bad, Model())
