"""The functions of exercise 2, taken from the notebook's own cells."""

import shutil

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers


@pytest.fixture(scope="module")
def folder(sample):
    return sample / "UCI_HAR_Dataset"


@pytest.fixture
def damaged(folder, tmp_path):
    """A copy of the data to be damaged."""
    return shutil.copytree(folder, tmp_path / "UCI_HAR_Dataset")


def change(path, old, new, count=1):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, count), encoding="utf-8")


def test_the_windows_are_loaded_in_their_units(activity, folder):
    data = activity.load_data(folder)
    windows, labels, subjects = data["train"]
    assert windows.shape == (288, 128, 9) and windows.dtype == np.float32
    assert set(labels) == set(range(6)) and set(subjects) == {1, 2, 3, 4}
    first = (folder / "train/Inertial Signals/total_acc_y_train.txt").read_text("utf-8")
    np.testing.assert_allclose(windows[0, :, 7], [float(w) for w in first.split()[:128]],
                               rtol=1e-6)
    gravity = np.linalg.norm(windows[labels == 4][:, :, 6:].mean(1), axis=1)
    np.testing.assert_allclose(gravity, 1, atol=0.05)


def test_windows_line_ends_do_no_harm(activity, folder, damaged):
    for path in damaged.rglob("*.txt"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    for split, arrays in activity.load_data(damaged).items():
        for array, expected in zip(arrays, activity.load_split(folder, split), strict=True):
            np.testing.assert_array_equal(array, expected)


def test_both_folder_names_are_found(activity, folder, tmp_path):
    shutil.copytree(folder, tmp_path / "UCI HAR Dataset")
    assert activity.find_data(tmp_path / "UCI_HAR_Dataset").name == "UCI HAR Dataset"


def test_a_missing_folder_names_the_command_that_gets_it(activity, tmp_path):
    with pytest.raises(FileNotFoundError, match="make data"):
        activity.load_data(tmp_path / "UCI_HAR_Dataset")


SIGNAL = "train/Inertial Signals/body_gyro_x_train.txt"


@pytest.mark.parametrize("name, old, new, problem", [
    (SIGNAL, "e-0", "x", "body_gyro_x_train.txt, line 1: .*not a number"),
    (SIGNAL, "\n", " 1.0\n", "body_gyro_x_train.txt, line 1: 129 values where 128 belong"),
    ("train/y_train.txt", "1\n", "7\n", "y_train.txt, line 1: label 7 is not one of 1 to 6"),
    ("train/y_train.txt", "1\n", "1.5\n", "label 1.5 is not one of 1 to 6"),
    ("train/y_train.txt", "1\n", "one\n", "y_train.txt, line 1: 'one' is not a number"),
    ("train/y_train.txt", "1\n", "", "y_train.txt has 287 lines for 288 windows"),
    ("test/subject_test.txt", "5\n", "3\n", "Subject 3 stands in both train and test"),
])
def test_bad_files_are_refused_with_a_sentence(activity, damaged, name, old, new, problem):
    change(damaged / name, old, new)
    with pytest.raises(ValueError, match=problem):
        activity.load_data(damaged)


def test_a_short_row_a_gap_and_a_missing_row_are_refused(activity, damaged):
    path = damaged / SIGNAL
    lines = path.read_text("utf-8").splitlines()
    for bad, problem in ((lines[:5] + [lines[5][:16 * 100]] + lines[6:], "line 6: 100 values"),
                         (lines[:5] + [lines[5][:16 * 127] + " NaN"] + lines[6:],
                          "line 6: NaN"),
                         (lines[:-1], "287")):
        path.write_text("\n".join(bad) + "\n", encoding="utf-8")
        with pytest.raises(ValueError, match=problem):
            activity.load_data(damaged)
    path.write_text("", encoding="utf-8")
    with pytest.raises(ValueError, match="body_gyro_x_train.txt"):
        activity.load_data(damaged)
    path.unlink()
    with pytest.raises(FileNotFoundError, match="body_gyro_x_train.txt"):
        activity.load_data(damaged)


@settings(max_examples=300, deadline=None)
@given(place=st.integers(0, 6000), cut=st.integers(0, 40), put=st.binary(max_size=8))
def test_a_damaged_signal_file_gives_numbers_or_one_sentence(activity, folder, place, cut, put,
                                                             tmp_path_factory):
    lines = (folder / SIGNAL).read_bytes().splitlines(keepends=True)[:3]
    content = b"".join(lines)
    path = tmp_path_factory.mktemp("damaged") / "body_gyro_x_train.txt"
    path.write_bytes(content[:place] + put + content[place + cut:])
    try:
        table = activity.read_table(path, 128, np.float32)
    except ValueError as error:
        assert path.name in str(error) and "\n" not in str(error)
    else:
        assert table.shape[1] == 128 and np.isfinite(table).all()


def test_a_rotation_keeps_lengths_and_turns_the_three_triads_alike(activity):
    rng = np.random.default_rng(0)
    windows = rng.normal(size=(20, 128, 9)).astype(np.float32)
    windows[:, :, 3:6] = windows[:, :, 6:] = windows[:, :, :3]
    turned = activity.rotate_windows(windows, activity.random_rotations(20, 30, rng))
    assert turned.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(turned[:, :, :3], axis=2),
                               np.linalg.norm(windows[:, :, :3], axis=2), rtol=1e-4)
    np.testing.assert_allclose(turned[:, :, :3], turned[:, :, 6:], rtol=1e-5)
    assert np.abs(turned - windows).max() > 0.1


def test_rotations_are_proper_and_as_wide_as_asked(activity):
    matrices = activity.random_rotations(4000, 20, np.random.default_rng(0))
    np.testing.assert_allclose(matrices @ matrices.transpose(0, 2, 1) - np.eye(3), 0, atol=1e-9)
    np.testing.assert_allclose(np.linalg.det(matrices), 1, rtol=1e-9)
    cosines = (np.trace(matrices, axis1=1, axis2=2) - 1) / 2
    angles = np.degrees(np.arccos(np.clip(cosines, -1, 1)))
    assert np.sqrt(np.mean(angles ** 2)) == pytest.approx(20, rel=0.05)


def test_a_rotation_about_z_by_a_right_angle(activity):
    matrix = activity.rotations_about(np.array([[0.0, 0, 1]]), np.array([np.pi / 2]))[0]
    np.testing.assert_allclose(np.abs(matrix), [[0, 1, 0], [1, 0, 0], [0, 0, 1]], atol=1e-9)
    assert matrix[0, 1] * matrix[1, 0] < 0


def test_the_folds_share_out_the_subjects(activity):
    subjects = np.repeat(np.arange(1, 22), 3)
    folds = activity.subject_folds(subjects, 3)
    assert sorted(s for fold in folds for s in fold) == list(range(1, 22))


@pytest.mark.parametrize("layer", [
    layers.LSTM(4), layers.GRU(4), layers.BatchNormalization(), layers.LayerNormalization(),
    layers.MaxPooling1D(2), layers.SeparableConv1D(4, 3)])
def test_layers_of_other_kinds_are_refused(activity, layer):
    model = keras.Sequential([keras.Input((128, 9)), layers.Dense(4), layer])
    with pytest.raises(ValueError, match=type(layer).__name__):
        activity.check_layers(model)
    with pytest.raises(ValueError, match=type(layer).__name__):
        activity.check_layers(keras.Sequential([keras.Input((128, 9)), model]))


def test_every_model_of_the_notebook_has_allowed_layers_only(activity):
    windows = np.random.default_rng(0).normal(size=(8, 128, 9)).astype(np.float32)
    task = dict(hidden_units=4, kernel=3, dropout=0.1, head_dropout=0.1, standardise=True,
                magnify=10)
    for network in activity.ARCHITECTURES:
        model = activity.make_model({**task, "network": network}, windows)
        assert model.output_shape == (None, 6)
        kinds = {type(layer).__name__ for layer in model.layers if layer.count_params()}
        assert kinds <= {"SimpleRNN", "Conv1D", "Conv2D", "Dense", "Normalization"}


def test_magnified_channels_stand_beside_the_plain_ones(activity):
    windows = np.random.default_rng(0).normal(0.5, 2, (5, 128, 9)).astype(np.float32)
    inputs = activity.keras.Input((128, 9))
    outputs = activity.magnify(inputs, {"magnify": 10})
    both = activity.keras.Model(inputs, outputs)(windows).numpy()
    assert np.array_equal(both[:, :, :9], windows)
    np.testing.assert_allclose(both[:, :, 9:], np.tanh(10 * windows), rtol=1e-5)
    assert activity.magnify(inputs, {"magnify": 0}) is inputs
