"""The README's tables are those of results.csv (`python tests/test_readme.py` prints them)."""

import pandas as pd
import pytest
from conftest import EXERCISES, ROOT

TABLES = {  # of each exercise: what stands in the first column, how its runs are described
    "name_classification": ("model", ["test_accuracy", "test_balanced_accuracy"]),
    "activity_recognition": ("architecture", ["test_accuracy", "test_macro_f1"]),
}


def lines_of(exercise):
    """Return the README's lines of an exercise: mean ± standard deviation over seeds and the
    worst seed of each score, parameters, number of seeds; ordered by the first score."""
    name, scores = TABLES[exercise]
    results = pd.read_csv(ROOT / exercise / "results.csv")
    lines = {}
    for label, runs in results[results.experiment == "final"].groupby(name):
        cells = [f"{runs[s].mean():.3f} ± {runs[s].std():.3f} | {runs[s].min():.3f}"
                 for s in scores]
        size = f"{runs.parameters.iloc[0]:,}"
        cells = [str(label).replace("_", " "), *cells, size, len(runs)]
        lines[runs[scores[0]].mean()] = "| " + " | ".join(map(str, cells)) + " |"
    return [lines[score] for score in sorted(lines, reverse=True)]


@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_readme_shows_the_results(exercise):
    lines = lines_of(exercise)
    assert lines and "\n".join(lines) in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_readme_is_short_and_finished():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 100 and "TODO" not in text


if __name__ == "__main__":
    for exercise in EXERCISES:
        print(*lines_of(exercise), sep="\n")
