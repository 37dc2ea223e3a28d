from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from hashlib import sha512
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from genrecls.errors import ExportError
from genrecls.export.web import litertjs
from genrecls.export.web.litertjs import DOWNLOAD, FILES, PACKAGE, LiteRtJs, Release, find_litertjs

VERSION = "2.5.3"
FAKE = LiteRtJs(VERSION, {name: f"content of {name}".encode() for name in FILES})


def archive(path: Path, about: Mapping[str, Any] | None = None, leave_out: str = "") -> Path:
    """Write a package as npm packs it."""
    about = {"name": PACKAGE, "version": VERSION} if about is None else about
    contents = {"package.json": json.dumps(about).encode(), **FAKE.files}
    contents.pop(leave_out, None)
    with tarfile.open(path, "w:gz") as file:
        for name, content in contents.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    return path


def folder(path: Path, version: str = VERSION) -> Path:
    """Write a package as npm installs it."""
    contents = {"package.json": json.dumps({"name": PACKAGE, "version": version}).encode()}
    for name, content in {**contents, **FAKE.files}.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing is installed, the cache of npm is empty, and the fake is the tested version."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    monkeypatch.setattr(litertjs, "TESTED", {VERSION: Release(FAKE.digest, "no archive")})
    return tmp_path


def test_an_archive_and_a_folder_give_the_same_files(tmp_path: Path) -> None:
    places = [archive(tmp_path / "core.tgz"), folder(tmp_path / "core")]
    places += [folder(tmp_path / "app/node_modules" / PACKAGE).parents[2]]
    for place in places:
        found = find_litertjs(str(place))
        assert (found.version, found.files, found.digest) == (VERSION, FAKE.files, FAKE.digest)


def test_what_is_installed_is_found(tmp_path: Path) -> None:
    folder(tmp_path / "node_modules" / PACKAGE)
    assert find_litertjs(None).version == VERSION


def test_what_npm_has_in_its_cache_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = archive(tmp_path / "core.tgz")
    digest = sha512(path.read_bytes()).hexdigest()
    place = tmp_path / "cache/_cacache/content-v2/sha512" / digest[:2] / digest[2:4] / digest[4:]
    place.parent.mkdir(parents=True)
    path.rename(place)
    monkeypatch.setattr(litertjs, "TESTED", {VERSION: Release(FAKE.digest, digest)})
    assert find_litertjs(None).version == VERSION


def test_without_any_the_ways_to_get_it_are_named() -> None:
    with pytest.raises(ExportError) as told:
        find_litertjs(None)
    assert str(told.value) == (
        "LiteRT.js, which runs the network in the browser, is not here; add litertjs=download to "
        "fetch @litertjs/core 2.5.3 with npm (10 MB), or litertjs=FILE for what 'npm pack "
        "@litertjs/core@2.5.3' wrote"
    )


def test_files_that_are_not_those_of_their_version_are_refused(tmp_path: Path) -> None:
    place = folder(tmp_path / "core")
    (place / FILES[0]).write_bytes(b"something else")
    with pytest.raises(ExportError, match=r"its files are not those of @litertjs/core 2\.5\.3"):
        find_litertjs(str(place))


def test_another_version_is_taken_with_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert find_litertjs(str(folder(tmp_path / "core", "2.6.0"))).version == "2.6.0"
    assert "LiteRT.js 2.6.0 was not tested with genrecls" in " ".join(
        capsys.readouterr().err.split()
    )


def test_what_is_no_such_package_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.tgz").write_text("no archive")
    (tmp_path / "empty").mkdir()
    places = {
        "absent.tgz": "there is no absent.tgz",
        "text.tgz": "text.tgz is no archive of npm",
        "empty": "there is no empty/package.json",
        str(archive(tmp_path / "other.tgz", {"name": "left-pad"})): "it is the package left-pad",
        str(archive(tmp_path / "list.tgz", [])): "it is the package",  # type: ignore[arg-type]
        str(archive(tmp_path / "odd.tgz", {"name": PACKAGE, "version": "../.."})): "its version is",
        str(archive(tmp_path / "part.tgz", leave_out=FILES[2])): FILES[2],
    }
    for place, reason in places.items():
        with pytest.raises(ExportError) as told:
            find_litertjs(place)
        assert reason in str(told.value)
        assert str(told.value).startswith("litertjs: ")
        assert "\n" not in str(told.value)


def test_npm_fetches_it_only_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def run(words: list[str], **_: Any) -> CompletedProcess[str]:
        asked.append(words)
        archive(Path(words[-1]) / "core.tgz")
        return CompletedProcess(words, 0, "", "")

    monkeypatch.setattr("genrecls.export.web.litertjs.shutil.which", lambda _: "npm")
    monkeypatch.setattr("genrecls.export.web.litertjs.subprocess.run", run)
    with pytest.raises(ExportError):
        find_litertjs(None)
    assert asked == []
    assert find_litertjs(DOWNLOAD).version == VERSION
    assert asked[0][:3] == ["npm", "pack", "@litertjs/core@2.5.3"]


def test_a_download_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genrecls.export.web.litertjs.shutil.which", lambda _: None)
    with pytest.raises(ExportError, match="expected npm, which is not installed"):
        find_litertjs(DOWNLOAD)
    failed = CompletedProcess([], 1, "", "npm error code ENOTFOUND\nnpm error more")
    monkeypatch.setattr("genrecls.export.web.litertjs.shutil.which", lambda _: "npm")
    monkeypatch.setattr("genrecls.export.web.litertjs.subprocess.run", lambda *_, **__: failed)
    with pytest.raises(ExportError) as told:
        find_litertjs(DOWNLOAD)
    assert str(told.value) == "npm could not fetch @litertjs/core 2.5.3: 'npm error code ENOTFOUND'"
