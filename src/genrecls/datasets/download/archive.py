"""What is known of an archive: where it is, how it is recognised, and where its content goes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import PositiveInt

from genrecls.config.compose import compose
from genrecls.config.options import choices
from genrecls.config.paths import data_root_of
from genrecls.config.schema import Schema
from genrecls.config.validation import validate
from genrecls.errors import ConfigError, nearest

_DIGITS = {"md5": 32, "sha1": 40, "sha256": 64}


@dataclass(frozen=True)
class Archive(Schema):
    """One published archive; `conf/download/<name>.yaml` holds the values.

    Attributes:
        name: what the user calls it.
        file: name of the archive.
        sources: addresses, tried in turn.
        page: address at which a person finds it.
        digest: `md5:`, `sha1:` or `sha256:` and the hexadecimal digest of the archive.
        size: exact bytes of the archive; None where they are not known.
        room: bytes of disk that the archive and its content take together, about; neither has more.
        folder: where it is unpacked, below the folder of all data.
        holds: the folder inside the archive.
        needs: names of the archives without which this one is of no use.
        dataset: choice of the group `dataset` that is verified afterwards; None for metadata.
    """

    name: str
    file: str
    sources: tuple[str, ...]
    page: str
    digest: str
    size: PositiveInt | None
    room: PositiveInt
    folder: str
    holds: str
    needs: tuple[str, ...]
    dataset: str | None

    def __post_init__(self) -> None:
        algorithm, _, digits = self.digest.partition(":")
        if not re.fullmatch(rf"[0-9a-f]{{{_DIGITS.get(algorithm, 0)}}}", digits) or not digits:
            raise ValueError(
                f"digest: received '{self.digest}'; allowed: md5:, sha1: or sha256: with 32, 40 or "
                "64 digits 0-9a-f"
            )
        for source in self.sources:
            if not re.match(r"https?://[^/]", source):
                raise ValueError(f"sources: received '{source}'; allowed: http:// or https://...")
        for key in ("file", "folder", "holds"):
            if not re.fullmatch(r"[\w-][\w.-]*", getattr(self, key)):
                raise ValueError(f"{key}: received '{getattr(self, key)}'; allowed: a plain name")

    @property
    def algorithm(self) -> str:
        """Name of the algorithm behind `digest`."""
        return self.digest.partition(":")[0]

    def target(self, data_root: Path) -> Path:
        """Return the folder that there is once all is done."""
        return data_root / self.folder / self.holds


def read_archive(name: str, overrides: Sequence[str] = ()) -> tuple[Archive, Path]:
    """Return what is known of the archive `name`, and the folder of all data.

    Args:
        name: a file of `conf/download`.
        overrides: words such as `sources=[https://...]` or `data_root=<folder>`.

    Raises:
        ConfigError: there is no such archive, or an override does not fit.
    """
    known = choices("download")
    if name not in known:
        raise ConfigError(
            f"'{name}' cannot be downloaded; allowed: {', '.join(known)}{nearest(name, known)}"
        )
    composed = compose("download", [f"download={name}", *overrides])
    data_root = data_root_of(composed)
    del composed["data_root"]
    return validate(Archive, composed, name), data_root
