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
from conftest import EXERCISES, NOTEBOOKS, ROOT, code_of

DATA = {"x": np.ones(3)}


def scale():
    return 10


def train(task, data):
    """Return a result that depends on task, data and seed; leave a mark."""
    with open(task["log"], "a", encoding="utf-8") as file:
        file.write(f"{task['seed']}\n")
    time.sleep(task.get("seconds", 0))
    return {"value": np.random.random() + data["x"].sum() * scale()}


class Sweeps:
    """Sweeps of one notebook's runner in a folder; a test holds the other's to be the same."""

    def __init__(self, module, folder, patch):
        self.module, self.folder, self.patch = module, folder, patch
        self.set(RUNS_FOLDER=str(folder / "runs"), TRAINING_CODE=(train, scale), display=Mock())

    def set(self, **values):
        for name, value in values.items():
            self.patch.setattr(self.module, name, value, raising=False)

    def run(self, seeds, data=DATA, train=train, **task):
        tasks = [dict(seed=seed, log=str(self.folder / "log"), **task) for seed in seeds]
        return self.module.sweep(train, tasks, data)

    def trained(self):
        return sorted(map(int, (self.folder / "log").read_text("utf-8").split()))

    def kept(self):
        return sorted((self.folder / "runs").glob("*.npz"))


@pytest.fixture
def sweeps(names, tmp_path, monkeypatch):
    return Sweeps(names, tmp_path, monkeypatch)


def test_finished_runs_are_kept_and_returned_in_order(sweeps):
    first, both = sweeps.run([3, 1]), sweeps.run([1, 2, 3])
    assert sweeps.trained() == [1, 2, 3]
    assert [both[2], both[0]] == first and len({result["value"] for result in both}) == 3


@pytest.mark.parametrize("setting, task, data", [
    ({}, {"epochs": 2}, DATA),
    ({}, {}, {"x": np.array([1, 1, 1.0001])}),
    ({"TRAINING_CODE": (train, Sweeps)}, {}, DATA),
    ({"TRAINING_CODE": (train, scale, 0.5)}, {}, DATA),
    ({"VERSIONS": {"numpy": "3.0", "device": "CPU"}}, {}, DATA),
])
def test_a_change_of_setting_data_code_or_version_is_a_new_run(sweeps, setting, task, data):
    sweeps.run([1])
    sweeps.run([1], {"x": np.ones(6)[::2]})
    assert sweeps.trained() == [1]
    sweeps.set(**setting)
    sweeps.run([1], data, **task)
    assert sweeps.trained() == [1, 1]


@pytest.mark.parametrize("rubbish", [b"", b"rubbish", None])
def test_a_damaged_run_is_said_and_done_again(sweeps, capsys, rubbish):
    before, path = sweeps.run([1, 2]), sweeps.kept()[0]
    path.write_bytes(path.read_bytes()[:-40] if rubbish is None else rubbish)
    assert sweeps.run([1, 2]) == before and len(sweeps.trained()) == 3
    assert f"{path.name} is damaged" in capsys.readouterr().out


@pytest.mark.slow
def test_no_damage_goes_unseen(sweeps, tmp_path):
    """Two hundred bytes changed and a hundred cuts: found, or without any effect."""
    path, rng = tmp_path / "run.npz", np.random.default_rng(0)
    result = {"proba": rng.random((20, 5)), "seconds": np.float64(1.5)}
    sweeps.module.keep_run(path, result)
    whole = path.read_bytes()
    for place in rng.integers(0, len(whole), 300):
        flipped = whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1:]
        path.write_bytes(flipped if place % 3 else whole[:place])
        loaded = sweeps.module.load_run(path)
        assert loaded is None or all(
            loaded[name].tobytes() == value.tobytes() for name, value in result.items())


@pytest.mark.parametrize("error", [PermissionError, MemoryError])
def test_what_cannot_be_read_now_is_not_taken_for_damage(sweeps, error):
    sweeps.run([1])
    sweeps.patch.setattr(np, "load", Mock(side_effect=error))
    with pytest.raises(error):
        sweeps.run([1])
    assert sweeps.trained() == [1]


def test_a_run_that_cannot_be_written_leaves_nothing(sweeps):
    sweeps.patch.setattr(os, "replace", Mock(side_effect=OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        sweeps.run([1])
    assert sweeps.kept() == []


def test_a_killed_sweep_goes_on_where_it_stopped(sweeps, tmp_path):
    code = (f"import sys; sys.path[:0] = {[str(Path(__file__).parent), *sys.path]!r}\n"
            f"import {sweeps.module.__name__} as runner, test_runner as t\n"
            f"sweeps = t.Sweeps(runner, t.Path({str(tmp_path)!r}), t.pytest.MonkeyPatch())\n"
            "sweeps.run(range(6), train=t.train, seconds=1.5)\n")
    process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    while len(sweeps.kept()) < 2 and process.poll() is None:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done, begun = len(sweeps.kept()), len(sweeps.trained())
    results = sweeps.run(range(6), seconds=1.5)
    assert 2 <= done < 6 and len(sweeps.trained()) == begun + 6 - done
    undisturbed = [np.random.RandomState(seed).random_sample() + 30 for seed in range(6)]
    assert [result["value"] for result in results] == undisturbed


def crash(task, data):
    os.write(2, b"the last words of a worker\n")
    os._exit(1)


def test_the_last_words_of_a_crashed_worker_are_in_the_log(sweeps, tmp_path):
    joblib.externals.loky.get_reusable_executor().shutdown()  # whose log lies elsewhere
    with pytest.raises(Exception, match="terminated"):
        sweeps.run([1], train=crash)
    joblib.externals.loky.get_reusable_executor().shutdown()
    assert "the last words" in (tmp_path / "runs/workers.log").read_text("utf-8")


@pytest.mark.parametrize("available, cores, workers", [
    (100, 8, 8), (100, 2, 2), (5, 8, 4), (0.5, 8, 1)])
def test_workers_are_bounded_by_cores_and_memory(names, monkeypatch, available, cores, workers):
    memory = types.SimpleNamespace(available=available * 2**30)
    monkeypatch.setattr(names.psutil, "virtual_memory", lambda: memory)
    monkeypatch.setattr(names.joblib, "cpu_count", lambda: cores)
    with names.backend():
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
def test_a_dask_cluster_gives_the_same_though_a_worker_is_killed(sweeps, tmp_path):
    import distributed
    rng, killed = np.random.default_rng(0), []
    data = {"x": rng.normal(size=(64, 3)), "y": rng.integers(0, 2, 64)}
    here = sweeps.run(range(6), data, train_network)
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1,
                                  dashboard_address=":0") as cluster:
        sweeps.module.display.return_value.update = lambda _text: killed or killed.append(
            os.kill(cluster.workers[0].pid, signal.SIGKILL))
        sweeps.set(RUNS_FOLDER=str(tmp_path / "on the cluster"))
        sweeps.patch.setenv("SWEEP_BACKEND", "dask")
        sweeps.patch.setenv("DASK_SCHEDULER_ADDRESS", cluster.scheduler_address)
        there = sweeps.run(range(6), data, train_network)
    assert killed
    for one, other in zip(here, there, strict=True):
        np.testing.assert_array_equal(one["proba"], other["proba"])


def globals_read(code):
    """Return the names of the globals that a code object, or one within it, reads."""
    inner = [globals_read(const) for const in code.co_consts if inspect.iscode(const)]
    own = {i.argval for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL"}
    return own.union(*inner)


def unnamed(module, roots, training_code):
    """Return the names of functions and constants of the notebook `module` that the functions
    called `roots` reach and that are not in `training_code`. Of a dict its functions count."""
    missing, seen, todo = set(), set(), list(roots)
    while todo:
        name = todo.pop()
        value = vars(module).get(name)
        values = list(value.values()) if isinstance(value, dict) else [value]
        own = [v for v in values if getattr(v, "__module__", "") == module.__name__]
        if name in seen or not own and (name not in vars(module) or inspect.ismodule(value)
                                        or callable(value)):
            continue
        seen.add(name)
        missing |= {getattr(v, "__name__", name) for v in own or [value] if not any(
            v is part or (type(v) is type(part) and v == part) for part in training_code)}
        for function in own:  # whose default values are read when it is defined
            head = inspect.getsource(function).partition('"""')[0]
            todo += globals_read(function.__code__) | set(
                re.findall(r"=\s*([A-Z_]{2,})\b", head)) | {function.__name__}
    return missing


@pytest.mark.parametrize("exercise", [0, 1], ids=EXERCISES)
def test_the_training_code_names_all_that_training_reaches(request, exercise):
    module = request.getfixturevalue(("names", "activity")[exercise])
    source = "\n".join(code_of(hand_in.read(ROOT / NOTEBOOKS[exercise])))
    roots = set(re.findall(r"\bsweep\((\w+),", source)) & set(vars(module))
    named = [*module.TRAINING_CODE, *getattr(module, "NETWORKS", {}).values()]  # in tasks
    assert roots and unnamed(module, roots, named) == set()
    for function in filter(inspect.isfunction, module.TRAINING_CODE):
        less = [part for part in named if part is not function]
        assert function.__name__ in unnamed(module, roots, less)


RATE = 0.1


def reads_through_a_lambda(task, rate=RATE):
    return [(lambda: scale() + RATE)() for _ in range(3)]


@pytest.mark.parametrize("left_out", ["reads_through_a_lambda", "scale", "RATE", None])
def test_the_test_of_the_training_code_can_fail(left_out):
    named = {"reads_through_a_lambda": reads_through_a_lambda, "scale": scale, "RATE": RATE}
    rest = [value for name, value in named.items() if name != left_out]
    found = unnamed(sys.modules[__name__], ["reads_through_a_lambda"], rest)
    assert found == ({left_out} if left_out else set())
