"""Classes of devices as data, and what does not fit them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from genrecls.config.paths import conf_dir
from genrecls.errors import ConfigError
from genrecls.export.bundle.targets import (
    fit,
    reason_not_to_try,
    reasons_not_to_fit,
    reasons_to_fit,
    target,
    targets,
)
from genrecls.export.formats import ExportFormat
from genrecls.runs.export_facts import ArenaSize, ExportedFile, MicroSupport
from tests.export.exported_facts import EVERY, export_facts, lost

# An int8 LSTM of 64 and 64 units on 130 frames, and VGG-16 in float32, as measured.
SMALL = ExportedFile(
    "features_int8.tflite",
    "features",
    "int8",
    "kept",
    flatbuffer=65_832,
    macs=6_827_136,
    lstm_macs=6_822_400,
    arena=ArenaSize(22_352, "tflite-micro"),
    micro=MicroSupport(runs=True, reason="ran there"),
)
LARGE = ExportedFile(
    "audio_float32.tflite",
    "audio",
    "float32",
    "kept",
    flatbuffer=57_621_000,
    macs=15_300_000_000,
    arena=ArenaSize(26_000_000, "estimate"),
)
LACKING = MicroSupport(runs=False, reason="RFFT2D (x1): not there")
LATE = "latency: 15,300.0 million multiply-accumulates take about 5.7e+03 s a segment; allowed: 1 s"
NAMES = ["cortex-m4", "cortex-m7", "esp32", "esp32-s3", "phone", "rp2040", "rpi", "rpi-zero"]


def test_the_classes_are_those_that_the_help_names() -> None:
    assert list(targets()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_class_validates_and_says_where_its_numbers_are_from(name: str) -> None:
    device = target(name)
    assert device.name == name
    assert device.code < device.flash
    lines = (conf_dir() / "export" / "target" / f"{name}.yaml").read_text(encoding="utf-8")
    assert len(lines.splitlines()[0]) > 20
    assert lines.startswith("# ")
    keys = [line for line in lines.splitlines() if line[0] != "#" and "name" not in line]
    assert all(" # " in line for line in keys if not line.startswith("title"))
    assert sum(line.startswith("# ") for line in lines.splitlines()) > 2


@pytest.mark.parametrize("name", NAMES)
def test_the_smallest_preset_fits_everywhere(name: str) -> None:
    # best_tiny in int8, as tests/export/test_costs.py has it.
    size = ArenaSize(71_168, "tflite-micro", cmsis_nn=2_304)
    tiny = replace(SMALL, flatbuffer=33_248, macs=1_616_640, arena=size, front_end=20_800)
    assert reasons_not_to_fit(target(name), tiny) == []


def test_a_processor_without_floating_point_unit_is_slow_and_has_no_other_kernels() -> None:
    (reason,) = reasons_not_to_fit(target("rp2040"), SMALL)
    assert reason.startswith(
        "latency: 6.8 million multiply-accumulates take about 1.4 s a segment;"
    )


def test_a_large_network_fails_in_every_respect_on_a_microcontroller() -> None:
    reasons = reasons_not_to_fit(target("cortex-m4"), replace(LARGE, micro=LACKING))
    assert reasons == [
        "RFFT2D (x1): not there",
        "flash: model 57,621,000 bytes and code 175,000 bytes; there are 1,000,000 bytes",
        "memory: the tensor arena takes 26,000,000 bytes; there are 131,072 bytes for it",
        LATE,
    ]


def test_what_micro_lacks_is_no_matter_where_litert_runs() -> None:
    assert reasons_not_to_fit(target("rpi"), replace(SMALL, micro=LACKING)) == []


def test_float_networks_take_longer_on_a_microcontroller() -> None:
    (reason,) = reasons_not_to_fit(target("cortex-m4"), replace(SMALL, mode="float32"))
    assert reason.startswith("latency: 6.8 million multiply-accumulates take about 2.5 s")


def test_exactly_full_still_fits() -> None:
    device = target("cortex-m7")
    size = device.flash - device.code
    full = replace(
        SMALL,
        flatbuffer=size,
        arena=ArenaSize(device.memory, "estimate"),
        macs=int(device.int8_macs * device.latency),
    )
    assert reasons_not_to_fit(device, full) == []
    assert len(reasons_not_to_fit(device, replace(full, flatbuffer=size + 1))) == 1


def test_what_fits_is_kept_and_nothing_else_and_each_has_its_reasons() -> None:
    wrong = lost(ExportFormat("features", "dynamic"), "rejected", "wrong")
    device = target("cortex-m4")
    judged = fit(device, export_facts([SMALL, LARGE, wrong]))
    assert judged.target is not None
    assert (judged.target.name, judged.target.title) == ("cortex-m4", device.title)
    small, large = judged.target.verdicts
    assert (small.file, small.fits, small.reasons) == (
        SMALL.file,
        True,
        (
            "flash 240,832 of 1,000,000 bytes, 175,000 of them for the program",
            "tensor arena 22,352 of 131,072 bytes",
            "about 0.17 of 1 s a segment with CMSIS-NN, 0.61 s with the reference kernels",
        ),
    )
    assert (large.file, large.fits, large.reasons[-1]) == (LARGE.file, False, LATE)
    assert judged.kept == (SMALL,)
    assert [file.status for file in judged.files] == ["kept", "refused", "rejected"]
    assert str(judged.files[1].reason).startswith("it does not fit Arm Cortex-M4: flash: model")


def test_an_arena_that_was_not_measured_is_called_an_estimate() -> None:
    reasons = reasons_to_fit(target("phone"), replace(SMALL, arena=ArenaSize(9_000, "estimate")))
    assert "tensor arena 9,000 of 256,000,000 bytes (estimate)" in reasons


@pytest.mark.parametrize("name", NAMES)
def test_only_what_the_runtime_of_a_class_runs_is_tried(name: str) -> None:
    device = target(name)
    tried = {wanted.file for wanted in EVERY if reason_not_to_try(device, wanted) is None}
    if device.runtime == "micro":
        assert tried == {"features_int8.tflite", "features_float32.tflite"}
        (reason,) = {reason_not_to_try(device, wanted) for wanted in EVERY} - {None}
        assert str(reason).startswith(f"for {device.title} only features in int8 and float32")
    else:
        assert len(tried) == len(EVERY)


def test_front_end_and_arena_have_to_fit_the_memory_together() -> None:
    # 10-s segments of MFCC with top_db: the arena alone would fit.
    file = replace(SMALL, front_end=233_008)
    (reason,) = reasons_not_to_fit(target("cortex-m4"), file)
    assert reason == (
        "RAM: front end 233,008 bytes, tensor arena 22,352 bytes, audio and stack 65,536 bytes; "
        "there are 262,144 bytes. features.top_db=null (with features.ref=1), a shorter "
        "segment.length or a smaller preset, such as model=crnn_micro, takes less"
    )
    assert reasons_not_to_fit(target("rpi"), file) == []
    small = replace(SMALL, front_end=78_896)
    assert reasons_not_to_fit(target("cortex-m4"), small) == []
    arena, ram = reasons_to_fit(target("cortex-m4"), small)[1:3]
    assert arena == "tensor arena 22,352 of 131,072 bytes"
    assert ram == (
        "RAM 166,784 of 262,144 bytes, 78,896 of them for the front end, 65,536 for audio and stack"
    )


def test_a_class_of_a_user_that_says_no_ram_is_not_told_that_the_front_end_fits() -> None:
    device = replace(target("cortex-m4"), ram=None)
    file = replace(SMALL, front_end=233_008)
    assert reasons_not_to_fit(device, file) == []
    assert "front end 233,008 bytes besides (the target does not say its ram)" in reasons_to_fit(
        device, file
    )


def test_an_unknown_class_gets_the_nearest_one() -> None:
    with pytest.raises(
        ConfigError, match=r"received 'cortexm4'; allowed: cortex-m4, .*did you mean"
    ):
        target("cortexm4")


def test_a_file_of_ones_own_is_a_class(tmp_path: Path) -> None:
    path = tmp_path / "board.yaml"
    text = (conf_dir() / "export" / "target" / "esp32.yaml").read_text(encoding="utf-8")
    path.write_text(text.replace("memory: 163840", "memory: 20000"), encoding="utf-8")
    assert reasons_not_to_fit(target(str(path)), SMALL) == [
        "memory: the tensor arena takes 22,352 bytes; there are 20,000 bytes for it"
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name: board\nflash: 3.5", r"target\.title: missing; give it a value.*"),
        ("a: [", r"target: .*board\.yaml cannot be read as YAML: .*"),
        (f"a: {'[' * 900}", r"target: .*board\.yaml cannot be read as YAML: .*nested too deeply"),
        ("a: &a [*a]", r"target: .*board\.yaml cannot be read as YAML: the alias .*"),
        ("- 1", "target: received .*; allowed: "),
    ],
)
def test_a_wrong_file_gets_one_line(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "board.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=message) as caught:
        target(str(path))
    assert "\n" not in str(caught.value)


def test_a_latency_says_which_kernels_it_is_for_and_lstms_are_counted_apart() -> None:
    dense = replace(SMALL, lstm_macs=0)
    assert reasons_to_fit(target("cortex-m4"), dense)[-1] == (
        "about 0.17 of 1 s a segment with CMSIS-NN, 0.84 s with the reference kernels"
    )
    assert reasons_to_fit(target("rpi"), dense)[-1].endswith(" of 1 s a segment")


def test_numbers_that_decide_are_printed_so_that_they_differ() -> None:
    almost = replace(SMALL, macs=40_360_000, lstm_macs=0)
    (reason,) = reasons_not_to_fit(target("cortex-m4"), almost)
    assert "take about 1.01 s a segment with CMSIS-NN" in reason
    assert reason.endswith("; allowed: 1 s")


def test_the_arena_is_that_of_the_kernels_of_a_device() -> None:
    file = replace(SMALL, arena=ArenaSize(22_352, "tflite-micro", cmsis_nn=4_608))
    assert "tensor arena 26,960 of 131,072 bytes" in reasons_to_fit(target("cortex-m4"), file)
    assert "tensor arena 22,352 of 163,840 bytes" in reasons_to_fit(target("esp32"), file)
    full = replace(file, arena=ArenaSize(130_000, "tflite-micro", cmsis_nn=4_608))
    (reason,) = reasons_not_to_fit(target("cortex-m4"), full)
    assert reason.startswith("memory: the tensor arena takes 134,608 bytes")
