"""The README's tables are those of results.csv (`python tests/test_readme.py` prints them)."""

import pandas as pd
import pytest
from conftest import EXERCISES, ROOT

NAMES = dict(zip(EXERCISES, ["model", "architecture"]))  # of the column that names a network
SCORES = dict(zip(EXERCISES, ["test_balanced_accuracy", "test_macro_f1"]))


def lines_of(exercise):
    """Return the README's lines of an exercise: mean ± standard deviation over seeds and the
    worst seed of each score, parameters, number of seeds; ordered by the accuracy."""
    results, lines = pd.read_csv(ROOT / exercise / "results.csv"), {}
    for name, runs in results[results.experiment == "final"].groupby(NAMES[exercise]):
        cells = [f"{runs[s].mean():.3f} ± {runs[s].std():.3f} | {runs[s].min():.3f}"
                 for s in ("test_accuracy", SCORES[exercise])]
        cells = [name.replace("_", " "), *cells, f"{runs.parameters.iloc[0]:,}", str(len(runs))]
        lines[runs.test_accuracy.mean()] = f"| {' | '.join(cells)} |"
    return [lines[score] for score in sorted(lines, reverse=True)]


@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_readme_shows_the_results_and_is_short(exercise):
    text, lines = (ROOT / "README.md").read_text(encoding="utf-8"), lines_of(exercise)
    assert lines and "\n".join(lines) in text
    assert len(text.splitlines()) <= 100 and "TODO" not in text


if __name__ == "__main__":
    for exercise in EXERCISES:
        print(*lines_of(exercise), sep="\n")
