"""The runner of both notebooks: kept runs, killed sweeps, damage, stale results."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from cloudpickle import register_pickle_by_value

TESTS = Path(__file__).parent


def scale():
    return 10


def train(task, data):
    """Return a result that depends on task, data and the seeds; leave a mark."""
    with open(task["log"], "a", encoding="utf-8") as file:
        file.write(f"{task['seed']}\n")
    time.sleep(task.get("seconds", 0))
    return {"value": np.random.random() + data["x"].sum() * task["scale"](), "seconds": 0.5}


def other_scale():
    return 11


def tasks_of(folder, seeds, **more):
    return [dict(seed=seed, log=str(folder / "log"), scale=scale, **more) for seed in seeds]


def trained(folder):
    return sorted(int(line) for line in (folder / "log").read_text("utf-8").split())


class Line:
    """Stands in for the live line that only a notebook has."""

    def update(self, text):
        pass


def no_display(*args, **kwargs):
    return Line()


@pytest.fixture
def runner(names, tmp_path, monkeypatch):
    """The functions of one notebook; test_rendered holds the other's to be the same."""
    register_pickle_by_value(names)
    register_pickle_by_value(sys.modules[__name__])
    monkeypatch.setattr(names, "RUNS_FOLDER", str(tmp_path / "runs"))
    monkeypatch.setattr(names, "display", no_display)
    return names


def test_finished_runs_are_kept_and_returned_in_order(runner, tmp_path):
    data = {"x": np.ones(3)}
    first = runner.sweep(train, tasks_of(tmp_path, [3, 1]), data)
    both = runner.sweep(train, tasks_of(tmp_path, [1, 2, 3]), data)
    assert trained(tmp_path) == [1, 2, 3]
    assert [both[2]["value"], both[0]["value"]] == [r["value"] for r in first]
    assert len({float(r["value"]) for r in both}) == 3


def test_a_changed_setting_data_set_or_function_is_a_new_run(runner, tmp_path):
    data, task = {"x": np.ones(3)}, tasks_of(tmp_path, [1])[0]
    changed = [(task, data), ({**task, "epochs": 2}, data),
               ({**task, "scale": other_scale}, data), (task, {"x": np.array([1, 1, 1.0001])})]
    values = [float(runner.sweep(train, [t], d)[0]["value"]) for t, d in changed]
    assert trained(tmp_path) == [1, 1, 1, 1]
    assert values[2] == pytest.approx(values[0] + 3)


def test_comments_and_docstrings_do_not_make_a_new_run(runner, tmp_path):
    sources = ['def f(x):\n    """One."""\n    return x + 1\n',
               'def f(x):\n    """Two."""\n    # added\n    return x + 1\n',
               "def f(x):\n    return x + 2\n"]
    keys = []
    for number, source in enumerate(sources):
        path = tmp_path / f"module{number}.py"
        path.write_text(source, encoding="utf-8")
        sys.path.insert(0, str(tmp_path))
        function = __import__(path.stem).f
        keys.append(runner.run_key(function, {"seed": 1}, "data"))
        sys.path.remove(str(tmp_path))
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize("rubbish", [b"", b"rubbish", None])
def test_a_damaged_run_is_said_and_done_again(runner, tmp_path, capsys, rubbish):
    data = {"x": np.ones(3)}
    before = runner.sweep(train, tasks_of(tmp_path, [1, 2]), data)
    path = sorted((tmp_path / "runs").glob("*.npz"))[0]
    path.write_bytes(path.read_bytes()[:-40] if rubbish is None else rubbish)
    after = runner.sweep(train, tasks_of(tmp_path, [1, 2]), data)
    assert f"{path.name} is damaged" in capsys.readouterr().out
    assert [r["value"] for r in after] == [r["value"] for r in before]
    assert len(trained(tmp_path)) == 3


def in_another_process(runner, folder):
    """Start the same sweep in a process of its own and return it."""
    code = (f"import numpy as np, {runner.__name__} as runner, test_sweep as t\n"
            "from pathlib import Path\n"
            "runner.display = t.no_display\n"
            f"runner.RUNS_FOLDER = {runner.RUNS_FOLDER!r}\n"
            f"tasks = t.tasks_of(Path({str(folder)!r}), range(6), seconds=0.7)\n"
            "runner.sweep(t.train, tasks, {'x': np.ones(3)})\n")
    places = os.pathsep.join([str(TESTS), str(Path(runner.__file__).parent)])
    return subprocess.Popen([sys.executable, "-c", code], start_new_session=True,
                            env={**os.environ, "PYTHONPATH": places},
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def test_a_killed_sweep_goes_on_where_it_stopped(runner, tmp_path):
    process = in_another_process(runner, tmp_path)
    while len(list((tmp_path / "runs").glob("*.npz"))) < 2 and process.poll() is None:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    kept = len(list((tmp_path / "runs").glob("*.npz")))
    begun = len(trained(tmp_path))
    results = runner.sweep(train, tasks_of(tmp_path, range(6), seconds=0.7), {"x": np.ones(3)})
    assert 2 <= kept < 6
    assert len(trained(tmp_path)) == begun + 6 - kept
    undisturbed = []
    for seed in range(6):
        runner.keras.utils.set_random_seed(seed)
        undisturbed.append(np.random.random() + 30)
    assert [r["value"] for r in results] == undisturbed


def test_two_sweeps_at_once_do_not_harm_each_other(runner, tmp_path):
    both = [in_another_process(runner, tmp_path) for _ in range(2)]
    assert [process.wait(timeout=120) for process in both] == [0, 0]
    begun = len(trained(tmp_path))
    results = runner.sweep(train, tasks_of(tmp_path, range(6), seconds=0.7), {"x": np.ones(3)})
    assert len(results) == 6 and len(trained(tmp_path)) == begun


def test_a_full_disk_leaves_nothing_half_written(runner, tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    path = tmp_path / "runs/full.npz"
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError):
            runner.save_run(path, {"x": np.random.default_rng(0).random(10_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(path.parent.iterdir()) == []
    assert runner.load_run(path) is None
