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
def project(root, monkeypatch, sample):
    """An empty project; what counts as official is the sample data."""
    monkeypatch.setattr(get_data, "ROOT", root)
    monkeypatch.setattr(get_data, "RETRIES", 1)
    monkeypatch.delenv("PW11_DATA", raising=False)
    for dataset, folder in ((NAMES, "names"), (ACTIVITY, "UCI_HAR_Dataset")):
        files = {path.relative_to(sample / folder).as_posix(): [blob_id(path.read_bytes())]
                 for path in (sample / folder).rglob("*.txt") if "SAMPLE" not in path.name}
        if dataset == ACTIVITY:
            assert set(files) == set(get_data.FILES[ACTIVITY])  # the sample's are the real ones
        monkeypatch.setitem(get_data.FILES, dataset, files)
    return root


def make_zip(folder=None, prefix="", extra=None):
    """Return the bytes of a zip of `folder` under `prefix`, and `extra` members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()) if folder else []:
            archive.write(path, prefix + path.relative_to(folder).as_posix())
        for name, content in (extra or {}).items():
            archive.writestr(name, content)
    return buffer.getvalue()


def files_left(root):
    return sorted(p.name for p in root.rglob("*") if p.is_file() and p.parent != root)


@pytest.mark.parametrize("beside_the_readme", [True, False])
def test_zips_are_unpacked(project, sample, capsys, monkeypatch, beside_the_readme):
    place = project if beside_the_readme else project.parent
    monkeypatch.setenv("PW11_DATA", "" if beside_the_readme else str(place))
    for dataset, folder in ((NAMES, "data/names"), (ACTIVITY, "UCI_HAR_Dataset")):
        content = make_zip(sample / folder.removeprefix("data/"), f"{dataset}/{folder}/")
        (place / f"{dataset}.zip").write_bytes(content)
        assert get_data.get(dataset) == project / dataset / folder
    assert capsys.readouterr().out.count("complete, the official files") == 2
    assert len(files_left(project)) == sum(map(len, get_data.FILES.values()))


def test_mac_rubbish_windows_line_ends_and_a_deeper_folder_do_no_harm(project, sample,
                                                                      tmp_path):
    extra = {"__MACOSX/names/._English.txt": b"\0\1", "a/.DS_Store": b"\0",
             "__MACOSX/names/English.txt": b"\0\1", "../outside.txt": b"!"}
    windows = shutil.copytree(sample / "names", tmp_path / "windows")
    for path in windows.glob("*.txt"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    (project / "name_classification.zip").write_bytes(make_zip(windows, "de/ep/names/", extra))
    folder = get_data.get(NAMES)
    assert files_left(project) == sorted(get_data.FILES[NAMES])
    assert b"Smith" in (folder / "English.txt").read_bytes()
    assert get_data.check_folder(NAMES, folder) and not (tmp_path / "outside.txt").exists()


def test_a_zip_within_a_zip_and_the_name_with_spaces(project, sample):
    inner = make_zip(sample / "UCI_HAR_Dataset", "UCI HAR Dataset/")
    (project / "activity_recognition.zip").write_bytes(make_zip(extra={
        "UCI HAR Dataset.names": "about", "UCI HAR Dataset.zip": inner}))
    folder = get_data.get(ACTIVITY)
    spaced = folder.rename(folder.with_name("UCI HAR Dataset"))
    assert get_data.get(ACTIVITY) == spaced


@pytest.mark.parametrize("tenth", range(11))
def test_an_unusable_zip_is_refused_and_leaves_nothing(project, sample, tenth):
    """Cut at each tenth of its length, then whole with other files in it."""
    whole = make_zip(sample / "names", "names/") if tenth < 10 else make_zip(
        extra={"holiday.txt": "sun"})
    path = project / "name_classification.zip"
    path.write_bytes(whole[:len(whole) * tenth // 10])
    reason = "damaged" if tenth < 10 else "cannot be read"
    with pytest.raises(RuntimeError, match=f"{path.name} cannot be used.*{reason}"):
        get_data.get(NAMES)
    assert files_left(project) == []


@pytest.mark.parametrize("content, message", [
    (None, "cannot be read"), (b"", "0 lines"), (b"1\n2\n", "2 lines instead of 288"),
    (b"\xff\n" * 288, "UnicodeDecodeError"),
])
def test_a_damaged_folder_is_neither_used_nor_overwritten(project, sample, content, message):
    folder = shutil.copytree(sample / "UCI_HAR_Dataset",
                             project / "activity_recognition/UCI_HAR_Dataset")
    path = folder / "train/subject_train.txt"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(RuntimeError, match=f"{message}.*Delete or mend that folder"):
        get_data.get(ACTIVITY)
    assert (folder / "train/y_train.txt").exists()


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves `content`, chunked or not; the first `bad` replies end at `cut` bytes."""

    def do_GET(self):
        server = self.server
        server.bad -= 1
        part = server.content[:server.cut] if server.bad >= 0 else server.content
        header, before, after = ("Content-Length", b"", b"") if not server.chunked else (
            "Transfer-Encoding", b"%x\r\n" % len(server.content), b"\r\n0\r\n\r\n")
        self.protocol_version = "HTTP/1.1"
        self.send_response(200)
        self.send_header(header, "chunked" if server.chunked else str(len(server.content)))
        self.end_headers()
        self.wfile.write(before + part + (after if part == server.content else b""))
        self.close_connection = True

    def log_message(self, *args):
        pass


@pytest.fixture
def server(project, sample, monkeypatch):
    """A server of the names, whose `address` is the official one."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.content, server.bad = make_zip(sample / "names", "data/names/"), 0
        server.chunked, server.address = False, f"http://127.0.0.1:{server.server_port}/a.zip"
        monkeypatch.setitem(get_data.ADDRESSES, NAMES, server.address)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("tenth", [0, pytest.param(5, marks=pytest.mark.slow), 9])
def test_a_download_cut_off_is_tried_again_then_said(project, server, capfd, tenth, chunked):
    server.chunked, server.cut, server.bad = chunked, len(server.content) * tenth // 10, 2
    assert get_data.get(NAMES) is None  # two tries, both cut
    shown = capfd.readouterr().err
    assert f"the download from {server.address} failed" in shown and "Traceback" not in shown
    assert "Put the course's zip beside README.md" in shown
    assert server.bad == 0 and files_left(project) == []
    server.bad = 1
    assert get_data.get(NAMES).is_dir()  # the second try is whole
    assert files_left(project) == sorted(get_data.FILES[NAMES])


def test_a_download_of_other_files_is_refused(project, server, monkeypatch):
    monkeypatch.setitem(get_data.FILES[NAMES], "English.txt", [blob_id(b"other")])
    with pytest.raises(RuntimeError, match="127.0.0.1.*not the official ones"):
        get_data.get(NAMES)
    assert files_left(project) == []
