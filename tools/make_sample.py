"""Write small sample data in the form of the two real data sets.

    python tools/make_sample.py FOLDER

FOLDER/names holds common last names, written by hand (tools/sample_names);
FOLDER/UCI_HAR_Dataset holds simulated windows of six people. Each has a file
SAMPLE_DATA.txt, by which a notebook knows that its numbers are no result.
"""

import shutil
import sys
from pathlib import Path

import numpy as np

RATE = 50                    # samples per second
WINDOW = 128                 # samples
WINDOWS_PER_ACTIVITY = 12    # of each subject
SUBJECTS = {"train": [1, 2, 3, 4], "test": [5, 6]}
NOTE = "Sample data for tests: simulated or hand-written. No result may be drawn from it.\n"

# gravity's direction in the phone's frame (x up along the body, y to the left, z to the
# front), step rate in Hz, amplitude of the acceleration in g and of the turn in rad/s
ACTIVITIES = {
    "WALKING": ((1, 0, 0), 1.8, 0.25, 0.6),
    "WALKING_UPSTAIRS": ((0.95, 0, 0.3), 1.5, 0.20, 0.8),
    "WALKING_DOWNSTAIRS": ((0.98, 0, -0.2), 2.0, 0.45, 0.9),
    "SITTING": ((0.8, 0.1, 0.6), 0, 0, 0),
    "STANDING": ((1, 0.05, 0), 0, 0, 0),
    "LAYING": ((0, 0.5, 0.87), 0, 0, 0),
}


def rotation(angles):
    """Return the 3 x 3 matrix that turns by `angles` (rad) about x, then y, then z."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles), np.sin(angles)
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def record(activity, wear, pace, rng):
    """Return a recording (samples, 9): body acceleration (g), angular velocity
    (rad/s) and total acceleration (g), worn turned by the matrix `wear`."""
    gravity, steps, acceleration, turn = ACTIVITIES[activity]
    time = np.arange(WINDOW * (WINDOWS_PER_ACTIVITY + 1) // 2) / RATE
    harmonics = np.array([1, 2, 3])[:, None]
    phases = rng.uniform(0, 2 * np.pi, (6, 3, 1))
    waves = (np.cos(2 * np.pi * steps * pace * harmonics * time + phases) / harmonics).sum(1)
    body = acceleration * np.array([1, 0.4, 0.6]) * waves[:3].T
    gyro = turn * np.array([0.5, 1, 0.4]) * waves[3:].T
    body = body + rng.normal(0, 0.01, body.shape)
    gyro = gyro + rng.normal(0, 0.02, gyro.shape)
    down = np.array(gravity) / np.linalg.norm(gravity)
    body, gyro, down = body @ wear.T, gyro @ wear.T, down @ wear.T
    return np.hstack([body, gyro, body + down])


def in_uci_format(windows):
    """Return `windows` (n, 128) as UCI HAR prints them: 16 columns a value, three
    digits in the exponent."""
    def number(value):
        mantissa, exponent = f"{value:.7e}".split("e")
        return f"{mantissa}e{int(exponent):+04d}".rjust(16)
    return "".join("".join(map(number, window)) + "\n" for window in windows)


def write_activity(folder):
    """Write the simulated windows under `folder`, in UCI HAR's files and form."""
    rng = np.random.default_rng(11)
    for split, subjects in SUBJECTS.items():
        windows, labels, owners = [], [], []
        for subject in subjects:
            wear, pace = rotation(rng.normal(0, 0.2, 3)), rng.normal(1, 0.07)
            for label, activity in enumerate(ACTIVITIES, 1):
                signal = record(activity, wear, pace, rng)
                starts = range(0, WINDOWS_PER_ACTIVITY * WINDOW // 2, WINDOW // 2)
                windows += [signal[start:start + WINDOW] for start in starts]
                labels += [label] * WINDOWS_PER_ACTIVITY
                owners += [subject] * WINDOWS_PER_ACTIVITY
        signals = folder / split / "Inertial Signals"
        signals.mkdir(parents=True)
        channels = [f"{sensor}_{axis}" for sensor in ("body_acc", "body_gyro", "total_acc")
                    for axis in "xyz"]
        for index, channel in enumerate(channels):
            text = in_uci_format(np.stack(windows)[:, :, index])
            (signals / f"{channel}_{split}.txt").write_text(text, encoding="utf-8")
        for name, column in (("y", labels), ("subject", owners)):
            text = "".join(f"{value}\n" for value in column)
            (folder / split / f"{name}_{split}.txt").write_text(text, encoding="utf-8")
    text = "".join(f"{label} {activity}\n" for label, activity in enumerate(ACTIVITIES, 1))
    (folder / "activity_labels.txt").write_text(text, encoding="utf-8")


def make_sample(folder):
    """Write both sets of sample data into `folder`, in place of older ones."""
    for name in ("names", "UCI_HAR_Dataset"):
        shutil.rmtree(folder / name, ignore_errors=True)
    shutil.copytree(Path(__file__).parent / "sample_names", folder / "names")
    write_activity(folder / "UCI_HAR_Dataset")
    for name in ("names", "UCI_HAR_Dataset"):
        (folder / name / "SAMPLE_DATA.txt").write_text(NOTE, encoding="utf-8")


if __name__ == "__main__":
    make_sample(Path(sys.argv[1]))
