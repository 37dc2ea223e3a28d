"""A run is known by what changes its result, and by nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from genrecls.config.compose import compose
from genrecls.errors import ConfigError
from genrecls.experiment.experiment import parse
from genrecls.experiment.run_id import run_folder, run_id, run_name
from tests.conftest import ComposeExperiment


@pytest.mark.parametrize(
    "override",
    [
        "force=true",
        "show=true",
        "data_root=elsewhere",
        "output_root=elsewhere",
        "trainer.checkpoint_minutes=1",
        "trainer.deterministic=cores",
        "trainer.threads=3",
        "trainer.crop_hop=1",
        "augment.audio.noise=null",
        "split.seed=null",
        "logger=csv",
        "logger=mlflow",
    ],
)
def test_what_does_not_change_the_result_does_not_change_the_run(
    override: str, compose_experiment: ComposeExperiment
) -> None:
    assert run_id(compose_experiment(override), "data") == run_id(compose_experiment(), "data")


def test_where_the_music_lies_does_not_change_the_run(
    compose_experiment: ComposeExperiment,
) -> None:
    here, there = (
        compose_experiment("dataset=folder", f"dataset.root={place}") for place in ("here", "there")
    )
    assert run_id(here, "data") == run_id(there, "data")


def test_settings_that_came_later_leave_the_runs_from_before_as_they_are() -> None:
    # Made before these settings were there.
    first = parse(compose("train", ["dataset=folder", "features=mfcc", "model=cnn_velardo"]))
    assert run_id(first, "data") == "f066ad5e"


@pytest.mark.parametrize(
    "override",
    [
        "dataset.separator=tab",
        "dataset.columns.path=file",
        "dataset.merge=spellings",
        "dataset.genres=[a,b]",
        "dataset.exclude=[a]",
        "dataset.min_tracks=3",
    ],
)
def test_how_the_tracks_of_own_music_are_listed_is_in_the_fingerprint_alone(
    override: str, compose_experiment: ComposeExperiment
) -> None:
    plain = compose_experiment("dataset=folder")
    assert run_id(compose_experiment("dataset=folder", override), "data") == run_id(plain, "data")


@pytest.mark.parametrize(
    "override",
    [
        "seed=1",
        "vote=majority",
        "trainer.epochs=3",
        "trainer.keep=last",
        "trainer.crops=10",
        "trainer.ema=0.9",
        "trainer.calibration=temperature",
        "trainer.deterministic=threads",
        "model.head.dropout=0.4",
        "features=mfcc",
        "features.n_mels=80",
        "features.compression=log1p",
        "segment.hop=1.5",
        "segment.short_tracks=repeat",
        "split.ratio=[2,1,1]",
        "split.seed=0",
        "augment.mixup=0.1",
        "augment.roll=0.5",
        "augment.mixstyle=0.4",
        "dataset.seed=1",
        "dataset.bad_audio=skip",
    ],
)
def test_what_changes_the_result_changes_the_run(
    override: str, compose_experiment: ComposeExperiment
) -> None:
    assert run_id(compose_experiment(override), "data") != run_id(compose_experiment(), "data")


def test_another_number_of_fixed_threads_is_another_run(
    compose_experiment: ComposeExperiment,
) -> None:
    two, three = (
        compose_experiment("trainer.deterministic=threads", f"trainer.threads={count}")
        for count in (2, 3)
    )
    assert run_id(two, "data") != run_id(three, "data")


def test_a_published_figure_is_validated_and_no_part_of_the_run() -> None:
    with_figure = compose("train", ["experiment=karam_vgg16"])
    without = {key: value for key, value in with_figure.items() if key != "published"}
    assert parse(with_figure).published is not None
    assert parse(without).published is None
    assert run_id(parse(with_figure), "data") == run_id(parse(without), "data")
    assert "published" not in parse(with_figure).resolved()


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("accuracy", 67.7, "published.accuracy: received 67.7; allowed: less than 1"),
        ("paper", "karm", "published.paper: received 'karm'; allowed: carnaghi2022, .*'karam'"),
        ("count", 0, "published.count: received 0; allowed: greater than 0 or null"),
        ("year", 2020, "published.year: unknown key; allowed: paper, system, accuracy"),
    ],
)
def test_a_mistake_in_a_published_figure_is_one_line(key: str, value: Any, message: str) -> None:
    composed = compose("train", ["experiment=karam_vgg16"])
    composed["published"][key] = value
    with pytest.raises(ConfigError, match=message) as error:
        parse(composed)
    assert "\n" not in str(error.value)


def test_other_data_are_another_run(compose_experiment: ComposeExperiment) -> None:
    assert run_id(compose_experiment(), "data") != run_id(compose_experiment(), "other data")


def test_the_order_of_overrides_does_not_matter(compose_experiment: ComposeExperiment) -> None:
    words = ("seed=3", "model=rnn", "trainer.epochs=7")
    forward, backward = compose_experiment(*words), compose_experiment(*reversed(words))
    assert run_id(forward, "data") == run_id(backward, "data")


def test_the_name_says_data_features_and_model(compose_experiment: ComposeExperiment) -> None:
    name = run_name(compose_experiment("model=rnn", "features=mel"), "data")
    assert re.fullmatch(r"synth-mel-rnn-[0-9a-f]{8}", name)


def test_another_content_of_the_weights_file_is_another_run_and_another_place_is_not(
    tmp_path: Path, compose_experiment: ComposeExperiment
) -> None:
    first, second = tmp_path / "first.h5", tmp_path / "second.h5"
    first.write_bytes(b"some weights")
    second.write_bytes(b"some weights")

    def identity(file: Path) -> str:
        words = ("features=mel_image", "features.colour=jet", "model=vgg16")
        experiment = compose_experiment(*words, f"model.weights={file}")
        return run_id(experiment, "data")

    before = identity(first)
    assert identity(second) == before
    first.write_bytes(b"other weights")
    assert identity(first) != before


def test_joint_features_are_named_by_their_parts(compose_experiment: ComposeExperiment) -> None:
    experiment = compose_experiment("features=mel_image_summary", "model=cnn_mlp")
    assert run_name(experiment, "data").startswith("synth-mel_image_summary-cnn_mlp-")


def test_a_preset_gives_its_run_a_name_and_no_other_id(tmp_path: Path) -> None:
    words = ["model=crnn_micro", "model.head.dropout=0.5"]
    experiment = parse(compose("train", [*words, f"output_root={tmp_path}"]))
    name = run_name(experiment, "data")
    assert name.startswith("synth-mel-crnn_micro-")
    written = experiment.resolved()
    assert parse(written).model.title == "crnn_micro"
    # What a run from before says of its model, in the folder that it has.
    del written["model"]["preset"]
    assert parse(written).model.title == "crnn"
    assert run_id(parse(written), "data") == run_id(experiment, "data")
    earlier = tmp_path / name.replace("crnn_micro", "crnn")
    earlier.mkdir()
    assert run_folder(experiment, "data") == earlier


def test_a_preset_of_ones_own_gives_its_run_a_name(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("tiny", "odd name"):
        text = "defaults: [/model/crnn@_here_, _self_]\nhead: {units: [8]}\n"
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    own, odd = (
        parse(compose("train", [f"model='{name}'"], str(tmp_path))) for name in ("tiny", "odd name")
    )
    assert (own.model.title, odd.model.title) == ("tiny", "crnn")
    assert run_id(own, "data") == run_id(odd, "data")


@pytest.mark.parametrize("preset", ["../away", "a b", "", "\x1b[31m"])
def test_the_name_of_a_preset_is_one_of_a_folder(preset: str) -> None:
    values = compose("train", ["model=crnn_micro"])
    values["model"]["preset"] = preset
    with pytest.raises(ConfigError, match=r"model\.preset: received"):
        parse(values)


@pytest.mark.parametrize(
    ("words", "identity"),
    [
        (("features=mfcc", "model=cnn_velardo"), "98cb98b7"),
        (("features=mfcc", "model=crnn_micro"), "6702a79c"),
        (("experiment=carnaghi2022_crnn",), "00b082fc"),
        (("experiment=khamees2021_lstm", "seed=3"), "f44e1828"),
        (("experiment=steiner2023_cnn",), "3f7165f4"),
        (("experiment=steiner2023_cnn_mlp",), "0a411eca"),
        (("experiment=steiner2023_mlp",), "26878ff5"),
        (("experiment=bisarahalli2021_small",), "7d5861bb"),
        (("model=vgg16", "features=mel_image", "features.colour=jet"), "24755547"),
        (("model=cnn_mlp", "features=mel_summary"), "e9b63108"),
        (("features=mel_image", "model=cnn_velardo"), "657082a9"),
        (("features=mel_image_summary", "model=cnn_mlp"), "83ccb2dc"),
        (
            ("segment.source=spectrogram", "features=mfcc", "model=cnn_velardo"),
            "a1d86001",
        ),
    ],
)
def test_a_run_of_the_first_version_is_found_under_the_new_names(
    words: tuple[str, ...], identity: str
) -> None:
    assert run_id(parse(compose("train", words)), "data") == identity


def test_a_run_keeps_the_folder_that_it_had_under_another_name(
    tmp_path: Path,
) -> None:
    # What model=cnn was in the first version.
    blocks = [f"model.conv.blocks.{number}.filters=32" for number in range(3)]
    words = ["features=mel_image", "model=cnn", "model.global_pooling=none", *blocks]
    experiment = parse(compose("train", [*words, f"output_root={tmp_path}"]))
    assert run_folder(experiment, "data") == tmp_path / "synth-mel_image-cnn-657082a9"
    earlier = tmp_path / "synth-picture-cnn-657082a9"
    earlier.mkdir()
    (tmp_path / "synth-picture-cnn-657082a9~1").mkdir()
    assert run_folder(experiment, "data") == earlier
