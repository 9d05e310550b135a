"""The data tool against good, odd, damaged and hostile sources."""

import ctypes
import hashlib
import http.server
import io
import shutil
import subprocess
import sys
import threading
import zipfile

import get_data
import pytest
from conftest import ROOT


@pytest.fixture
def project(tmp_path, monkeypatch, sample):
    """An empty project (a path with a space and an umlaut) whose two data sets are
    the sample data, taken for official; the net is out of reach."""
    root = tmp_path / "mein Übungsordner"
    root.mkdir()
    monkeypatch.setattr(get_data, "ROOT", root)
    monkeypatch.delenv("PW11_DATA", raising=False)
    monkeypatch.setattr(get_data, "is_official", lambda name, content: b"wrong" not in content)
    names = dict(get_data.NAMES, folders=[root / "name_classification/data/names"],
                 files=[f"{p.stem}.txt" for p in (sample / "names").glob("[E-Z]*h.txt")],
                 url="http://127.0.0.1:9/data.zip")
    activity = get_data.ACTIVITY
    monkeypatch.setitem(activity, "folders", [root / "activity_recognition/UCI_HAR_Dataset",
                                              root / "activity_recognition/UCI HAR Dataset"])
    monkeypatch.setitem(activity, "url", "http://127.0.0.1:9/har.zip")
    return root, names, activity


def make_zip(folder, prefix, extra=None):
    """Return the bytes of a zip of `folder` under `prefix`, and `extra` members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            archive.write(path, prefix + path.relative_to(folder).as_posix())
        for name, content in (extra or {}).items():
            archive.writestr(name, content)
    return buffer.getvalue()


def nothing_left(root):
    return not [p for p in root.rglob("*") if p.is_file() and p.suffix != ".zip"]


def test_a_zip_beside_the_readme_is_unpacked(project, sample):
    root, names, activity = project
    (root / "name_classification.zip").write_bytes(
        make_zip(sample / "names", "name_classification/data/names/"))
    (root / "activity_recognition.zip").write_bytes(
        make_zip(sample / "UCI_HAR_Dataset", "activity_recognition/UCI_HAR_Dataset/"))
    for dataset in (names, activity):
        folder = get_data.get(dataset)
        for name in dataset["files"]:
            assert (folder / name).read_bytes()
    assert not list(root.rglob("*.part"))


def test_a_zip_in_the_folder_of_the_environment_is_unpacked(project, sample, tmp_path,
                                                            monkeypatch):
    _, names, _ = project
    (tmp_path / "name_classification.zip").write_bytes(make_zip(sample / "names", "names/"))
    monkeypatch.setenv("PW11_DATA", str(tmp_path))
    assert get_data.get(names).is_dir()


def test_mac_rubbish_windows_line_ends_and_a_deeper_folder_do_no_harm(project, sample):
    root, names, _ = project
    extra = {"__MACOSX/names/._English.txt": b"\0\1", "a/.DS_Store": b"\0"}
    windows = root / "windows"
    shutil.copytree(sample / "names", windows)
    for path in windows.glob("*.txt"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    (root / names["zip"]).write_bytes(make_zip(windows, "deep/er/data/names/", extra))
    folder = get_data.get(names)
    assert b"Smith" in (folder / "English.txt").read_bytes()
    assert {p.name for p in folder.iterdir()} == set(names["files"])


def test_a_zip_within_a_zip_is_unpacked(project, sample):
    root, _, activity = project
    inner = make_zip(sample / "UCI_HAR_Dataset", "UCI HAR Dataset/")
    with zipfile.ZipFile(root / activity["zip"], "w") as archive:
        archive.writestr("UCI HAR Dataset.names", "about")
        archive.writestr("UCI HAR Dataset.zip", inner)
    assert (get_data.get(activity) / "train/Inertial Signals/body_acc_x_train.txt").is_file()


@pytest.mark.parametrize("tenth", range(10))
def test_a_truncated_zip_is_refused_and_leaves_nothing(project, sample, tenth):
    root, names, _ = project
    content = make_zip(sample / "names", "names/")
    (root / names["zip"]).write_bytes(content[:len(content) * tenth // 10])
    with pytest.raises(get_data.DataError, match="cannot be used"):
        get_data.get(names)
    assert nothing_left(root)


def test_a_zip_that_points_outside_is_refused(project, sample):
    root, names, _ = project
    content = make_zip(sample / "names", "names/", {"../outside.txt": b"!"})
    (root / names["zip"]).write_bytes(content)
    with pytest.raises(get_data.DataError, match="points outside"):
        get_data.get(names)
    assert nothing_left(root) and not (root.parent / "outside.txt").exists()


def test_a_zip_of_something_else_is_refused(project):
    root, names, _ = project
    with zipfile.ZipFile(root / names["zip"], "w") as archive:
        archive.writestr("holiday.txt", "sun")
    with pytest.raises(get_data.DataError, match="lacks"):
        get_data.get(names)


def test_a_folder_that_lacks_a_file_is_not_used_nor_overwritten(project, sample):
    _, names, _ = project
    folder = names["folders"][0]
    shutil.copytree(sample / "names", folder)
    (folder / "English.txt").unlink()
    with pytest.raises(get_data.DataError, match="English.txt"):
        get_data.get(names)
    assert (folder / "Spanish.txt").exists()


def test_the_folder_with_spaces_in_its_name_is_used(project, sample):
    _, _, activity = project
    shutil.copytree(sample / "UCI_HAR_Dataset", activity["folders"][1])
    assert get_data.get(activity) == activity["folders"][1]


def test_labels_of_another_length_are_refused(project, sample):
    _, _, activity = project
    folder = shutil.copytree(sample / "UCI_HAR_Dataset", activity["folders"][0])
    path = folder / "train/y_train.txt"
    path.write_text(path.read_text("utf-8")[:-2], encoding="utf-8")
    with pytest.raises(get_data.DataError, match="rows"):
        get_data.get(activity)


def test_without_zip_and_net_it_says_what_to_do(project):
    _, names, _ = project
    with pytest.raises(get_data.NoDataError, match="Put the course's zip beside README.md"):
        get_data.get(names)


def obey_permissions():
    """Take from this process, root's too, the right to write where it is forbidden."""
    drop_from_bounding_set, dac_override = 24, 1  # of Linux's prctl and capabilities
    ctypes.CDLL(None).prctl(drop_from_bounding_set, dac_override, 0, 0, 0)


@pytest.mark.parametrize("tool", ["get_data", "build_submission"])
def test_a_read_only_checkout_is_refused_with_a_sentence(tmp_path, tool):
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    (tmp_path / get_data.NAMES["zip"]).write_bytes(b"a zip")
    before = sorted(tmp_path.rglob("*"))
    tmp_path.chmod(0o555)
    done = subprocess.run([sys.executable, "-B", f"tools/{tool}.py"], cwd=tmp_path, text=True,
                          capture_output=True, preexec_fn=obey_permissions)
    tmp_path.chmod(0o755)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == (f"Stopped: The folder {tmp_path} is read-only: copy the project to "
                           "a folder of your own and run this again there.\n")
    assert sorted(tmp_path.rglob("*")) == before


class Server(http.server.ThreadingHTTPServer):
    """Serves `content` on loopback, each reply cut after `cut` bytes."""

    content, cut, ranges = b"", None, True


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        content, start = self.server.content, 0
        wanted = self.headers.get("Range")
        if wanted and self.server.ranges:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start:][:self.server.cut])

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("tenth", range(1, 10))
def test_a_download_cut_off_is_resumed_or_begun_again(project, sample, server, tenth, ranges):
    root, names, _ = project
    server.content = make_zip(sample / "names", "data/names/")
    server.cut, server.ranges = len(server.content) * tenth // 10, ranges
    names = dict(names, url=f"http://127.0.0.1:{server.server_port}/data.zip")
    with pytest.raises(get_data.NoDataError, match="download failed"):
        get_data.get(names)
    assert not names["folders"][0].exists()
    server.cut = None
    folder = get_data.get(names)
    for name in names["files"]:
        assert (folder / name).read_bytes() == (sample / "names" / name).read_bytes()
    assert not [p for p in (root / "build").rglob("*") if p.is_file()]


def test_a_download_of_other_files_is_refused(project, sample, server, tmp_path):
    root, names, _ = project
    other = shutil.copytree(sample / "names", tmp_path / "other")
    for path in other.glob("*.txt"):
        path.write_text("wrong\n", encoding="utf-8")
    server.content = make_zip(other, "data/names/")
    names = dict(names, url=f"http://127.0.0.1:{server.server_port}/data.zip")
    with pytest.raises(get_data.DataError, match="not the official file"):
        get_data.get(names)
    assert nothing_left(root)


def test_a_file_is_official_by_its_fingerprint_whatever_its_line_ends(monkeypatch):
    monkeypatch.setitem(get_data.FINGERPRINTS["names_sha256"], "English.txt",
                        hashlib.sha256(b"Smith\nJones\n").hexdigest())
    monkeypatch.setitem(get_data.FINGERPRINTS["uci_har_original_git_blob_sha1"], "y_train.txt",
                        [hashlib.sha1(b"blob 4\x001\n2\n").hexdigest()])
    assert get_data.is_official("English.txt", b"Smith\r\nJones\r\n")
    assert not get_data.is_official("English.txt", b"Smith\n")
    assert get_data.is_official("train/y_train.txt", b"1\n2\n")
    assert not get_data.is_official("train/y_train.txt", b"1\n3\n")
