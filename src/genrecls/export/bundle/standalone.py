"""`classify.pyz`: the parts of genrecls that a device needs, as one file that Python runs."""

from __future__ import annotations

import io
import zipapp
import zipfile
from pathlib import Path

from genrecls import __version__
from genrecls.files.atomic import replacing
from genrecls.runtime.command import PROGRAM

_PARTS = ("errors.py", "safe_text.py", "dsp/*.py", "runtime/*.py")

_MAIN = f'''"""Classify music with a model that genrecls exported: the whole program.

    python {PROGRAM} song.mp3 other.wav              # with the model beside this file
    python {PROGRAM} --model features_int8.tflite --format json song.wav
    arecord -f S16_LE -r 22050 | python {PROGRAM} --live - --rate 22050

It needs Python 3.11 or newer, NumPy, soundfile and a TFLite runtime:

    pip install numpy soundfile ai-edge-litert

Made by genrecls {__version__} of its own sources; read them with: python -m zipfile -e {PROGRAM} .
"""

from pathlib import Path

from genrecls.runtime.command import main

if __name__ == "__main__":
    # This file lies inside the archive, and the model beside it.
    raise SystemExit(main(Path(__file__).resolve().parents[1]))
'''

_INIT = f'''"""genrecls, as far as a device needs it."""

__version__ = "{__version__}"
'''


def write(folder: Path) -> Path:
    """Write `classify.pyz` into `folder`, whole or not at all, and return its path.

    The same version of genrecls writes the same bytes.
    """
    package = Path(__file__).parents[2]
    sources = {
        f"genrecls/{path.relative_to(package).as_posix()}": path.read_text(encoding="utf-8")
        for part in _PARTS
        for path in package.glob(part)
    }
    sources |= {"__main__.py": _MAIN, "genrecls/__init__.py": _INIT}
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in sorted(sources):
            # A fixed time, system and mode, for equal programs are to be equal files.
            member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            member.create_system, member.external_attr = 3, 0o644 << 16
            archive.writestr(member, sources[name], compresslevel=9)
    content.seek(0)
    with replacing(folder / PROGRAM) as beside:
        zipapp.create_archive(content, beside, interpreter="/usr/bin/env python3")
    return folder / PROGRAM
