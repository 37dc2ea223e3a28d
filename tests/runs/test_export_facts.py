"""What `export.json` holds: written, read back, and read as earlier versions wrote it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from genrecls.errors import RunError
from genrecls.files.tables import write_json
from genrecls.runs.export_facts import (
    VERSION,
    Agreement,
    ExportFacts,
    TargetVerdict,
    TargetVerdicts,
    export_file,
    model_files_of_run,
    read_export,
)
from tests.export.exported_facts import EVERY, export_facts, kept, lost
from tests.runs.damage import ANY, setting
from tests.runs.finished_runs import Made, finished_run


def plain(facts: ExportFacts) -> dict[str, Any]:
    """Return the content of the file as JSON has it."""
    content: dict[str, Any] = json.loads(json.dumps(facts.to_json()))
    return content


def test_a_run_without_an_export_has_facts_of_its_model_alone(tmp_path: Path) -> None:
    run = finished_run(tmp_path, "a-run", Made(leaks=["track"]))
    assert read_export(run) is None
    known = model_files_of_run(run)
    assert (known.run, known.leaks, known.files) == ("a-run", ("track",), ())
    assert known.keras is not None
    assert known.keras.test.track.accuracy == 0.75
    assert known.keras.interval == run.read_metrics().test.track.accuracy_interval


def test_an_export_is_read_and_a_damaged_one_is_one_line(tmp_path: Path) -> None:
    run = finished_run(tmp_path, "a-run")
    write_json(export_file(run), export_facts().to_json())
    assert model_files_of_run(run) == export_facts()
    export_file(run).write_text("{")
    with pytest.raises(RunError, match=r"export\.json is damaged"):
        model_files_of_run(run)


def test_everything_comes_back_from_json() -> None:
    verdict = TargetVerdict("a.tflite", fits=False, reasons=("too large",))
    files = [kept(EVERY[0]), lost(EVERY[1], "rejected", "no"), lost(EVERY[2], "refused", "never")]
    # The outputs of a rejected file may be no numbers.
    gate = Agreement(("test",), 9, 3, None, 0.5, 0.1, finite=False)
    files[1] = replace(files[1], gate=gate)
    target = TargetVerdicts("esp32", "ESP32", (verdict,), "micro")
    facts = export_facts(files, target=target)
    assert facts.keras is not None
    facts = replace(facts, keras=replace(facts.keras, interval=(0.7, 0.9)))
    assert ExportFacts.from_json(plain(facts)) == facts


def test_the_first_version_is_read_with_the_words_of_today() -> None:
    content = plain(export_facts())
    del content["version"]
    for file in content["files"]:
        file["entrance"] = file.pop("input")
        del file["gate"]["finite"], file["operators"][0]["method"]
    content["dataset"]["generated"] = False
    content["segment"] |= {"cut": "samples"}
    del content["segment"]["source"]
    assert ExportFacts.from_json(content) == export_facts()


@pytest.mark.parametrize("version", [VERSION + 1, True, None, [], {}])
def test_another_version_is_one_line_that_says_what_to_do(version: Any, tmp_path: Path) -> None:
    run = finished_run(tmp_path, "a-run")
    write_json(export_file(run), {**export_facts().to_json(), "version": version})
    with pytest.raises(RunError, match=r"export\.json: expected version .*; update genrecls") as e:
        read_export(run)
    assert "\n" not in str(e.value)


@pytest.mark.parametrize("damage", ANY)
def test_an_export_json_that_holds_none_is_one_line(damage: str, tmp_path: Path) -> None:
    run = finished_run(tmp_path, "a-run")
    write_json(export_file(run), export_facts().to_json())
    ANY[damage](export_file(run))
    with pytest.raises(RunError, match=r"export\.json is damaged \(.* run 'genrecls exp") as caught:
        read_export(run)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model.macs", -1),
        ("model.parameters", 10**400),
        ("keras.bytes", -1),
        ("keras.test.track.accuracy", float("nan")),
        ("keras.test.track.macro_f1", 1.5),
        ("calibration.segments", float("inf")),
        ("dataset.tracks", -3),
    ],
)
def test_a_number_of_an_export_out_of_its_range_is_one_line(
    key: str, value: Any, tmp_path: Path
) -> None:
    run = finished_run(tmp_path, "a-run")
    write_json(export_file(run), export_facts().to_json())
    setting(key, value)(export_file(run))
    with pytest.raises(RunError, match=r"export\.json is damaged \("):
        read_export(run)


@pytest.mark.parametrize(
    ("key", "value"), [("files", [{"mode": "int8"}]), ("labels", "jazz"), ("keras", {"bytes": 1})]
)
def test_keys_that_are_missing_or_of_another_type_are_named(
    key: str, value: Any, tmp_path: Path
) -> None:
    run = finished_run(tmp_path, "a-run")
    write_json(export_file(run), {**export_facts().to_json(), key: value})
    with pytest.raises(RunError, match=rf"export\.json is damaged \({key}.* run 'genrecls export"):
        read_export(run)


def test_the_int8_size_is_that_of_the_file_that_takes_features() -> None:
    sizes = {file.file: size for size, file in enumerate(map(kept, EVERY), start=1)}
    files = [kept(one, sizes[one.file]) for one in EVERY]
    assert export_facts(files).int8_bytes == sizes["features_int8.tflite"]
    audio = [file for file in files if file.input == "audio"]
    assert export_facts(audio).int8_bytes == sizes["audio_int8.tflite"]
    assert export_facts([lost(EVERY[3], "rejected", "no")]).int8_bytes is None
