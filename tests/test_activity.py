"""The functions of exercise 2, taken from the notebook's own cells."""

import shutil

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

SIGNAL = "train/Inertial Signals/body_gyro_x_train.txt"
TASK = dict(patch=1, thin=False, magnify=10, clip=1.0, watch=False, keep=True, hidden_units=4,
            dropout=0.1, rotation=[30, 8], decay=0.01, rate=0.01, batch_size=16, epochs=2, seed=0)


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


def test_rotations_are_proper_and_turn_the_three_triads_alike(activity, data):
    matrices = activity.random_rotations(2000, [30, 8], np.random.default_rng(0))
    np.testing.assert_allclose(matrices @ matrices.transpose(0, 2, 1), np.tile(np.eye(3), (
        2000, 1, 1)), atol=1e-5)
    np.testing.assert_allclose(np.linalg.det(matrices), 1, rtol=1e-5)
    vertical = np.degrees(np.arctan2(matrices[:, 2, 1], matrices[:, 1, 1]))
    assert 25 < vertical.std() < 35
    windows = np.tile(data["windows"][:, :, :3], 3)
    turned = activity.rotate(windows, matrices[:90])
    np.testing.assert_allclose(turned[:, :, :3], turned[:, :, 6:], rtol=1e-5)
    np.testing.assert_allclose(turned[5, 7, 3:6], windows[5, 7, 3:6] @ matrices[5], rtol=1e-4)


def test_every_window_enters_once_an_epoch(activity, data):
    data["windows"][:, 0, 0] = np.arange(90)  # which window it is
    batches = activity.turned_batches(data["windows"], np.arange(90),
                                      TASK | {"rotation": [0, 0]})
    for _epoch in range(2):
        epoch = [next(batches) for _batch in range(6)]
        seen = np.concatenate([windows[:, 0, 0] for windows, _labels in epoch])
        labels = np.concatenate([labels for _windows, labels in epoch])
        assert sorted(seen) == list(range(90)) and (seen == labels).all()
        assert (seen[1:] < seen[:-1]).any()


def test_training_is_blind_to_held_out_people(activity, data):
    task = TASK | {"network": "patch_mlp", "held_out": [2]}
    changed = {name: values.copy() for name, values in data.items()}
    held_out = data["subjects"] == 2
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
    for name in activity.NETWORKS:
        model = activity.build(TASK | {"network": name}, data["windows"])
        assert activity.check_layers(model).output_shape == (None, 6)
    model = activity.build(TASK | {"network": "simple_rnn", "hidden_units": 64, "magnify": 0},
                           data["windows"])
    assert model.count_params() == 9 * 64 + 64 * 64 + 64 + 64 * 6 + 6
    bad = keras.Sequential([keras.Input((128, 9)), keras.layers.LSTM(2)])
    with pytest.raises(ValueError, match="LSTM"):
        activity.check_layers(bad)


def test_the_gradient_goes_back_as_tensorflow_says(activity, data):
    model = activity.build(TASK | {"network": "identity_rnn", "patch": 32}, data["windows"])
    windows, labels = data["windows"][:5], data["labels"][:5]
    norms = activity.gradient_back(model, windows, labels)
    layer = next(layer for layer in model.layers if isinstance(layer, keras.layers.SimpleRNN))
    inputs = keras.Model(model.input, layer.input)(windows)
    states = [tf.zeros((5, layer.units))]
    with tf.GradientTape() as tape:
        for step in range(4):
            states.append(layer.cell(inputs[:, step], [states[-1]])[0])
            tape.watch(states[-1])
        loss = keras.losses.sparse_categorical_crossentropy(labels, model.layers[-1](states[-1]))
    expected = [np.linalg.norm(g, axis=1) for g in tape.gradient(loss, states[1:])]
    np.testing.assert_allclose(norms, np.stack(expected, axis=1), rtol=1e-3, atol=1e-7)


def test_folds_share_out_the_people(activity):
    folds = activity.fold_subjects(np.repeat(np.arange(1, 22), 4), 3)
    assert sorted(person for fold in folds for person in fold) == list(range(1, 22))


def test_intervals_and_p_values_on_known_cases(activity):
    first = pd.DataFrame(np.full((9, 2), 0.9), index=range(9))
    first += np.linspace(0, 0.08, 9)[:, None]
    gap, (low, high), p = activity.compare(first, first - 0.05)
    assert gap == pytest.approx(0.05) and low == pytest.approx(0.05) == pytest.approx(high)
    assert p == pytest.approx(2 / 512)
    low, high = activity.interval(np.random.default_rng(0).normal(size=200))
    assert high - low == pytest.approx(2 * 1.96 / np.sqrt(200), rel=0.15)


def test_classify_refuses_what_it_was_not_made_for(activity, data):
    class Model:
        def predict(self, windows, **_options):
            return np.eye(6)[np.zeros(len(windows), int)]
    windows = np.zeros((3, 128, 9))
    windows[:, :, 6] = 1
    assert activity.classify(windows, Model()) == ["walking"] * 3
    for bad, problem in ((windows[0], "shape"), (9.81 * windows, "m/s²"),
                         (np.where(windows == 1, np.nan, windows), "missing")):
        with pytest.raises(ValueError, match=problem):
            activity.classify(bad, Model())
