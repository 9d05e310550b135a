"""The runner of both notebooks: kept runs, killed sweeps, damage, stale results."""

import importlib.util
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import build_submission
import distributed
import nbformat
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
    monkeypatch.syspath_prepend(Path(names.__file__).parent)  # for the workers of Dask
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


def key_of(runner, folder, source):
    """Return the key of a run of the function `f` in a module of that source."""
    path = folder / f"module{len(list(folder.glob('module*.py')))}.py"
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return runner.run_key(module.f, {"seed": 1}, "data")


def test_comments_and_docstrings_do_not_make_a_new_run(runner, tmp_path):
    sources = ['def f(x):\n    """One."""\n    return x + 1\n',
               'def f(x):\n    """Two."""\n    # added\n    return x + 1\n',
               "def f(x):\n    return x + 2\n"]
    keys = [key_of(runner, tmp_path, source) for source in sources]
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize("function, depends", [
    ("def f(x):\n    return K + x\n", True),
    ("def f(x, y=K):\n    return x + y\n", True),
    ("def f(x, *, y=(K, 1)):\n    return x, y\n", True),
    ("def f(x):\n    def g():\n        return K + x\n    return g()\n", True),
    ("def f(x):\n    return (lambda y=K: y)()\n", True),
    ("def f(x):\n    return [y for y in range(K)]\n", True),
    ("def g():\n    return K\ndef f(x):\n    return g()\n", True),
    ("def f(x):\n    K = x\n    return K\n", False),
    ("def f(K):\n    return K\n", False),
    ("def f(x):\n    return [K for K in range(x)]\n", False),
    ("def f(x):\n    return (lambda K: K)(x)\n", False),
    ("def f(x):\n    def g(K):\n        return K\n    return g(x)\n", False),
    ("def f(x):\n    return x.K\n", False),
])
def test_a_run_depends_on_the_globals_that_its_code_reads(runner, tmp_path, function, depends):
    one, two = (key_of(runner, tmp_path, f"K = {value}\n{function}") for value in (1, 2))
    assert (one != two) == depends


def test_the_order_of_data_in_memory_does_not_make_a_new_run(runner, tmp_path):
    windows = np.arange(24.0).reshape(2, 3, 4)
    for x in (windows, np.asfortranarray(windows), np.repeat(windows, 2, axis=0)[::2]):
        runner.sweep(train, tasks_of(tmp_path, [1]), {"x": x})
    assert trained(tmp_path) == [1]
    runner.sweep(train, tasks_of(tmp_path, [1]), {"x": windows.swapaxes(0, 1)})
    assert trained(tmp_path) == [1, 1]


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
    places = os.pathsep.join(map(str, (TESTS, TESTS.parent / "tools",
                                       Path(runner.__file__).parent)))
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


def sweeping_notebook(runner, path):
    """Write a notebook of the runner and one sweep that prints its results."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in (
        Path(runner.__file__).read_text(encoding="utf-8"),
        "RUNS_FOLDER = 'runs'\nPath('pid').write_text(str(os.getpid()))",
        "def train(task, data):\n    time.sleep(0.5)\n"
        "    return {'value': data['x'].sum() * np.random.random()}",
        "print([float(r['value']) for r in sweep(\n"
        "    train, [{'seed': k} for k in range(6)], {'x': np.ones(3)})])")])
    path.parent.mkdir()
    nbformat.write(notebook, path)


def test_a_killed_kernel_goes_on_where_it_stopped(runner, tmp_path):
    path = tmp_path / "mein Übungsordner/sweep.ipynb"
    sweeping_notebook(runner, path)
    runs, pid = path.parent / "runs", path.parent / "pid"

    def kill():
        while len(list(runs.glob("*.npz"))) < 2:
            time.sleep(0.02)
        os.kill(int(pid.read_text("utf-8")), signal.SIGKILL)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    with pytest.raises(build_submission.BuildError, match="the kernel died"):
        build_submission.execute(path, {})
    kept = {run: run.stat().st_mtime_ns for run in runs.glob("*.npz")}
    again = build_submission.execute(path, {})
    assert 2 <= len(kept) < 6 == len(list(runs.glob("*.npz")))
    assert kept == {run: run.stat().st_mtime_ns for run in kept}
    undisturbed = [3 * np.random.RandomState(seed).random_sample() for seed in range(6)]
    assert again.cells[-1].outputs[-1].text == f"{undisturbed}\n"


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


def train_network(task, data):
    """Return the probabilities of a small trained network."""
    import keras
    from keras.layers import Dense, Dropout
    time.sleep(task["seconds"])
    model = keras.Sequential([keras.Input((3,)), Dense(8, activation="tanh"), Dropout(0.5),
                              Dense(2, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(data["x"], data["y"], verbose=0)
    return {"proba": model.predict(data["x"], verbose=0)}


def train_disturbed(task, data):
    """Do the same, while another thread draws random numbers, as Dask's does."""
    random.sample(range(100), 10)
    return train_network(task, data)


def probabilities(runner, train, seconds=0.0):
    rng = np.random.default_rng(0)
    data = {"x": rng.normal(size=(64, 3)), "y": rng.integers(0, 2, 64)}
    tasks = [{"seed": seed, "seconds": seconds} for seed in range(6)]
    return np.stack([result["proba"] for result in runner.sweep(train, tasks, data)])


def test_a_dask_cluster_gives_the_same_table_though_a_worker_is_killed(
        runner, tmp_path, monkeypatch):
    here = probabilities(runner, train_network)
    np.testing.assert_array_equal(here, probabilities(runner, train_disturbed))
    assert len(np.unique(here, axis=0)) == 6
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1,
                                  dashboard_address=None) as cluster:
        class Killer:
            """Kills a worker when the first run has come back."""

            def update(self, text):
                if text.data.startswith("1 of 6"):
                    os.kill(cluster.workers[0].pid, signal.SIGKILL)
                    killed.append(text.data)

        killed = []
        monkeypatch.setattr(runner, "display", lambda *args, **kwargs: Killer())
        monkeypatch.setattr(runner, "RUNS_FOLDER", str(tmp_path / "on the cluster"))
        monkeypatch.setenv("SWEEP_BACKEND", "dask")
        monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", cluster.scheduler_address)
        there = probabilities(runner, train_network, seconds=0.01)
    assert killed
    np.testing.assert_array_equal(here, there)


def test_a_dask_worker_of_two_threads_is_refused(runner, tmp_path, monkeypatch):
    with distributed.LocalCluster(n_workers=1, threads_per_worker=2, processes=False,
                                  dashboard_address=None) as cluster:
        monkeypatch.setenv("SWEEP_BACKEND", "dask")
        monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", cluster.scheduler_address)
        with pytest.raises(ValueError, match="--nthreads 1"):
            runner.sweep(train, tasks_of(tmp_path, [1]), {"x": np.ones(3)})
