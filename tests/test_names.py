"""The functions of exercise 1, taken from the notebook's own cells."""

import unicodedata

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

LANGUAGES = ["English", "French", "German", "Italian", "Spanish"]


@pytest.fixture(scope="module")
def pairs(names, sample):
    return names.read_names(sample / "names", LANGUAGES)


@pytest.fixture(scope="module")
def arrays(pairs):
    y = pairs.language.map({name: i for i, name in enumerate(LANGUAGES)}).to_numpy()
    return pairs.name.to_numpy(dtype=str), y


def test_pairs_are_distinct_and_keep_shared_names(pairs):
    assert not pairs.duplicated().any()
    assert set(pairs.language[pairs.name == "Simon"]) == {"French", "German", "Italian"}
    assert all(pairs.language.value_counts() >= 60)


def test_the_alphabet_is_made_of_the_given_names_alone(names):
    alphabet = names.make_alphabet(np.array(["Abba", "Éd"]))
    assert set(alphabet) - {names.END, names.OTHER} == {"a", "b", "d", "e", "\u0301"}
    assert len(set(alphabet)) == len(alphabet)


@pytest.mark.parametrize("padding", ["after", "before", "masked"])
def test_one_hot_letters_decode_to_the_names(names, arrays, padding):
    alphabet = names.make_alphabet(arrays[0])
    longest = max(len(names.letters(name)) for name in arrays[0]) + 1
    one_hot = names.encode(arrays[0], alphabet, longest, padding)
    assert one_hot.shape == (len(arrays[0]), longest, len(alphabet))
    assert set(np.unique(one_hot.sum(2))) <= ({0, 1} if padding == "masked" else {1})
    assert names.decode(one_hot, alphabet) == [
        unicodedata.normalize("NFC", name.lower()) for name in arrays[0]]


def test_padding_stands_where_it_is_said_to(names):
    alphabet = names.make_alphabet(np.array(["ab"]))
    end = alphabet.index(names.END)
    after, before, masked = (names.encode(["ab"], alphabet, 5, p)[0]
                             for p in ("after", "before", "masked"))
    assert list(after.argmax(1)[2:]) == [end] * 3
    assert before[4, end] == 1 and list(before.argmax(1)[:2]) == [end] * 2
    assert list(masked.sum(1)) == [1, 1, 1, 0, 0]


def test_a_letter_that_training_never_saw_is_kept_as_other(names):
    alphabet = names.make_alphabet(np.array(["ab"]))
    one_hot = names.encode(["aß"], alphabet, 3, "masked")
    assert one_hot[0, 1].argmax() == alphabet.index(names.OTHER)


def test_a_name_too_long_is_refused(names):
    with pytest.raises(ValueError, match="abcdef.*at most 3"):
        names.encode(["abcdef"], names.make_alphabet(["abcdef"]), 4, "before")


@pytest.mark.parametrize("seed", range(5))
def test_no_name_stands_on_both_sides_of_a_split(names, arrays, seed):
    part = names.deal(*arrays, seed=seed)
    sides = [set(arrays[0][part == p]) for p in np.unique(part)]
    assert len(sides) == 6 and sum(map(len, sides)) == len(set(arrays[0]))
    shares = [np.bincount(arrays[1][part == p], minlength=5) / np.sum(part == p)
              for p in np.unique(part)]
    assert np.ptp(shares, axis=0).max() < 0.1


def test_class_weights_have_mean_one_and_undo_the_counts(names):
    y = np.repeat([0, 1, 2], [60, 30, 10])
    weights = names.class_weights(y, 1.0)
    assert weights[y].mean() == pytest.approx(1)
    np.testing.assert_allclose(weights * np.bincount(y), (weights * np.bincount(y))[0])
    np.testing.assert_allclose(names.class_weights(y, 0.0), 1)
    root = names.class_weights(y, 0.5)
    assert root[2] / root[0] == pytest.approx(6 ** 0.5)


def test_oversampling_levels_the_classes_and_keeps_every_sample(names):
    y = np.repeat([0, 1, 2], [60, 30, 10])
    index = names.oversample(y, np.random.default_rng(0))
    assert list(np.bincount(y[index])) == [60, 60, 60]
    assert set(index) == set(range(100))


@pytest.mark.parametrize("content, problem", [
    (b"", "holds no name"), (b"\n \n", "holds no name"), (b"M\xfcller\n", "not UTF-8"),
    (None, "is missing")])
def test_a_bad_names_file_is_refused_with_a_sentence(names, sample, tmp_path, content, problem):
    for language in LANGUAGES:
        (tmp_path / f"{language}.txt").write_bytes(
            (sample / "names" / f"{language}.txt").read_bytes())
    if content is None:
        (tmp_path / "French.txt").unlink()
    else:
        (tmp_path / "French.txt").write_bytes(content)
    with pytest.raises((ValueError, FileNotFoundError), match=f"French.txt.*{problem}"):
        names.read_names(tmp_path, LANGUAGES)


def test_a_missing_folder_names_the_command_that_gets_it(names, tmp_path):
    with pytest.raises(FileNotFoundError, match="make data"):
        names.read_names(tmp_path / "nothing", LANGUAGES)


def test_windows_line_ends_and_a_byte_order_mark_do_no_harm(names, tmp_path):
    (tmp_path / "German.txt").write_bytes("\ufeffMüller\r\nBeck\r\n".encode())
    assert list(names.read_names(tmp_path, ["German"]).name) == ["Müller", "Beck"]


@settings(max_examples=300, deadline=None)
@given(place=st.integers(0, 400), cut=st.integers(0, 30), put=st.binary(max_size=8))
def test_a_damaged_names_file_gives_names_or_one_sentence(names, sample, tmp_path_factory,
                                                          place, cut, put):
    content = (sample / "names/German.txt").read_bytes()
    folder = tmp_path_factory.mktemp("damaged")
    (folder / "German.txt").write_bytes(content[:place] + put + content[place + cut:])
    try:
        table = names.read_names(folder, ["German"])
    except ValueError as error:
        assert "German.txt" in str(error) and "\n" not in str(error)
    else:
        assert isinstance(table, pd.DataFrame) and len(table) >= 50
        longest = max(len(names.letters(name)) for name in table.name) + 1
        alphabet = names.make_alphabet(table.name)
        names.encode(table.name.to_numpy(dtype=str), alphabet, longest, "before")
