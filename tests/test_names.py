"""The functions of exercise 1, taken from the notebook's own cells."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score, f1_score, recall_score

TINY = dict(hidden=[8], epochs=4, rate=0.02, batch_size=16, fold=0, seed=0)


@pytest.fixture(scope="module")
def data(names, sample):
    """The sample's names, with French thinned to a rare language, and their parts."""
    pairs = names.read_pairs(sample / "names")
    pairs = pairs.drop(pairs.index[pairs.language == "French"][10:])
    y = pairs.language.map(names.LANGUAGES.index).to_numpy()
    spelled = pairs.name.to_numpy(dtype=str)
    return dict(names=spelled, y=y, part=names.split(spelled, y))


def train(names, data, **settings):
    names.keras.utils.set_random_seed(0)
    return names.train_names(names.PLAIN | TINY | settings, data)


@pytest.mark.parametrize("seed", range(3))
def test_no_name_stands_on_two_sides_of_a_split(names, data, seed):
    part = names.split(data["names"], data["y"], seed)
    sides = [set(data["names"][part == p]) for p in [names.TEST, 0, 1, 2, 3, 4]]
    assert all(sides) and sum(map(len, sides)) == len(set(data["names"]))


def test_pairs_are_distinct_and_a_name_may_stand_in_several_languages(names, sample):
    pairs = names.read_pairs(sample / "names")
    assert not pairs.duplicated().any() and pairs.name.duplicated().any()


def test_the_alphabet_holds_the_letters_of_the_given_names_alone(names):
    assert names.make_alphabet(["Abba", "Éd"])[2:] == ["a", "b", "d", "e", "\u0301"]
    coded = names.encode(["aß"], names.make_alphabet(["ab"]), "masked")
    assert coded[0, 1].argmax() == 1  # OTHER


@pytest.mark.parametrize("padding", ["after", "before", "masked"])
def test_one_hot_letters_decode_to_the_names(names, data, padding):
    alphabet = names.make_alphabet(data["names"])
    coded = names.encode(data["names"], alphabet, padding)
    assert coded.shape == (len(data["names"]), names.MAX_LENGTH, len(alphabet))
    assert names.decode(coded, alphabet) == [name.lower() for name in data["names"]]
    filled = coded.sum(2).sum(1)
    lengths = [len(names.letters(name)) + 1 for name in data["names"]]
    full = [names.MAX_LENGTH] * len(filled)
    assert list(filled) == (lengths if padding == "masked" else full)


def test_the_padding_stands_where_it_is_said_to(names):
    before = names.encode(["ab"], names.make_alphabet(["ab"]), "before")[0].argmax(1)
    after = names.encode(["ab"], names.make_alphabet(["ab"]), "after")[0].argmax(1)
    assert list(before[-3:]) == [2, 3, 0] and not before[:-3].any()
    assert list(after[:2]) == [2, 3] and not after[2:].any()


def test_a_name_too_long_is_refused(names):
    with pytest.raises(ValueError, match="'a{30}' has more than 18 letters"):
        names.encode(["a" * 30], names.make_alphabet(["a"]), "before")


def test_sample_weights_have_mean_one_and_undo_the_shares(names):
    y = np.repeat([0, 1, 2, 3, 4], [60, 20, 10, 5, 5])
    assert names.sample_weights(y, 0.0).tolist() == [1] * 100
    weights = names.sample_weights(y, 1.0)
    assert weights.mean() == pytest.approx(1)
    np.testing.assert_allclose(np.bincount(y, weights), 20)
    root = names.sample_weights(y, 0.5)
    assert root[80] / root[0] == pytest.approx(6**0.5)


def test_oversampling_levels_the_languages_and_keeps_every_name(names):
    y = np.repeat([0, 1, 2, 3, 4], [60, 20, 10, 5, 5])
    rows = names.oversample(y, 0)
    assert list(np.bincount(y[rows])) == [60] * 5 and set(rows) == set(range(100))


def test_training_is_blind_to_held_out_names(names, data):
    changed = {key: values.copy() for key, values in data.items()}
    held_out = np.isin(data["part"], [0, names.TEST])
    changed["names"][held_out] = "ßßß"
    changed["y"][held_out] = 1
    first, second = train(names, data), train(names, changed)
    weights = [key for key in first if key.startswith("weight_")]
    assert len(weights) == 5
    for key in weights:
        np.testing.assert_array_equal(first[key], second[key])
    assert first["proba"].shape == second["proba"].shape


@pytest.mark.parametrize("treatment", [dict(weight_power=1.0), dict(tau=1.0),
                                       dict(oversampled=True)])
def test_a_treatment_reaches_the_training(names, data, treatment):
    rare = train(names, data)["proba"][:, 1].mean()
    assert train(names, data, **treatment)["proba"][:, 1].mean() > 1.5 * rare


def test_the_adjusted_loss_is_cross_entropy_of_shifted_logits(names):
    proba, share = np.array([[0.6, 0.1, 0.1, 0.1, 0.1]]), np.array([0.6, 0.1, 0.1, 0.1, 0.1])
    truth = np.eye(5)[[1]]
    loss = names.make_loss(names.PLAIN | dict(tau=1.0), share)(truth, proba)
    assert float(loss[0]) == pytest.approx(-np.log(0.01 / (0.36 + 4 * 0.01)), abs=1e-3)
    plain = names.make_loss(names.PLAIN, share)(truth, proba)
    assert float(plain[0]) == pytest.approx(-np.log(0.1), abs=1e-3)


@pytest.fixture
def study(names, data, monkeypatch):
    """The notebook's names and its record of studies, on the sample; a table of two runs."""
    for name, value in {**data, "data": data, "records": {}}.items():
        monkeypatch.setattr(names, name, value, raising=False)
    truth, proba = data["y"][data["part"] == 0], np.full((sum(data["part"] == 0), 5), 0.2)
    row = dict(fold=0, failed=False, proba=proba, truth=truth, model="even",
               **dict(zip(names.SCORES, names.scores(proba, truth))))
    return pd.DataFrame([row, row | dict(fold=1, truth=data["y"][data["part"] == 1],
                                         proba=proba[:1].repeat(sum(data["part"] == 1), 0))])


def test_adjustment_divides_by_the_share_of_the_training_names(names, study, data):
    assert names.adjusted(study, 0.0).proba[0].tolist() == study.proba[0].tolist()
    share = np.bincount(data["y"][data["part"] > 0], minlength=5) / sum(data["part"] > 0)
    found = names.adjusted(study, 1.0)
    np.testing.assert_allclose(found.proba[0], 0.2 / np.tile(share, (len(found.proba[0]), 1)))
    rare = share.argmin()
    assert (found.proba[0].argmax(1) == rare).all()
    assert found.accuracy[0] == pytest.approx(np.mean(found.truth[0] == rare))
    assert study.accuracy[0] == pytest.approx(np.mean(study.truth[0] == 0))


def test_the_cost_of_an_error_is_that_of_the_language_missed(names, study):
    expected = np.mean([3 * np.mean(truth != 0) for truth in study.truth])
    assert names.cost(study, 3) == pytest.approx(expected)


def runs_of(**scores):
    """Return a table of runs, five folds a model, with these balanced accuracies."""
    return pd.DataFrame([
        dict(model=model, fold=fold, failed=value == 0, balanced_accuracy=value)
        for model, values in scores.items() for fold, value in enumerate(values)])


def test_the_interval_over_folds_is_the_corrected_t_test(names):
    a, b = np.array([0.81, 0.84, 0.79, 0.86, 0.80]), np.array([0.78, 0.80, 0.79, 0.80, 0.79])
    mean, p, text = names.compare(runs_of(a=a, b=b), "a", "b")
    usual = stats.ttest_rel(a, b)
    assert mean == pytest.approx((a - b).mean())
    assert p == pytest.approx(2 * stats.t.sf(usual.statistic / 1.5, 4))
    half = 1.5 * (usual.confidence_interval().high - mean)
    assert text == f"{100 * mean:+.1f} points [{100 * (mean - half):+.1f}, " \
                   f"{100 * (mean + half):+.1f}]"


def test_a_failed_run_is_left_out_of_the_comparison(names):
    mean, *_ = names.compare(runs_of(a=[0.8, 0.7, 0], b=[0.7, 0.6, 0.6]), "a", "b")
    assert mean == pytest.approx(0.1)


def test_scores_are_those_of_sklearn(names):
    rng = np.random.default_rng(0)
    truth, proba = rng.integers(0, 5, 300), rng.random((300, 5))
    said = proba.argmax(1)
    expected = [accuracy_score(truth, said), recall_score(truth, said, average="macro"),
                f1_score(truth, said, average="macro")]
    np.testing.assert_allclose(names.scores(proba, truth), expected)


def test_the_norms_of_the_gradient_back_in_time(names):
    network = SimpleNamespace(get_weights=lambda: [np.zeros((2, 3)), 0.5 * np.eye(3),
                                                   np.zeros(3), np.zeros((3, 5)), np.zeros(5)])
    norms = names.gradient_back(network, np.zeros((4, 12, 2)))
    np.testing.assert_allclose(norms, 0.5 ** np.arange(11))


@pytest.mark.parametrize("content", [b"", b"\n \n", b"M\xfcller\n", None,
                                     b"Petit\n" * 30 + b"Martin\nRoux\n"])
def test_a_bad_file_is_refused_with_a_sentence(names, sample, tmp_path, content):
    for language in names.LANGUAGES:
        text = (sample / "names" / f"{language}.txt").read_bytes()
        (tmp_path / f"{language}.txt").write_bytes(content if language == "French" and content
                                                   is not None else text)
    if content is None:
        (tmp_path / "French.txt").unlink()
    with pytest.raises(ValueError, match="^French.txt is missing.*pytorch.org.*data/names"):
        names.read_pairs(tmp_path)
