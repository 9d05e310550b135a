"""The data tool against good, odd and damaged sources."""

import hashlib
import http.server
import io
import shutil
import threading
import zipfile

import get_data
import pooch  # noqa: F401 (logs to where standard error was when it was imported)
import pytest

NAMES, ACTIVITY = get_data.FILES


def blob_id(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@pytest.fixture
def root(tmp_path, monkeypatch, sample):
    """An empty project (a path with a space and an umlaut); the sample data is what counts
    as official; the net is out of reach."""
    root = tmp_path / "mein Übungsordner"
    root.mkdir()
    monkeypatch.setattr(get_data, "ROOT", root)
    monkeypatch.setattr(get_data, "RETRIES", 1)
    monkeypatch.delenv("PW11_DATA", raising=False)
    for dataset, folder in ((NAMES, "names"), (ACTIVITY, "UCI_HAR_Dataset")):
        files = {path.relative_to(sample / folder).as_posix(): [blob_id(path.read_bytes())]
                 for path in (sample / folder).rglob("*.txt") if "SAMPLE" not in path.name}
        monkeypatch.setitem(get_data.FILES, dataset, files)
        monkeypatch.setitem(get_data.ADDRESSES, dataset, "http://127.0.0.1:9/data.zip")
    return root


def make_zip(folder, prefix, extra=None):
    """Return the bytes of a zip of `folder` under `prefix`, and `extra` members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            archive.write(path, prefix + path.relative_to(folder).as_posix())
        for name, content in (extra or {}).items():
            archive.writestr(name, content)
    return buffer.getvalue()


def files_left(root):
    return [p for p in root.rglob("*") if p.is_file() and p.parent != root]


def test_the_sample_has_the_files_of_the_official_sets(sample):
    known = set(get_data.FILES[ACTIVITY])
    assert known == {path.relative_to(sample / "UCI_HAR_Dataset").as_posix() for path in
                     (sample / "UCI_HAR_Dataset").rglob("*.txt")} - {"SAMPLE_DATA.txt"}


def test_zips_beside_the_readme_are_unpacked(root, sample, capsys):
    (root / "name_classification.zip").write_bytes(
        make_zip(sample / "names", "name_classification/data/names/"))
    (root / "activity_recognition.zip").write_bytes(
        make_zip(sample / "UCI_HAR_Dataset", "activity_recognition/UCI_HAR_Dataset/"))
    assert get_data.get_all()
    assert capsys.readouterr().out.count("complete, the official files") == 2
    assert len(files_left(root)) == sum(map(len, get_data.FILES.values()))


def test_a_zip_in_the_folder_of_the_environment_is_unpacked(root, sample, tmp_path,
                                                            monkeypatch):
    (tmp_path / "name_classification.zip").write_bytes(make_zip(sample / "names", "names/"))
    monkeypatch.setenv("PW11_DATA", str(tmp_path))
    assert get_data.get(NAMES) == root / "name_classification/data/names"


def test_mac_rubbish_windows_line_ends_and_a_deeper_folder_do_no_harm(root, sample, tmp_path):
    extra = {"__MACOSX/names/._English.txt": b"\0\1", "a/.DS_Store": b"\0",
             "__MACOSX/names/English.txt": b"\0\1", "../outside.txt": b"!"}
    windows = shutil.copytree(sample / "names", tmp_path / "windows")
    for path in windows.glob("*.txt"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    (root / "name_classification.zip").write_bytes(make_zip(windows, "de/ep/names/", extra))
    folder = get_data.get(NAMES)
    assert {p.name for p in folder.iterdir()} == set(get_data.FILES[NAMES])
    assert b"Smith" in (folder / "English.txt").read_bytes()
    assert get_data.check_folder(NAMES, folder) and not (root.parent / "outside.txt").exists()


def test_a_zip_within_a_zip_and_the_name_with_spaces(root, sample):
    inner = make_zip(sample / "UCI_HAR_Dataset", "UCI HAR Dataset/")
    with zipfile.ZipFile(root / "activity_recognition.zip", "w") as archive:
        archive.writestr("UCI HAR Dataset.names", "about")
        archive.writestr("UCI HAR Dataset.zip", inner)
    folder = get_data.get(ACTIVITY)
    spaced = folder.rename(folder.with_name("UCI HAR Dataset"))
    assert get_data.get(ACTIVITY) == spaced


def cut(content, tenth):
    return content[:len(content) * tenth // 10]


@pytest.mark.parametrize("change, message", [
    *[(lambda content, tenth=tenth: cut(content, tenth), "damaged") for tenth in range(10)],
    (lambda content: make_holiday_zip(), "cannot be read"),
])
def test_an_unusable_zip_is_refused_and_leaves_nothing(root, sample, change, message):
    content = make_zip(sample / "names", "names/")
    (root / "name_classification.zip").write_bytes(change(content))
    with pytest.raises(get_data.DataError, match=f"cannot be used.*{message}"):
        get_data.get(NAMES)
    assert files_left(root) == []


def make_holiday_zip():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("holiday.txt", "sun")
    return buffer.getvalue()


@pytest.mark.parametrize("content, message", [
    (None, "cannot be read"), (b"", "0 lines"), (b"1\n2\n", "2 lines instead of 288"),
    (b"\xff\n" * 288, "UnicodeDecodeError"),
])
def test_a_damaged_folder_is_neither_used_nor_overwritten(root, sample, content, message):
    folder = shutil.copytree(sample / "UCI_HAR_Dataset",
                             root / "activity_recognition/UCI_HAR_Dataset")
    path = folder / "train/subject_train.txt"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(get_data.DataError, match=f"{message}.*Delete or mend that folder"):
        get_data.get(ACTIVITY)
    assert (folder / "train/y_train.txt").exists()


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves `content`: the first replies cut off, chunked or not, the later ones whole."""

    def do_GET(self):
        server = self.server
        server.count += 1
        part = cut(server.content, server.tenth if server.count <= server.bad else 10)
        self.protocol_version = "HTTP/1.1"
        self.send_response(200)
        if server.chunked:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"%x\r\n%s" % (len(server.content), part))
            if len(part) == len(server.content):
                self.wfile.write(b"\r\n0\r\n\r\n")
        else:
            self.send_header("Content-Length", str(len(server.content)))
            self.end_headers()
            self.wfile.write(part)
        self.close_connection = True

    def log_message(self, *args):
        pass


@pytest.fixture
def server(sample, monkeypatch):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.content, server.count = make_zip(sample / "names", "data/names/"), 0
    server.bad, server.tenth, server.chunked = 0, 5, False
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("tenth", [0, pytest.param(5, marks=pytest.mark.slow), 9])
def test_a_download_cut_off_is_tried_again_then_said(root, server, capfd, monkeypatch, tenth,
                                                     chunked):
    address = f"http://127.0.0.1:{server.server_port}/data.zip"
    monkeypatch.setitem(get_data.ADDRESSES, NAMES, address)
    server.bad, server.tenth, server.chunked = 2, tenth, chunked
    assert get_data.get(NAMES) is None  # two tries, both cut
    shown = capfd.readouterr().err
    assert f"the download from {address} failed" in shown and "Traceback" not in shown
    assert files_left(root) == []
    server.bad = 3
    assert get_data.get(NAMES).is_dir()  # the second try is whole
    assert sorted(p.name for p in files_left(root)) == sorted(get_data.FILES[NAMES])


def test_a_download_of_other_files_is_refused(root, server, monkeypatch, sample):
    address = f"http://127.0.0.1:{server.server_port}/data.zip"
    monkeypatch.setitem(get_data.ADDRESSES, NAMES, address)
    monkeypatch.setitem(get_data.FILES[NAMES], "English.txt", [blob_id(b"other")])
    with pytest.raises(get_data.DataError, match="127.0.0.1.*not the official ones"):
        get_data.get(NAMES)
    assert files_left(root) == []


def test_without_zip_and_net_it_says_what_to_do(root, capsys):
    assert not get_data.get_all()
    assert capsys.readouterr().err.count("Put the course's zip beside README.md") == 2
