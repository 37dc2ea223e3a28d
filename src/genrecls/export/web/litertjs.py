"""LiteRT.js, which runs an exported file in a browser: found, checked, and what of it is needed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from genrecls.config.paths import expanded
from genrecls.console import progress, warn
from genrecls.errors import ExportError, shown, shown_name

PACKAGE = "@litertjs/core"

DOWNLOAD = "download"
"""What stands for a path where npm is to fetch the package."""

# With relaxed SIMD where a browser has it, and without.
FILES = (
    "dist/index.js",
    "wasm/litert_wasm_internal.js",
    "wasm/litert_wasm_internal.wasm",
    "wasm/litert_wasm_compat_internal.js",
    "wasm/litert_wasm_compat_internal.wasm",
)
"""The files of the package that a page needs."""


@dataclass(frozen=True)
class Release:
    """A version of the package that pages were tested with.

    Attributes:
        digest: of `FILES`, as `LiteRtJs.digest`.
        archive: SHA-512 of the archive, by which npm's cache keeps it.
    """

    digest: str
    archive: str


TESTED: Mapping[str, Release] = {
    "2.5.3": Release(
        "29b6e10893e2c99e2a90b1dc159cdfff12b7ef22989784cd4b089621b2ec79a9",
        "3e51a66cc3aaf568ad5fb14ed2385b749c3d1ad85ab6ccae0905e34edff0259a"
        "3414b6b0e3cab8b73f08c2a82a08892f8981abf4e1432f59029cde27cd6a3225",
    ),
    "2.5.2": Release(
        "f7fb8c5d88de2b0eb32e3408177f09933dce932bd59ff2c4c84242515569f91e",
        "d8ee29e4c7bc07729b5bd10f53d5deea22a5da36799d9786c5106f866e71e365"
        "a3eea6f7c64d828e26cf2c0d1e4b2b761ee10bbb6842219fbb80764ce5c8a973",
    ),
}
"""The newest first, which is the one that `DOWNLOAD` fetches."""

_NEWEST = next(iter(TESTED))
_GET = (
    f"add litertjs={DOWNLOAD} to fetch {PACKAGE} {_NEWEST} with npm (10 MB), or litertjs=FILE for "
    f"what 'npm pack {PACKAGE}@{_NEWEST}' wrote"
)

# The largest file has 9.4 MB.
_MOST_BYTES = 100 * 2**20


@dataclass(frozen=True, eq=False)
class LiteRtJs:
    """LiteRT.js as it goes into a page.

    Attributes:
        version: of the npm package.
        files: `FILES` with their contents.
    """

    version: str
    files: Mapping[str, bytes]

    @property
    def digest(self) -> str:
        """SHA-256 of the SHA-256 of all files, in the order of `FILES`; hexadecimal."""
        return sha256(b"".join(sha256(self.files[name]).digest() for name in FILES)).hexdigest()


def find_litertjs(place: str | None) -> LiteRtJs:
    """Return LiteRT.js, held to the digest of its version.

    Args:
        place: the archive of the npm package, its folder or one above `node_modules`; `DOWNLOAD`
            fetches it with npm; None looks into `node_modules` and the cache of npm.

    Raises:
        ExportError: it is not there, cannot be fetched, or its files are not those of its version.
    """
    if place == DOWNLOAD:
        package = _download()
    elif place is not None:
        package = _read(expanded(place, "litertjs"))
    else:
        package = _installed()
    release = TESTED.get(package.version)
    if release is None:
        warn(
            f"LiteRT.js {package.version} was not tested with genrecls ({', '.join(TESTED)} were); "
            "see whether the page answers"
        )
    elif package.digest != release.digest:
        raise ExportError(
            f"its files are not those of {PACKAGE} {package.version}: expected digest "
            f"{release.digest[:16]}, received {package.digest[:16]}; {_GET}"
        )
    return package


def _installed() -> LiteRtJs:
    """Return what npm has left here: installed, or in its cache."""
    modules = Path("node_modules")
    if (modules / PACKAGE).is_dir():
        return _read(modules / PACKAGE)
    # npm reads its settings in capitals, too.
    named = map(os.environ.get, ("npm_config_cache", "NPM_CONFIG_CACHE"))
    if cache := next(filter(None, named), None):
        root = Path(cache)
    elif sys.platform == "win32":
        root = Path(os.environ.get("LOCALAPPDATA", "~")).expanduser() / "npm-cache"
    else:
        root = Path.home() / ".npm"
    for release in TESTED.values():
        name = release.archive
        path = root / "_cacache/content-v2/sha512" / name[:2] / name[2:4] / name[4:]
        if path.is_file():
            return _read(path)
    raise ExportError(f"LiteRT.js, which runs the network in the browser, is not here; {_GET}")


def _download() -> LiteRtJs:
    npm = shutil.which("npm")
    if npm is None:
        raise ExportError(
            f"litertjs={DOWNLOAD}: expected npm, which is not installed; install Node.js, or fetch "
            f"the archive of {PACKAGE} {_NEWEST} elsewhere and name it with litertjs=FILE"
        )
    with tempfile.TemporaryDirectory() as folder, progress(f"Fetching {PACKAGE}", 1) as advance:
        words = [npm, "pack", f"{PACKAGE}@{_NEWEST}", "--silent", "--pack-destination", folder]
        result = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603
        archives = list(Path(folder).glob("*.tgz"))
        if result.returncode or len(archives) != 1:
            lines = (result.stderr or result.stdout).strip().splitlines() or ["no archive"]
            raise ExportError(f"npm could not fetch {PACKAGE} {_NEWEST}: {shown(lines[0])}")
        advance()
        return _read(archives[0])


def _read(place: Path) -> LiteRtJs:
    """Return the package in an archive of npm or in a folder.

    Raises:
        ExportError: it is not there, or is another package.
    """
    try:
        if not place.is_dir():
            with tarfile.open(place) as archive:
                return _package(lambda name: _member(archive, f"package/{name}"))
        nested = place / "node_modules" / PACKAGE
        folder = nested if nested.is_dir() else place
        return _package(lambda name: (folder / name).read_bytes())
    except FileNotFoundError as error:
        missing = error.filename or str(error)
        raise ExportError(f"litertjs: there is no {missing}; {_GET}") from None
    except tarfile.ReadError:
        raise ExportError(f"litertjs: {place} is no archive of npm; {_GET}") from None
    except (OSError, EOFError, KeyError, ValueError, tarfile.TarError) as error:
        raise ExportError(f"litertjs: {place} is no package {PACKAGE} ({error}); {_GET}") from None


def _package(read: Callable[[str], bytes]) -> LiteRtJs:
    about = json.loads(read("package.json"))
    about = about if isinstance(about, dict) else {}
    name, version = about.get("name"), about.get("version")
    if name != PACKAGE:
        raise ValueError(f"it is the package {shown_name(name)}")
    if not isinstance(version, str) or not re.fullmatch(r"[\w.+-]{1,40}", version):
        raise ValueError(f"its version is {shown_name(version)}")
    return LiteRtJs(version, {name: read(name) for name in FILES})


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.getmember(name)
    file = archive.extractfile(member)
    if file is None or member.size > _MOST_BYTES:
        raise ValueError(f"{name} is no file of a reasonable size")
    return file.read()
