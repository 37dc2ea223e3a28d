"""The audio files below a folder, and what is passed over there and why.

Training and prediction look for music in the same way, and neither leaves anything out in silence.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from genrecls.console import several
from genrecls.dsp import ffmpeg
from genrecls.dsp.audio_limits import readable_suffixes
from genrecls.dsp.content import is_sound
from genrecls.dsp.mpeg import LONGEST_RUN

# Sound that nothing here reads, or only with PyAV.
_UNREAD = frozenset(
    {
        *(".aa", ".aax", ".ac3", ".alac", ".amr", ".dff", ".dsf", ".dts", ".m4p", ".mpga", ".ofr"),
        *(".ra", ".rm", ".shn", ".tak"),
        *ffmpeg.SUFFIXES,
    }
)

LEFT_OUT: dict[str, tuple[str, str]] = {
    "format": (
        "file",
        "this format is not read; convert such files, as by 'ffmpeg -i a.m4a a.flac'",
    ),
    "formats": (
        "file",
        "this format needs PyAV: pip install 'genrecls[formats]', or 'ffmpeg -i a.m4a a.flac'",
    ),
    "hidden": ("file", "a name that begins with '.' is hidden; rename it if this is music"),
    "ghost": ("file", "macOS keeps notes in files called '._...', and no sound"),
    "closed": ("folder", "it cannot be opened; check who may read it"),
    "circle": ("link", "it leads back to a folder that holds it"),
}
"""Why something is passed over: what it is, and the reason in words."""


@dataclass(frozen=True)
class AudioFiles:
    """What a search for audio found below a folder.

    Attributes:
        root: the folder.
        files: audio files, sorted; links to folders are followed.
        left_out: what was passed over, sorted, by a key of `LEFT_OUT`. Files of other kinds, such
            as pictures and texts, are not mentioned.
    """

    root: Path
    files: tuple[Path, ...]
    left_out: Mapping[str, tuple[Path, ...]]

    @property
    def remarks(self) -> tuple[str, ...]:
        """One line for each reason: how much was left out, an example and why."""
        lines = []
        for code, paths in self.left_out.items():
            noun, reason = LEFT_OUT[code]
            kinds = ""
            if code in {"format", "formats"}:
                counts = Counter(path.suffix.lower() for path in paths).most_common()
                kinds = f" ({', '.join(f'{count} {suffix}' for suffix, count in counts)})"
            example = paths[0].relative_to(self.root).as_posix()
            lines.append(
                f"{self.root}: left out {several(len(paths), noun)}{kinds}, such as {example}: "
                f"{reason}"
            )
        return tuple(lines)


def find_audio(root: Path) -> AudioFiles:
    """Return the audio files below `root`, whatever the name of `root` itself."""
    files: list[Path] = []
    readable = readable_suffixes()
    left_out: defaultdict[str, list[Path]] = defaultdict(list)
    # Folders still to be looked through, each with itself and those that lead there.
    waiting = [(root, frozenset[tuple[int, int]]())]
    while waiting:
        folder, above = waiting.pop()
        try:
            status = folder.stat()
            identity = (status.st_dev, status.st_ino)
            if identity in above:
                left_out["circle"].append(folder)
                continue
            entries = list(os.scandir(folder))
        except OSError:
            left_out["closed"].append(folder)
            continue
        for entry in entries:
            path = folder / entry.name
            # What a link leads to may be closed, or nothing.
            with suppress(OSError):
                if entry.is_dir():
                    waiting.append((path, above | {identity}))
                    continue
            suffix = path.suffix.lower()
            if suffix not in _UNREAD and suffix not in readable and not _is_nameless_sound(path):
                continue
            if entry.name.startswith("._"):
                left_out["ghost"].append(path)
            elif any(part.startswith(".") for part in path.relative_to(root).parts):
                left_out["hidden"].append(path)
            elif suffix not in _UNREAD or suffix in readable:
                files.append(path)
            else:
                left_out["formats" if suffix in ffmpeg.SUFFIXES else "format"].append(path)
    found = {code: tuple(sorted(left_out[code])) for code in LEFT_OUT if code in left_out}
    return AudioFiles(root, tuple(sorted(files)), found)


def _is_nameless_sound(path: Path) -> bool:
    """Return whether a file without a suffix is sound, by its content."""
    if path.suffix or path.name.startswith("."):
        return False
    with suppress(OSError):
        # Opening a named pipe would wait for a writer.
        if path.is_file():
            with path.open("rb") as file:
                return is_sound(file.read(LONGEST_RUN))
    return False
