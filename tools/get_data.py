"""Put the two data sets beside their notebooks (make data).

A data folder that is there is used as it is; else the course's zip, beside README.md or in
the folder that the environment variable PW11_DATA names; else the official zip.
"""

import hashlib
import io
import json
import os
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path

from hand_in import ROOT

# for each data set {file: git blob ids (SHA-1) of the official file in its known versions}
FILES = json.loads((ROOT / "tools/fingerprints.json").read_text("utf-8"))
FOLDERS = {"name_classification": ["data/names"],
           "activity_recognition": ["UCI_HAR_Dataset", "UCI HAR Dataset"]}
ADDRESSES = {
    "name_classification": "https://download.pytorch.org/tutorial/data.zip",
    "activity_recognition": "https://archive.ics.uci.edu/static/public/240/"
                            "human+activity+recognition+using+smartphones.zip",
}
RETRIES = 2


def check_folder(dataset, folder):
    """Return whether `folder` holds the official files; RuntimeError if one cannot be used."""
    official, rows = True, {}
    for name, known in FILES[dataset].items():
        try:
            content = (folder / name).read_bytes()
            count = len(content.decode("utf-8").splitlines())
        except (OSError, UnicodeDecodeError) as error:
            raise RuntimeError(f"{name} cannot be read ({type(error).__name__}).") from None
        expected = rows.setdefault(name.partition("/")[0], count)
        if count == 0 or count != expected:
            raise RuntimeError(f"{name} has {count} lines instead of {expected or 'some'}.")
        versions = (content, content.replace(b"\r\n", b"\n"))
        official &= any(hashlib.sha1(b"blob %d\0" % len(text) + text).hexdigest() in known
                        for text in versions)
    return official


def unpack(source, dataset, official_only):
    """Unpack the files of `dataset` from a zip into their folder, all of them or none."""
    target = ROOT / dataset / FOLDERS[dataset][0]
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with (zipfile.ZipFile(source) as archive,
              tempfile.TemporaryDirectory(dir=target.parent) as beside):
            inner = [path for path in archive.namelist() if path.lower().endswith(".zip")]
            members = {name: path for path in archive.namelist() for name in FILES[dataset]
                       if f"/{path}".endswith(f"/{name}") and "__MACOSX" not in path}
            if not members and inner:
                return unpack(io.BytesIO(archive.read(inner[0])), dataset, official_only)
            folder = Path(beside, "data")
            for name, member in members.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(archive.read(member))
            if not check_folder(dataset, folder) and official_only:
                raise RuntimeError("its files are not the official ones.")
            folder.rename(target)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise RuntimeError(f"it is damaged or no zip ({error}).") from None


def download(name, url):
    """Return the path of the zip called `name`, downloaded from `url`."""
    import pooch
    downloads = pooch.create(ROOT / "build/downloads", "", registry={name: None},
                             urls={name: url}, retry_if_failed=RETRIES)
    return Path(downloads.fetch(name, downloader=pooch.HTTPDownloader(True, timeout=30)))


def get(dataset):
    """Put `dataset` in place, say what is there and return its folder, or None when it is to
    be had nowhere; raise RuntimeError when it is damaged."""
    for folder in filter(Path.is_dir, (ROOT / dataset / name for name in FOLDERS[dataset])):
        try:
            kind = "" if check_folder(dataset, folder) else "not "
        except RuntimeError as error:
            raise RuntimeError(f"{folder}: {error} Delete or mend that folder.") from None
        print(f"{folder.relative_to(ROOT)}: complete, {kind}the official files")
        return folder
    name, address = f"{dataset}.zip", ADDRESSES[dataset]
    places = [ROOT / name, Path(os.environ.get("PW11_DATA") or ROOT, name)]
    path = next(filter(Path.is_file, places), None)
    try:
        unpack(path or download(name, address), dataset, official_only=not path)
    except RuntimeError as error:
        raise RuntimeError(f"{path or address} cannot be used: {error}") from None
    except OSError as error:
        if path:
            raise
        print(f"There is no data in {dataset}, no {name} beside README.md or in PW11_DATA, and "
              f"the download from {address} failed ({type(error).__name__}). Put the course's "
              "zip beside README.md.", file=sys.stderr)
        return None
    finally:
        (ROOT / "build/downloads" / name).unlink(missing_ok=True)
    return get(dataset)


if __name__ == "__main__":
    try:
        sys.exit(not all([get(dataset) for dataset in FILES]))
    except (RuntimeError, OSError) as problem:
        sys.exit(f"Stopped: {problem}")
