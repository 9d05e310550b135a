"""The README's tables are those of results.csv."""

import pandas as pd
import pytest
from conftest import ROOT

NAMES = {  # label in the README: experiment and treatment in results.csv
    "one SimpleRNN layer": ("1d treatments", "none"),
    "one SimpleRNN layer, class weights": ("1d treatments", "class weights"),
    "one SimpleRNN layer, logit adjustment": ("1d treatments", "logit adjustment"),
    "stacked SimpleRNN layers": ("1f stacked, test", "none"),
    "the recipe": ("recipe", "none"),
    "the recipe, logit adjustment": ("recipe", "logit adjustment"),
}
ACTIVITY = {  # label in the README: architecture in results.csv
    "Conv1D, wide": "conv_wide", "Conv1D, deep": "conv_deep", "Conv1D, small": "conv_small",
    "Conv2D": "conv_2d", "Conv1D, then SimpleRNN": "conv_rnn",
    "Conv1D beside Dense": "conv_mlp", "SimpleRNN on patches": "patch_rnn",
    "SimpleRNN on patches, all states read": "patch_rnn_all",
    "Dense": "mlp", "Dense on patches": "patch_mlp",
    "SimpleRNN": "simple_rnn", "stacked SimpleRNN": "stacked_rnn",
}


def mean_sd(values):
    return f"{values.mean():.3f} ± {values.std():.3f}"


def names_line(label):
    results = pd.read_csv(ROOT / "name_classification/results.csv", keep_default_na=False,
                          na_values=[""])
    experiment, treatment = NAMES[label]
    runs = results[(results.experiment == experiment) & (results.treatment == treatment)]
    runs = runs.dropna(subset="test_accuracy")
    return (f"| {label} | {mean_sd(runs.test_accuracy)} | {runs.test_accuracy.min():.3f} | "
            f"{mean_sd(runs.test_balanced_accuracy)} | "
            f"{runs.test_balanced_accuracy.min():.3f} | {len(runs)} |")


def activity_line(label):
    results = pd.read_csv(ROOT / "activity_recognition/results.csv")
    runs = results[(results.experiment == "final") & (results.architecture == ACTIVITY[label])]
    return (f"| {label} | {runs.family.iloc[0]} | {mean_sd(runs.test_accuracy)} | "
            f"{runs.test_accuracy.min():.3f} | {mean_sd(runs.test_macro_f1)} | "
            f"{runs.parameters.iloc[0]:,} | {len(runs)} |")


@pytest.mark.parametrize("line", [names_line(label) for label in NAMES]
                         + [activity_line(label) for label in ACTIVITY])
def test_a_line_of_the_readme_is_that_of_the_results(line):
    assert line in (ROOT / "README.md").read_text(encoding="utf-8")
