"""Full disks, odd files, other processes: one clear line, and nothing lost."""

from __future__ import annotations

import json
import resource
import shutil
from pathlib import Path

import pytest

from genrecls.dsp.audio_limits import REASONS
from tests.dsp.bad_audio import write_all
from tests.forked import Forked, undrawn_program
from tests.in_process import run_here
from tests.integration.conftest import Command


def test_an_output_folder_that_cannot_be_written_is_named(genrecls: Command, home: Path) -> None:
    (home / "occupied").write_text("a file where a folder should be")
    answer = genrecls("train", "debug=smoke", "output_root=occupied")
    assert answer.status == 1
    assert "occupied" in answer.error


@pytest.mark.usefixtures("undrawn")
def test_a_full_disk_ends_in_one_line_and_keeps_what_was_there(
    genrecls: Command, genrecls_process: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit on file sizes stands for the full disk: the model file no longer fits."""
    # Nor would what a measurement of the coverage writes, in lines of its own.
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
    command = ("train", "debug=smoke", "seed=7", "output_root=full")
    answer = genrecls_process(
        *command, before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    )
    assert answer.status == 1
    assert "free" in answer.error
    (row,) = json.loads(genrecls("runs", "output_root=full", "--format", "json").out)
    assert row["status"] == "failed"
    assert not list((home / "full" / row["run"]).glob("model.keras"))
    again = genrecls(*command)
    assert again.status == 0, again.err


@pytest.mark.process
@pytest.mark.tensorflow
def test_two_trainings_at_once_on_a_cold_cache_both_succeed(tmp_path: Path) -> None:
    running = [
        Forked(undrawn_program, "train", "debug=smoke", f"seed={seed}", folder=tmp_path)
        for seed in (1, 2)
    ]
    ended = [process.end(600) for process in running]
    assert [status for status, _ in ended] == [0, 0], ended
    rows = json.loads(run_here(tmp_path, "runs", "--format", "json").out)
    assert [row["status"] for row in rows] == ["finished", "finished"]


def test_a_cache_file_cut_in_half_is_computed_again(genrecls: Command, home: Path) -> None:
    entries = sorted((home / "data" / "cache").rglob("*.npz"))
    for entry in entries[:3]:
        entry.write_bytes(entry.read_bytes()[: entry.stat().st_size // 2])
    answer = genrecls("evaluate", "latest")
    assert answer.status == 0, answer.err
    assert "27 tracks from the cache, 3 computed" in answer.err


@pytest.mark.usefixtures("undrawn")
def test_bad_files_stop_a_training_or_are_left_out_as_configured(
    genrecls: Command, home: Path
) -> None:
    music = home / "music"
    bad = write_all(music / "anvil" / "bad files")
    good = sorted((home / "data" / "synth").rglob("*.wav"))
    for style in ("anvil", "carousel", "drizzle"):
        (music / style).mkdir(exist_ok=True)
        for wav in [path for path in good if path.parent.name == style]:
            shutil.copy(wav, music / style)
    source = ("dataset=folder", f"dataset.root={music.name}", "debug=smoke")

    verified = genrecls("data", "verify", *source[:2], "--format", "json")
    assert verified.status == 1
    unusable = {row["path"] for row in json.loads(verified.out) if not row["usable"]}
    assert len(unusable) > len(bad) / 2

    stopped = genrecls("train", *source)
    assert stopped.status == 1
    assert "dataset.bad_audio=skip" in stopped.error

    skipped = genrecls("train", *source, "dataset.bad_audio=skip", "output_root=skipping")
    assert skipped.status == 0, skipped.err
    metrics = json.loads((home / "skipping" / "latest" / "metrics.json").read_text())
    codes = {row["path"]: row["code"] for row in metrics["rejected"]}
    assert unusable == codes.keys()
    # Sound files that are too short for a segment of three seconds are among them.
    assert "no-segment" in codes.values()
    assert f"{len(codes)} files" in (home / "skipping" / "latest" / "report.html").read_text()


def test_every_odd_file_is_classified_or_named_with_its_reason(
    genrecls: Command, tmp_path: Path
) -> None:
    paths = write_all(tmp_path)
    answer = genrecls("predict", "latest", *paths.values(), "--format", "json")
    assert answer.status == 1
    assert "Traceback" not in answer.err
    found = {result["path"]: result for result in json.loads(answer.out)}
    assert all(("genre" in result) != ("error" in result) for result in found.values())
    classified = {name for name, path in paths.items() if "genre" in found.get(str(path), {})}
    assert {"8_bit", "8_khz", "six_channels"} <= {Path(name).stem for name in classified}
    reasons = {result["error"].partition(":")[0] for result in found.values() if "error" in result}
    assert reasons <= {*REASONS, "folder", "empty"}
    assert len(reasons) > 6


def test_absent_data_say_where_they_were_looked_for(genrecls: Command) -> None:
    answer = genrecls("train", "dataset=gtzan", "dataset.root=nowhere")
    assert answer.status == 1
    for part in ("nowhere", "genres/<genre>/", "https://", "dataset.root="):
        assert part in answer.error


def test_a_damaged_model_file_is_refused(genrecls: Command, home: Path) -> None:
    model = (home / "outputs" / "latest").resolve() / "model.keras"
    cut = home / "cut.keras"
    cut.write_bytes(model.read_bytes()[:5000])
    wav = next((home / "data" / "synth").rglob("*.wav"))
    answer = genrecls("predict", wav, cut)
    assert answer.status == 1
    assert "cut.keras" in answer.error
