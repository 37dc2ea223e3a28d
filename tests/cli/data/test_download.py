"""`genrecls data download` from an address to a verified data set."""

from __future__ import annotations

import hashlib
import io
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from genrecls.datasets.gtzan import GENRES
from tests.conftest import RunCommand
from tests.datasets.download.archives import tar, zipped
from tests.datasets.download.server import Handler, Server, reach_this_machine, whole
from tests.datasets.fma_copy import write_sounding_copy


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    reach_this_machine(monkeypatch)
    with Server() as running:
        yield running


def tone(frequency: float) -> bytes:
    stream = io.BytesIO()
    time = np.arange(30 * 22050) / 22050
    soundfile.write(stream, 0.5 * np.sin(2 * np.pi * frequency * time), 22050, format="AU")
    return stream.getvalue()


@pytest.fixture(scope="module")
def gtzan() -> bytes:
    """GTZAN with one tone for each genre, as Marsyas packs it."""
    return tar(
        {f"genres/{genre}/{genre}.00000.au": tone(220 + n) for n, genre in enumerate(GENRES)}
    )


@pytest.fixture(scope="module")
def fma(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """FMA's archives of clips and metadata by name."""
    root = tmp_path_factory.mktemp("fma")
    write_sounding_copy(root)
    return {
        name: zipped(
            {
                str(path.relative_to(root)): path.read_bytes()
                for path in (root / name).rglob("*")
                if path.is_file()
            }
        )
        for name in ("fma_small", "fma_metadata")
    }


def digest(body: bytes) -> str:
    return f"digest=sha1:{hashlib.sha1(body, usedforsecurity=False).hexdigest()}"


def keys(body: bytes, url: str = "http://127.0.0.1:1/a") -> list[str]:
    return [f"sources=[{url}]", digest(body), "room=300000000", "size=null"]


def test_gtzan_is_fetched_unpacked_and_verified(
    gtzan: bytes,
    server: Server,
    run_command: RunCommand,
) -> None:
    url = server.gives("/genres.tar.gz", whole(gtzan))
    outcome = run_command("data", "download", "gtzan", *keys(gtzan, url))
    assert outcome.status == 0, outcome.err
    assert f"gtzan: fetching {url}" in outcome.err
    assert "gtzan: 10 files unpacked to data/gtzan/genres" in outcome.err
    assert "10 files checked: 10 usable" in outcome.err
    again = run_command("data", "download", "gtzan", *keys(gtzan, url))
    assert again.status == 0
    assert "gtzan: already in data/gtzan/genres; nothing is fetched" in again.err
    assert "10 usable" in again.err
    assert len(server.requests) == 1


def test_files_that_cannot_be_used_are_the_status_of_verify(
    run_command: RunCommand, tmp_path: Path
) -> None:
    body = tar({f"genres/{genre}/a.au": b"no sound" for genre in GENRES})
    (tmp_path / "a.tgz").write_bytes(body)
    outcome = run_command("data", "download", "gtzan", "--archive", "a.tgz", *keys(body))
    assert outcome.status == 1
    assert outcome.out.count("unreadable") == 10


def test_fma_needs_its_metadata_first_and_reads_them(
    fma: dict[str, bytes],
    server: Server,
    run_command: RunCommand,
) -> None:
    for name, body in fma.items():
        Path(f"{name}.zip").write_bytes(body)
    words = ("--archive", "fma_metadata.zip", *keys(fma["fma_metadata"]))
    metadata = run_command("data", "download", "fma_metadata", *words)
    assert metadata.status == 0, metadata.err
    assert "data/fma/fma_metadata/tracks.csv: 6 tracks" in metadata.err
    url = server.gives("/fma_small.zip", whole(fma["fma_small"]))
    clips = run_command("data", "download", "fma_small", *keys(fma["fma_small"], url))
    assert clips.status == 0, clips.err
    assert "fma_metadata: already in data/fma/fma_metadata" in clips.err
    assert "6 files checked: 6 usable" in clips.err


def test_a_data_set_in_another_layout_is_there_already(
    gtzan: bytes, run_command: RunCommand
) -> None:
    Path("a.tgz").write_bytes(gtzan)
    assert run_command("data", "download", "gtzan", "--archive=a.tgz", *keys(gtzan)).status == 0
    Path("data/gtzan/genres").rename("data/gtzan/genres_original")
    outcome = run_command("data", "download", "gtzan", *keys(gtzan))
    assert outcome.status == 0
    assert "gtzan: already in data/gtzan; nothing is fetched" in outcome.err


def test_what_is_there_but_of_no_use_is_named_with_the_way_out(run_command: RunCommand) -> None:
    Path("data/gtzan/genres").mkdir(parents=True)
    outcome = run_command("data", "download", "gtzan")
    assert outcome.status == 1
    assert outcome.err.splitlines()[-1].endswith(
        "it was there before and nothing was fetched: move data/gtzan/genres away to fetch it anew"
    )
    assert Path("data/gtzan/genres").is_dir()


@pytest.mark.usefixtures("server")
def test_without_network_one_line_says_where_to_put_the_archive(run_command: RunCommand) -> None:
    outcome = run_command("data", "download", "gtzan", *keys(b""))
    assert outcome.status == 1
    last = outcome.err.splitlines()[-1]
    assert "no source gave the archive (see above)" in last
    assert outcome.err.count("cannot be reached") == 1
    assert last.endswith("genrecls data download gtzan --archive <file>")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ((), "received no name; expected one of fma_large, fma_medium, fma_metadata, fma_small, "),
        (("gtzan", "fma_small"), "received gtzan fma_small; expected one of"),
        (("gtzn",), "did you mean 'gtzan'?"),
        (("gtzan", "surces=[]"), "did you mean 'sources'?"),
        (("gtzan", "--kep"), "unknown flag --kep; see 'genrecls data download --help'"),
        (("gtzan", "--archive", "none.zip"), "--archive: there is no file"),
    ],
)
def test_a_mistake_is_one_line(
    words: tuple[str, ...], complaint: str, run_command: RunCommand
) -> None:
    outcome = run_command("data", "download", *words)
    assert complaint in outcome.error
    assert outcome.status == 1


@pytest.mark.process
def test_two_processes_fetch_it_once(gtzan: bytes, server: Server) -> None:
    asked, goes_on = threading.Event(), threading.Event()

    def slow(handler: Handler) -> None:
        asked.set()
        goes_on.wait(300)
        whole(gtzan)(handler)

    words = keys(gtzan, server.gives("/a", slow))
    # Whoever runs the tests in the background of a shell has Ctrl-C switched off.
    own = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    run = "from genrecls.cli.main import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", own + run, "data", "download", "gtzan", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as first:
        assert asked.wait(300)
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as second:
            assert second.stderr is not None
            line = second.stderr.readline()
            goes_on.set()
            _, err = second.communicate(timeout=600)
        first.communicate(timeout=600)
    assert line == "gtzan: another process is fetching it; waiting until that has ended\n"
    assert "gtzan: already in data/gtzan/genres; nothing is fetched" in err
    assert (first.returncode, second.returncode) == (0, 0)
    assert len(server.requests) == 1


@pytest.mark.process
def test_ctrl_c_is_one_line_and_the_same_command_goes_on(
    gtzan: bytes,
    server: Server,
    run_command: RunCommand,
) -> None:

    half, ended = threading.Event(), threading.Event()

    def stall(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(gtzan)))
        handler.send_header("ETag", '"1"')
        handler.end_headers()
        handler.wfile.write(gtzan[: 1 << 18])
        half.set()
        ended.wait(300)

    words = keys(gtzan, server.gives("/a", stall, whole(gtzan)))
    # Whoever runs the tests in the background of a shell has Ctrl-C switched off.
    own = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    run = "from genrecls.cli.main import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", own + run, "data", "download", "gtzan", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert half.wait(300)
        part = Path("data/downloads/genres.tar.gz.part")
        while not part.is_file() or not part.stat().st_size:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=600)
    ended.set()
    assert process.returncode == 130
    assert err.splitlines()[1:] == [
        "genrecls: error: interrupted; nothing is lost, the same command continues"
    ]
    # It may have come before all that was sent was written.
    kept = part.stat().st_size
    assert 0 < kept <= 1 << 18
    assert run_command("data", "download", "gtzan", *words).status == 0
    assert server.ranges == [None, f"bytes={kept}-"]
