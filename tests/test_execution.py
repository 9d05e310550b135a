"""The three notebooks, each executed whole once: smallest size, sample data."""

import csv

import build_submission
import hand_in
import pytest
from conftest import EXERCISES, NOTEBOOKS

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
    """The folder with what the smallest run wrote; the build itself checks the notebooks."""
    target = tmp_path_factory.mktemp("smoke") / "out"
    build_submission.build(target, "smoke", sample)
    return target


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_short_run_says_that_it_is_no_result_and_judges_no_claim(executed, name):
    cells = hand_in.read(executed / name)
    assert "no result" in str([cell.get("outputs") for cell in cells]).lower()
    found = hand_in.claims(cells)
    assert {row["holds"] for _, row in found} == {"not judged"} and len(found) <= 12
    assert [row["claim"] for heading, row in found if heading == "?"] == []


@pytest.mark.parametrize("folder", EXERCISES)
def test_the_results_are_tidy_and_complete_and_all_in_one_place(executed, folder):
    with open(executed / folder / "results.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows and set(COLUMNS[folder].split()) <= set(rows[0])
    assert all(row["seed"] and float(row["train_seconds"] or 0) >= 0 for row in rows)
    assert len({tuple(row.items()) for row in rows}) == len(rows)
    written = {path.name for path in (executed / folder).iterdir()}
    assert {"answer.png", "best_model.keras", "results.csv"} <= written
    runs = executed.parent / "runs" / folder
    assert list(runs.glob("*.npz")) and not list(runs.glob("*.part*"))
    assert "Traceback" not in (runs / "workers.log").read_text("utf-8", errors="replace")
