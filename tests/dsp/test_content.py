from __future__ import annotations

import pytest

from genrecls.dsp import content
from genrecls.dsp.content import HEAD_BYTES, describe, formats_read, kind_of, kind_of_stream
from tests.dsp.bad_audio import encoded


@pytest.mark.parametrize(
    ("kind", "subtype", "name"),
    [
        ("WAV", None, "a WAV file"),
        ("WAVEX", None, "a WAV file"),
        ("RF64", None, "a WAV file"),
        ("AIFF", None, "an AIFF file"),
        ("AU", None, "an AU file"),
        ("FLAC", None, "a FLAC file"),
        ("OGG", "VORBIS", "an OGG file (Vorbis)"),
        ("OGG", "OPUS", "an OGG file (Opus)"),
        ("CAF", None, "a CAF file"),
        ("W64", None, "a W64 file"),
        ("VOC", None, "a VOC file"),
    ],
)
def test_sound_that_is_read_is_named(kind: str, subtype: str | None, name: str) -> None:
    content = encoded(kind, rate=24_000, subtype=subtype)
    assert kind_of(content[:HEAD_BYTES]) == (name, True)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"\0\0\0\x20ftypM4A \0\0\0\0", "an MP4 file (M4A: AAC or ALAC)"),
        (3 * (b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(9)), "an AAC stream"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9", "a Windows Media file"),
        (b"\x1a\x45\xdf\xa3\x9f", "a Matroska or WebM file"),
        (b"OggS\0\2" + bytes(22) + b"\x80theora", "an OGG video"),
        (b"MThd\0\0\0\6", "notes and no sound"),
        (b"PK\3\4", "a ZIP archive"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\n<!DOCTYPE html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"Artist;Title\r\n", "it is a text"),
        (b"\0\5\x16\7\0\2\0\0", "macOS"),
        (bytes(100), "zeros"),
        (b"\x01\xfe\x80\x00", "its first bytes (01 fe 80 00) are those of no known sound file"),
    ],
)
def test_whatever_else_a_file_is_is_said_with_what_is_read(head: bytes, words: str) -> None:
    assert not kind_of(head)[1]
    assert words in describe(head)
    assert describe(head).endswith(f"; {formats_read()}")


@pytest.mark.parametrize(("there", "end"), [(True, "videos"), (False, "[formats]')")])
def test_what_ffmpeg_reads_is_named_as_what_is_read_where_it_is_there(
    there: bool, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content, "installed", lambda: there)
    assert "genrecls reads WAV, " in describe(b"%PDF-1.7")
    assert ", and M4A, AAC, WMA, WavPack, " in describe(b"%PDF-1.7")
    assert describe(b"%PDF-1.7").endswith(end)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        bytes(5000),
        b"\0\0\0\0ab",
        b"text",
        b"\xff\xfb\x90\x64" * 999,
        b"\xff\xf1\x50\x80" * 999,
        b"\x1f\x8b\0\0",
        b"<\xff" * 2500,
        b"\n <\x01" * 9,
    ],
)
def test_what_may_be_samples_is_taken_for_them(head: bytes) -> None:
    assert kind_of_stream(head) is None


def test_a_stream_that_is_text_to_the_end_of_its_head_is_none_of_samples() -> None:
    assert "a web page" in str(kind_of_stream(b"<html>" + "Fehler: böse\n".encode() * 999))
    assert kind_of_stream(b"no samples\n" * 999) == "a text"
