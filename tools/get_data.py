"""Put the two data sets beside their notebooks.

    python tools/get_data.py

For each set, in this order: a valid data folder is used as it is; else the
course's zip is unpacked, which lies beside README.md or in the folder that the
environment variable PW11_DATA names; else the official zip is downloaded.
"""

import hashlib
import io
import json
import os
import shutil
import sys
import urllib.error
import urllib.request
import zipfile
import zlib
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent
FINGERPRINTS = json.loads((Path(__file__).parent / "fingerprints.json").read_text("utf-8"))
CHANNELS = [f"{sensor}_{axis}" for sensor in ("body_acc", "body_gyro", "total_acc")
            for axis in "xyz"]
HAR_FILES = ["activity_labels.txt"] + [
    f"{split}/{name}_{split}.txt" for split in ("train", "test")
    for name in ["y", "subject", *(f"Inertial Signals/{channel}" for channel in CHANNELS)]]

NAMES = {
    "title": "last names",
    "folders": [ROOT / "name_classification/data/names"],
    "zip": "name_classification.zip",
    "url": "https://download.pytorch.org/tutorial/data.zip",
    "inside": "names",
    "files": list(FINGERPRINTS["names_sha256"]),
}
ACTIVITY = {
    "title": "activity recognition",
    "folders": [ROOT / "activity_recognition/UCI_HAR_Dataset",
                ROOT / "activity_recognition/UCI HAR Dataset"],
    "zip": "activity_recognition.zip",
    "url": "https://archive.ics.uci.edu/static/public/240/"
           "human+activity+recognition+using+smartphones.zip",
    "inside": "",
    "files": HAR_FILES,
}


class DataError(Exception):
    """Data that cannot be used; the message says what, where and what to do."""


class NoDataError(DataError):
    """Data that is neither here nor to be downloaded."""


def is_official(name, content):
    """Return whether `content` (bytes) is the official file called `name`."""
    text = content.replace(b"\r\n", b"\n")
    if name in FINGERPRINTS["names_sha256"]:
        return hashlib.sha256(text).hexdigest() == FINGERPRINTS["names_sha256"][name]
    known = FINGERPRINTS["uci_har_original_git_blob_sha1"][PurePosixPath(name).name]
    return any(hashlib.sha1(b"blob %d\0" % len(c) + c).hexdigest() in known
               for c in (content, text))


def check_folder(dataset, folder):
    """Raise DataError unless `folder` holds every file of `dataset`, in form."""
    rows = {}
    for name in dataset["files"]:
        path = folder / name
        if not path.is_file():
            raise DataError(f"{folder} has no file {name}.")
        content = path.read_bytes()
        if not content.strip():
            raise DataError(f"{path} is empty.")
        try:
            content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise DataError(f"{path} is not UTF-8 text (byte {error.start}).") from None
        if dataset is ACTIVITY and "/" in name:
            split = name.split("/")[0]
            count = len(content.splitlines())
            if rows.setdefault(split, count) != count:
                raise DataError(f"{path} has {count} rows, other {split} files have "
                                f"{rows[split]}.")


def describe(dataset, folder):
    """Return in words which version of `dataset` lies in `folder`."""
    official = all(is_official(name, (folder / name).read_bytes())
                   for name in dataset["files"])
    return "the official files" if official else "complete, but not the official files"


def find_members(archive, dataset):
    """Return {file name: zip member} for the files of `dataset` in `archive`,
    however deep its folder lies, or {} when they are not there."""
    found = {}
    for member in archive.infolist():
        parts = PurePosixPath(member.filename.replace("\\", "/")).parts
        if ".." in parts or member.filename.startswith("/"):
            raise DataError(f"the zip has a member {member.filename!r} that points outside "
                            "of it: it is not the course's zip, nothing was unpacked.")
        if "__MACOSX" in parts:
            continue
        for name in dataset["files"]:
            wanted = PurePosixPath(dataset["inside"], name).parts
            if parts[-len(wanted):] == wanted:
                found[name] = member
    return found


def unpack(source, dataset, official_only=False):
    """Unpack the files of `dataset` from a zip (path or file object) into their
    folder: whole, or not at all."""
    name = getattr(source, "name", "the inner zip")
    try:
        with zipfile.ZipFile(source) as archive:
            members = find_members(archive, dataset)
            inner = [m for m in archive.infolist() if m.filename.lower().endswith(".zip")]
            if not members and inner:
                return unpack(io.BytesIO(archive.read(inner[0])), dataset, official_only)
            missing = [f for f in dataset["files"] if f not in members]
            if missing:
                raise DataError(f"it lacks {missing[0]} and {len(missing) - 1} more files.")
            move_into_place(archive, members, dataset, official_only)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise DataError(f"{name} is damaged or no zip ({error}).") from None


def move_into_place(archive, members, dataset, official_only):
    """Write `members` beside the data folder, check them, then rename."""
    target = dataset["folders"][0]
    beside = target.with_name(target.name + ".part")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        for name, member in members.items():
            content = archive.read(member)
            if official_only and not is_official(name, content):
                raise DataError(f"{name} in the download is not the official file.")
            path = beside / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        check_folder(dataset, beside)
        shutil.rmtree(target, ignore_errors=True)
        os.replace(beside, target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def download(url, path):
    """Download `url` to `path`, going on where an earlier try was cut off."""
    part = path.with_suffix(".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    done = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={done}-"} if done else {})
    with urllib.request.urlopen(request, timeout=30) as reply:
        resumed = reply.status == 206
        done = done if resumed else 0
        length = int(reply.headers.get("Content-Length") or 0)
        total = done + length
        with open(part, "ab" if resumed else "wb") as file:
            while chunk := reply.read(1 << 16):
                file.write(chunk)
                done += len(chunk)
                show_progress(done, total)
    if length and done != total:
        raise OSError(f"the connection ended after {done} of {total} bytes")
    os.replace(part, path)


def show_progress(done, total):
    """Redraw the progress bar of a download on its one line."""
    share = done / total if total else 0
    bar = "#" * round(30 * share)
    print(f"\r  [{bar:<30}] {done / 1e6:6.1f} of {total / 1e6:.1f} MB", end="",
          file=sys.stderr, flush=True)


def from_the_net(dataset):
    """Download `dataset`, verify it against its fingerprints, put it in place."""
    path = ROOT / "build/downloads" / dataset["zip"]
    if not path.exists():
        print(f"  downloading {dataset['url']}", file=sys.stderr)
        try:
            download(dataset["url"], path)
        except urllib.error.HTTPError as error:
            if error.code == 416:  # the part on disk is no beginning of that file
                path.with_suffix(".part").unlink(missing_ok=True)
            raise
        finally:
            print(file=sys.stderr)
    try:
        unpack(path, dataset, official_only=True)
    finally:
        path.unlink()


def check_writable():
    """Raise DataError, before anything is begun, in a project that is read-only."""
    if not os.access(ROOT, os.W_OK):
        raise DataError(f"The folder {ROOT} is read-only: copy the project to a folder of "
                        "your own and run this again there.")


def get(dataset):
    """Put `dataset` in place and return its folder; raise DataError, having left
    nothing half-written, when it is to be had nowhere."""
    for folder in dataset["folders"]:
        if folder.is_dir():
            try:
                check_folder(dataset, folder)
            except DataError as error:
                raise DataError(f"{error} Delete or mend that folder, then run "
                                "`make data` again.") from None
            return folder
    check_writable()
    for place in (ROOT, Path(os.environ.get("PW11_DATA") or ROOT)):
        path = place / dataset["zip"]
        if path.is_file():
            try:
                unpack(path, dataset)
            except (DataError, OSError) as error:
                raise DataError(f"{path} cannot be used: {error}") from None
            return dataset["folders"][0]
    try:
        from_the_net(dataset)
    except OSError as error:
        raise NoDataError(
            f"No data for {dataset['title']}: no folder {dataset['folders'][0]}, no "
            f"{dataset['zip']} beside README.md or in PW11_DATA, and the download failed "
            f"({error}). Put the course's zip beside README.md and run this again.") from None
    return dataset["folders"][0]


def get_all():
    """Get both data sets, say what was found, and return whether both are there;
    raise DataError for data that is there, but damaged."""
    complete = True
    for dataset in (NAMES, ACTIVITY):
        try:
            folder = get(dataset)
        except NoDataError as error:
            print(error, file=sys.stderr)
            complete = False
        else:
            print(f"{dataset['title']}: {folder.relative_to(ROOT)} "
                  f"({describe(dataset, folder)})")
    return complete


if __name__ == "__main__":
    try:
        sys.exit(not get_all())
    except DataError as problem:
        sys.exit(f"Stopped: {problem}")
