"""Each notebook, executed whole on the sample data in the smallest size."""

import csv

import build_submission
import check_notebooks
import pytest
from conftest import ROOT

COLUMNS = {
    "name_classification": "experiment model hidden_units batch_size treatment seed epochs "
    "parameters train_seconds train_accuracy test_accuracy test_balanced_accuracy "
    "test_macro_f1",
    "activity_recognition": "experiment architecture family hidden_units batch_size epochs "
    "dropout augmentation seed parameters train_seconds validation_accuracy test_accuracy "
    "test_macro_f1",
}


@pytest.fixture(scope="module")
def executed(sample, tmp_path_factory):
    """{name: notebook} of the smallest run, and the folder it wrote to."""
    target = tmp_path_factory.mktemp("smoke")
    parameters = build_submission.short_parameters(target, "smoke", sample)
    notebooks = {name: build_submission.execute(ROOT / name, parameters[(ROOT / name).stem])
                 for name in check_notebooks.PARTS}
    return notebooks, target, parameters


@pytest.mark.parametrize("name", check_notebooks.PARTS)
def test_a_notebook_runs_whole_and_clean(executed, name):
    notebook = executed[0][name]
    assert check_notebooks.find_problems(notebook, check_notebooks.PARTS[name]) == []
    assert "no result" in check_notebooks.printed_text(notebook).lower()


@pytest.mark.parametrize("folder", COLUMNS)
def test_the_results_are_tidy(executed, folder):
    rows = read_results(executed[1], folder)
    assert rows and set(COLUMNS[folder].split()) <= set(rows[0])
    trained = [row for row in rows if row["experiment"] != "averaged"]
    assert all(row["seed"] and float(row["train_seconds"]) > 0 for row in trained)


@pytest.mark.parametrize("folder", COLUMNS)
def test_trained_again_from_nothing_the_results_are_the_same(executed, folder):
    _, target, parameters = executed
    before = read_results(target, folder)
    runs = sorted((target / folder / "runs").glob("*.npz"))
    kept, damaged, missing = runs[0], runs[1], runs[2:]
    age = kept.stat().st_mtime_ns
    damaged.write_bytes(damaged.read_bytes()[:100])
    for path in missing:
        path.unlink()
    again = build_submission.execute(ROOT / folder / f"{folder}.ipynb", parameters[folder])
    assert f"{damaged.name} is damaged" in check_notebooks.printed_text(again)
    assert kept.stat().st_mtime_ns == age
    assert sorted((target / folder / "runs").glob("*.npz")) == runs
    assert without_seconds(read_results(target, folder)) == without_seconds(before)


def read_results(target, folder):
    with open(target / folder / "results.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def without_seconds(rows):
    return [{k: v for k, v in row.items() if k != "train_seconds"} for row in rows]
