"""What a file is, by its first bytes and whatever its name says."""

from __future__ import annotations

import codecs

from genrecls.dsp.ffmpeg import installed
from genrecls.dsp.mpeg import begins_mpeg

HEAD_BYTES = 2048
"""How many first bytes `kind_of` looks at."""

_WEB_PAGE = "a web page or XML text, perhaps the error message of a server"
_READ = "genrecls reads WAV, FLAC, MP3, MP2, OGG (Vorbis, Opus), AU, AIFF, CAF and W64"
_READ_BY_FFMPEG = (
    "M4A, AAC, WMA, WavPack, Monkey's Audio, Musepack, True Audio and the sound of videos"
)

# Kinds that libsndfile reads: one that it refuses is damaged.
_SOUND: tuple[tuple[int, bytes, str], ...] = (
    (8, b"WAVE", "a WAV file"),
    (8, b"AIFF", "an AIFF file"),
    (8, b"AIFC", "an AIFF file"),
    (0, b".snd", "an AU file"),
    (0, b"fLaC", "a FLAC file"),
    (0, b"caff", "a CAF file"),
    (0, b"riff\x2e\x91\xcf\x11", "a W64 file"),
    (0, b"Creative Voice File", "a VOC file"),
    # An OGG file says 28 bytes from its beginning what its first stream is.
    (28, b"\x01vorbis", "an OGG file (Vorbis)"),
    (28, b"OpusHead", "an OGG file (Opus)"),
    (28, b"\x7fFLAC", "an OGG file (FLAC)"),
    (0, b"ID3", "an MP3 file"),
)

# Kinds that FFmpeg reads, with its name of the container.
_FFMPEG: tuple[tuple[int, bytes, str, str], ...] = (
    (28, b"\x80theora", "an OGG video", "ogg"),
    (28, b"Speex   ", "an OGG file (Speex)", "ogg"),
    (4, b"ftyp", "an MP4 file (M4A: AAC or ALAC)", "mov"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a Windows Media file (WMA)", "asf"),
    (0, b"\x1a\x45\xdf\xa3", "a Matroska or WebM file", "matroska"),
    (0, b"MAC ", "a Monkey's Audio file (APE)", "ape"),
    (0, b"wvpk", "a WavPack file", "wv"),
    (0, b"MPCK", "a Musepack file", "mpc8"),
    (0, b"MP+", "a Musepack file", "mpc"),
    (0, b"TTA", "a True Audio file", "tta"),
    (0, b"FLV", "a Flash video", "flv"),
    (8, b"AVI ", "an AVI video", "avi"),
)

_OTHERS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"OggS", "an OGG file of an unknown codec"),
    (0, b"DSD ", "a DSD file"),
    (0, b"FRM8", "a DSD file"),
    (0, b".RMF", "a RealMedia file"),
    (0, b"#!AMR", "an AMR file"),
    (0, b"MThd", "a MIDI file, which is notes and no sound"),
    (0, b"\x00\x00\x01\xba", "an MPEG video"),
    (0, b"\x00\x05\x16\x07", "a companion file that macOS puts in archives, no sound"),
    (0, b"version https://git-lfs", "a pointer of Git LFS; get the file with: git lfs pull"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"\x1f\x8b\x08", "a gzip archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (0, b"Rar!", "a RAR archive"),
    (0, b"%PDF", "a PDF document"),
    (0, b"\x89PNG", "a picture (PNG)"),
    (0, b"\xff\xd8\xff", "a picture (JPEG)"),
    (0, b"GIF8", "a picture (GIF)"),
    (8, b"WEBP", "a picture (WebP)"),
    (0, b"\x93NUMPY", "a NumPy array"),
    (0, b"\x89HDF", "an HDF5 file"),
)


def kind_of(head: bytes) -> tuple[str | None, bool]:
    """Return what a file is, by its first `HEAD_BYTES` bytes, and whether libsndfile reads it.

    MPEG audio has no magic number: it is recognised where frames follow each other
    (`genrecls.dsp.mpeg`), so here it has no name, unless a tag precedes it.
    """
    media = [each[:3] for each in _FFMPEG]
    for kinds, decoded in ((_SOUND, True), (media, False), (_OTHERS, False)):
        for at, magic, kind in kinds:
            if head.startswith(magic, at):
                return kind, decoded
    name: str | None = None
    if _begins_aac(head):
        name = "an AAC stream"
    elif not any(head):
        name = "a file that begins with zeros"
    elif head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        name = _WEB_PAGE
    elif _is_text(head):
        name = "a text"
    return name, False


def demuxer_of(head: bytes) -> str | None:
    """Return FFmpeg's name of a container that libsndfile does not read; None for all others."""
    known = (demuxer for at, magic, _, demuxer in _FFMPEG if head.startswith(magic, at))
    return next(known, "aac" if _begins_aac(head) else None)


def is_sound(head: bytes) -> bool:
    """Return whether a file is sound that libsndfile reads, by its first `LONGEST_RUN` bytes."""
    return kind_of(head[:HEAD_BYTES])[1] or begins_mpeg(head)


def kind_of_stream(head: bytes) -> str | None:
    """Return what begins with `LONGEST_RUN` bytes (fewer if it ends); None if it may be samples."""
    if begins_mpeg(head):
        return "an MP3 stream"
    # Samples may well begin with silence, and a few of them with any letters.
    start = head[:HEAD_BYTES]
    if not any(start) or (len(start) < HEAD_BYTES and _is_text(start)):
        return None
    kind = kind_of(head)[0]
    # One stream of samples in 200 begins with the byte of a web page, and goes on otherwise.
    return None if kind == _WEB_PAGE and not _is_text(start) else kind


def _begins_aac(head: bytes) -> bool:
    """Return whether frames of AAC follow each other from the first byte on, as far as it goes."""
    position = count = 0
    while len(frame := head[position : position + 7]) == 7:
        # Layer 0 is what MPEG audio never has: AAC uses it to be told from it.
        if frame[0] != 0xFF or frame[1] & 0xF6 != 0xF0:
            return False
        position += max(7, (frame[3] & 3) << 11 | frame[4] << 3 | frame[5] >> 5)
        count += 1
    return count > 1


def _is_text(head: bytes) -> bool:
    try:
        # Its last character may be cut off.
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return all(char >= " " or char in "\t\n\r\f" for char in text)


def formats_read() -> str:
    """Return what is read here, in words; libsndfile knows a few older ones besides."""
    others = "" if installed() else " where PyAV is installed (pip install 'genrecls[formats]')"
    return f"{_READ}, and {_READ_BY_FFMPEG}{others}"


def describe(head: bytes) -> str:
    """Return one clause about a file that no decoder takes: what it is and what is read."""
    kind, _ = kind_of(head)
    if kind is not None:
        return f"it is {kind}; {formats_read()}"
    begun = head[:8].hex(" ")
    return f"its first bytes ({begun}) are those of no known sound file; {formats_read()}"
