"""Small sample data in the form of the real sets: common last names and simulated windows of
six people. A file SAMPLE_DATA.txt tells a notebook that its numbers are no result."""

import shutil
import sys
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

SAMPLE_NAMES = Path(__file__).parent / "sample_names"
STARTS = range(0, 12 * 64, 64)  # of the windows of 128 samples of one activity
CHANNELS = [f"Inertial Signals/{sensor}_{axis}"
            for sensor in ("body_acc", "body_gyro", "total_acc") for axis in "xyz"]

# gravity (g) in the phone's frame (x up along the body, y to the left, z to the front),
# step rate in Hz, amplitude of the acceleration in g and of the turn in rad/s
ACTIVITIES = {
    "WALKING": ((1, 0, 0), 1.8, 0.25, 0.6),
    "WALKING_UPSTAIRS": ((0.95, 0, 0.3), 1.5, 0.20, 0.8),
    "WALKING_DOWNSTAIRS": ((0.98, 0, -0.2), 2.0, 0.45, 0.9),
    "SITTING": ((0.8, 0.1, 0.6), 0, 0, 0),
    "STANDING": ((1, 0.05, 0), 0, 0, 0),
    "LAYING": ((0, 0.5, 0.87), 0, 0, 0),
}


def record(activity, wear, pace, rng):
    """Return windows (12, 128, 9) of one activity, the phone turned by the Rotation `wear`."""
    gravity, steps, acceleration, turn = ACTIVITIES[activity]
    seconds = np.arange(STARTS[-1] + 128)[:, None] / 50
    waves = np.cos(2 * np.pi * (steps * pace * seconds + rng.random(6)))
    body = acceleration * waves[:, :3] * [1, 0.4, 0.6] + rng.normal(0, 0.01, (len(waves), 3))
    gyro = turn * waves[:, 3:] * [0.5, 1, 0.4] + rng.normal(0, 0.02, (len(waves), 3))
    signals = np.hstack([wear.apply(part) for part in (body, gyro, body + gravity)])
    return [signals[start:start + 128] for start in STARTS]


def write_activity(folder):
    """Write the simulated windows under `folder`, in UCI HAR's files and form."""
    rng = np.random.default_rng(11)
    for split, subjects in (("train", [1, 2, 3, 4]), ("test", [5, 6])):
        columns = {"y": np.tile(np.repeat(range(1, 7), len(STARTS)), len(subjects)),
                   "subject": np.repeat(subjects, 6 * len(STARTS))}
        people = [(Rotation.from_rotvec(rng.normal(0, 0.2, 3)), rng.normal(1, 0.07))
                  for _subject in subjects]
        windows = [window for wear, pace in people for activity in ACTIVITIES
                   for window in record(activity, wear, pace, rng)]
        columns |= zip(CHANNELS, np.moveaxis(windows, 2, 0))
        (folder / split / "Inertial Signals").mkdir(parents=True, exist_ok=True)
        for name, values in columns.items():
            form = "%d" if values.ndim == 1 else "%15.7e"
            np.savetxt(folder / split / f"{name}_{split}.txt", values, form)
    text = "".join(f"{label} {name}\n" for label, name in enumerate(ACTIVITIES, 1))
    (folder / "activity_labels.txt").write_text(text, encoding="utf-8")


def make_sample(folder):
    """Write both sets of sample data into `folder`, over older ones."""
    shutil.copytree(SAMPLE_NAMES, folder / "names", dirs_exist_ok=True)
    write_activity(folder / "UCI_HAR_Dataset")
    for name in ("names", "UCI_HAR_Dataset"):
        (folder / name / "SAMPLE_DATA.txt").write_text("No result.\n")


if __name__ == "__main__":
    make_sample(Path(sys.argv[1]))
