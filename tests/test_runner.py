"""The runner of both exercises: kept runs, stale results, damage, killed sweeps."""

import dis
import inspect
import os
import re
import signal
import subprocess
import sys
import time
import types
from pathlib import Path
from unittest.mock import Mock

import hand_in
import joblib
import numpy as np
import pytest
from conftest import EXERCISES, NOTEBOOKS, ROOT

DATA = {"x": np.ones(3)}


def scale():
    return 10


def other_scale():
    return 11


def train(task, data):
    """Return a result that depends on task, data and seed; leave a mark."""
    with open(task["log"], "a", encoding="utf-8") as file:
        file.write(f"{task['seed']}\n")
    time.sleep(task.get("seconds", 0))
    return {"value": np.random.random() + data["x"].sum() * scale()}


def tasks_of(folder, seeds, **more):
    return [dict(seed=seed, log=str(folder / "log"), **more) for seed in seeds]


def trained(folder):
    return sorted(map(int, (folder / "log").read_text("utf-8").split()))


@pytest.fixture
def runner(names, tmp_path, monkeypatch):
    """The functions of one notebook; a test below holds the other's to be the same."""
    monkeypatch.setattr(names, "RUNS_FOLDER", str(tmp_path / "runs"))
    monkeypatch.setattr(names, "TRAINING_CODE", (train, scale))
    monkeypatch.setattr(names, "display", Mock(), raising=False)
    return names


def test_finished_runs_are_kept_and_returned_in_order(runner, tmp_path):
    first = runner.sweep(train, tasks_of(tmp_path, [3, 1]), DATA)
    both = runner.sweep(train, tasks_of(tmp_path, [1, 2, 3]), DATA)
    assert trained(tmp_path) == [1, 2, 3]
    assert [both[2]["value"], both[0]["value"]] == [result["value"] for result in first]
    assert len({result["value"] for result in both}) == 3


@pytest.mark.parametrize("name, value, task, data", [
    ("TRAINING_CODE", (train, scale), {"epochs": 2}, DATA),
    ("TRAINING_CODE", (train, scale), {}, {"x": np.array([1, 1, 1.0001])}),
    ("TRAINING_CODE", (train, other_scale), {}, DATA),
    ("TRAINING_CODE", (train, scale, 0.5), {}, DATA),
    ("VERSIONS", {"numpy": "3.0"}, {}, DATA),
])
def test_a_change_of_setting_data_code_or_version_is_a_new_run(
        runner, tmp_path, monkeypatch, name, value, task, data):
    runner.sweep(train, tasks_of(tmp_path, [1]), DATA)
    runner.sweep(train, tasks_of(tmp_path, [1]), {"x": np.ones(6)[::2]})
    assert trained(tmp_path) == [1]
    monkeypatch.setattr(runner, name, value)
    runner.sweep(train, tasks_of(tmp_path, [1], **task), data)
    assert trained(tmp_path) == [1, 1]


@pytest.mark.parametrize("rubbish", [b"", b"rubbish", None])
def test_a_damaged_run_is_said_and_done_again(runner, tmp_path, capsys, rubbish):
    before = runner.sweep(train, tasks_of(tmp_path, [1, 2]), DATA)
    path = min((tmp_path / "runs").glob("*.npz"))
    path.write_bytes(path.read_bytes()[:-40] if rubbish is None else rubbish)
    assert runner.sweep(train, tasks_of(tmp_path, [1, 2]), DATA) == before
    assert f"{path.name} is damaged" in capsys.readouterr().out
    assert len(trained(tmp_path)) == 3


@pytest.mark.slow
def test_no_damage_goes_unseen(runner, tmp_path):
    """Two hundred bytes changed and a hundred cuts: found, or without any effect."""
    path, rng = tmp_path / "run.npz", np.random.default_rng(0)
    result = {"proba": rng.random((20, 5)), "seconds": 1.5}
    runner.keep_run(path, result)
    whole = path.read_bytes()
    for place in rng.integers(0, len(whole), 300):
        flipped = whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1:]
        path.write_bytes(flipped if place % 3 else whole[:place])
        loaded = runner.load_run(path)
        assert loaded is None or {k: v.tobytes() for k, v in loaded.items()} == {
            k: np.asarray(v).tobytes() for k, v in result.items()}


@pytest.mark.parametrize("error", [PermissionError, MemoryError])
def test_what_cannot_be_read_now_is_not_taken_for_damage(runner, tmp_path, monkeypatch, error):
    runner.sweep(train, tasks_of(tmp_path, [1]), DATA)
    monkeypatch.setattr(np, "load", Mock(side_effect=error))
    with pytest.raises(error):
        runner.sweep(train, tasks_of(tmp_path, [1]), DATA)
    assert trained(tmp_path) == [1]


def test_a_run_that_cannot_be_written_leaves_nothing(runner, tmp_path, monkeypatch):
    monkeypatch.setattr(runner.os, "replace", Mock(side_effect=OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        runner.sweep(train, tasks_of(tmp_path, [1]), DATA)
    assert list((tmp_path / "runs").glob("*.npz")) == []


def test_a_killed_sweep_goes_on_where_it_stopped(runner, tmp_path):
    code = (f"import sys; sys.path[:0] = {[str(Path(__file__).parent), *sys.path]!r}\n"
            f"import {runner.__name__} as runner, test_runner as t\n"
            f"runner.display, runner.RUNS_FOLDER = t.Mock(), {runner.RUNS_FOLDER!r}\n"
            "runner.TRAINING_CODE = (t.train, t.scale)\n"
            f"tasks = t.tasks_of(t.Path({str(tmp_path)!r}), range(6), seconds=0.7)\n"
            "runner.sweep(t.train, tasks, t.DATA)\n")
    process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    while len(list((tmp_path / "runs").glob("*.npz"))) < 2 and process.poll() is None:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    kept, begun = len(list((tmp_path / "runs").glob("*.npz"))), len(trained(tmp_path))
    results = runner.sweep(train, tasks_of(tmp_path, range(6), seconds=0.7), DATA)
    assert 2 <= kept < 6 and len(trained(tmp_path)) == begun + 6 - kept
    undisturbed = [np.random.RandomState(seed).random_sample() + 30 for seed in range(6)]
    assert [result["value"] for result in results] == undisturbed


def crash(task, data):
    os.write(2, b"the last words of a worker\n")
    os._exit(1)


def test_the_last_words_of_a_crashed_worker_are_in_the_log(runner, tmp_path):
    joblib.externals.loky.get_reusable_executor().shutdown()  # whose log lies elsewhere
    with pytest.raises(Exception, match="terminated"):
        runner.sweep(crash, tasks_of(tmp_path, [1]), DATA)
    joblib.externals.loky.get_reusable_executor().shutdown()
    assert "the last words" in (tmp_path / "runs/workers.log").read_text("utf-8")


def test_workers_are_bounded_by_cores_and_memory(runner, monkeypatch):
    for available, cores, workers in ((100, 8, 8), (100, 2, 2), (5, 8, 4), (0.5, 8, 1)):
        memory = types.SimpleNamespace(available=available * 2**30)
        monkeypatch.setattr(runner.psutil, "virtual_memory", lambda memory=memory: memory)
        monkeypatch.setattr(runner.joblib, "cpu_count", lambda cores=cores: cores)
        with runner.backend():
            assert joblib.Parallel().n_jobs == workers


def train_network(task, data):
    """Return the probabilities of a small trained network."""
    from keras import Sequential
    from keras.layers import Dense, Dropout
    model = Sequential([Dense(8, activation="tanh"), Dropout(0.5), Dense(2, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(data["x"], data["y"], verbose=0)
    return {"proba": model.predict(data["x"], verbose=0)}


@pytest.mark.slow
def test_a_dask_cluster_gives_the_same_though_a_worker_is_killed(runner, tmp_path, monkeypatch):
    import distributed
    rng = np.random.default_rng(0)
    data = {"x": rng.normal(size=(64, 3)), "y": rng.integers(0, 2, 64)}
    tasks = [{"seed": seed} for seed in range(6)]
    here = runner.sweep(train_network, tasks, data)
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1,
                                  dashboard_address=":0") as cluster:
        def kill(_text):
            if not killed:
                killed.append(os.kill(cluster.workers[0].pid, signal.SIGKILL))

        killed = []
        runner.display.return_value.update = kill
        monkeypatch.setattr(runner, "RUNS_FOLDER", str(tmp_path / "on the cluster"))
        monkeypatch.setenv("SWEEP_BACKEND", "dask")
        monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", cluster.scheduler_address)
        there = runner.sweep(train_network, tasks, data)
    assert killed
    for one, other in zip(here, there):
        np.testing.assert_array_equal(one["proba"], other["proba"])


def globals_read(code):
    """Return the names of the globals that a code object, or one within it, reads."""
    inner = [globals_read(const) for const in code.co_consts if inspect.iscode(const)]
    own = {i.argval for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL"}
    return own.union(*inner)


def unnamed(module, roots, training_code):
    """Return the names of functions and constants of the notebook `module` that the functions
    `roots` reach and that are not in `training_code`."""
    missing, seen, todo = set(), set(), list(roots)
    while todo:
        function = todo.pop()
        if function in seen:
            continue
        seen.add(function)
        if not any(function is part for part in training_code):
            missing.add(function.__name__)
        # default values are read when the function is defined
        names = globals_read(function.__code__) | set(re.findall(r"=\s*([A-Z_]{2,})\b", str(
            inspect.getsource(function).partition('"""')[0])))
        for name in names & set(vars(module)):
            value = getattr(module, name)
            values = list(value.values()) if isinstance(value, dict) else [value]
            own = [v for v in values if getattr(v, "__module__", "") == module.__name__]
            todo += own
            if inspect.ismodule(value) or isinstance(value, type) or (callable(value) or own):
                continue
            if not any(value is part or (type(value) is type(part) and value == part)
                       for part in training_code):
                missing.add(name)
    return missing


@pytest.mark.parametrize("exercise", [0, 1], ids=EXERCISES)
def test_the_training_code_names_all_that_training_reaches(request, exercise):
    module = request.getfixturevalue(("names", "activity")[exercise])
    source = "\n".join(cell["source"] for cell in hand_in.read(ROOT / NOTEBOOKS[exercise]))
    named = set(re.findall(r"\bsweep\((\w+),", source)) - {"train"}
    roots = [getattr(module, name) for name in named if hasattr(module, name)]
    roots += [module.train] if "train" in vars(module) else []
    assert roots and unnamed(module, roots, module.TRAINING_CODE) == set()
    for function in filter(inspect.isfunction, module.TRAINING_CODE):
        less = [part for part in module.TRAINING_CODE if part is not function]
        assert function.__name__ in unnamed(module, roots, less)


RATE = 0.1


def reads_through_a_lambda(task, rate=RATE):
    return [(lambda: scale() + RATE)() for _ in range(3)]


def test_the_test_of_the_training_code_can_fail():
    module, roots = sys.modules[__name__], [reads_through_a_lambda]
    complete = (reads_through_a_lambda, scale, RATE)
    assert unnamed(module, roots, complete) == set()
    for index, name in enumerate(["reads_through_a_lambda", "scale", "RATE"]):
        assert unnamed(module, roots, complete[:index] + complete[index + 1:]) == {name}
