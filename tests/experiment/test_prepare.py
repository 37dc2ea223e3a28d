from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from genrecls.config.compose import compose
from genrecls.datasets.base import Dataset, Provenance, Track
from genrecls.dsp import audio
from genrecls.dsp.audio_limits import AudioLimits
from genrecls.errors import ConfigError, DataError, LeakError
from genrecls.experiment.experiment import Experiment, parse
from genrecls.experiment.prepare import (
    load_dataset_checked,
    prepare,
    store_of,
    with_validation,
)
from genrecls.runtime.marks import UNKNOWN_ARTISTS
from genrecls.splits.base import PARTS
from genrecls.splits.published import OfficialSplit

RATE = 22050
OWN_MUSIC = ("dataset=folder", "dataset.root=anywhere")


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Ten different noises of 2.5 s in two genres."""
    tracks = []
    for number in range(10):
        path = tmp_path / "audio" / f"{number}.wav"
        path.parent.mkdir(exist_ok=True)
        noise = np.random.default_rng(number).standard_normal(round(2.5 * RATE))
        soundfile.write(path, 0.1 * noise, RATE)
        tracks.append(Track(f"t{number}", path, ("blues", "jazz")[number % 2]))
    root = tmp_path / "audio"
    return Dataset("noise", ("blues", "jazz"), tuple(tracks), root, Provenance("", "", ""))


def _experiment(tmp_path: Path, *overrides: str) -> Experiment:
    words = (
        "dataset=synth_tiny",
        "features=mfcc",
        "segment.length=1",
        f"data_root={tmp_path / 'data'}",
    )
    return parse(compose("train", (*words, *overrides)))


def test_every_track_is_in_one_part_with_its_genre_and_all_its_segments(
    dataset: Dataset, tmp_path: Path
) -> None:
    prepared = prepare(_experiment(tmp_path), dataset)
    seen: list[str] = []
    for part in PARTS:
        examples = prepared.parts[part]
        assert examples.inputs["mfcc"].shape == (len(examples), 44, 13)
        for track in set(examples.tracks):
            rows = [i for i, name in enumerate(examples.tracks) if name == track]
            assert examples.starts[rows].tolist() == [0, 1]
            assert set(examples.targets[rows]) == {int(track[1:]) % 2}
            seen.append(track)
    assert sorted(seen) == sorted(track.id for track in dataset.tracks)
    assert prepared.leaks == (UNKNOWN_ARTISTS,)
    assert prepared.rejected == ()


def test_the_parts_depend_on_the_seed_alone(dataset: Dataset, tmp_path: Path) -> None:
    first, again = (prepare(_experiment(tmp_path), dataset) for _ in range(2))
    other = prepare(_experiment(tmp_path, "seed=1"), dataset)
    assert first.parts["train"].tracks == again.parts["train"].tracks
    one, two = (found.parts["train"].inputs["mfcc"] for found in (first, again))
    assert np.array_equal(one, two)
    assert first.parts["test"].tracks != other.parts["test"].tracks


def test_a_split_with_a_seed_of_its_own_is_the_same_for_every_seed_of_the_run(
    dataset: Dataset, tmp_path: Path
) -> None:
    plain = prepare(_experiment(tmp_path, "seed=0"), dataset)
    for words in (("seed=0", "split.seed=0"), ("seed=1", "split.seed=0")):
        fixed = prepare(_experiment(tmp_path, *words), dataset)
        assert {p: e.tracks for p, e in fixed.parts.items()} == {
            p: e.tracks for p, e in plain.parts.items()
        }


def test_a_bad_file_is_an_error_that_says_what_to_do(dataset: Dataset, tmp_path: Path) -> None:
    dataset.tracks[3].path.write_text("no music")
    with pytest.raises(DataError, match=r"3\.wav: unreadable: .*1 of 10 .*bad_audio=skip") as error:
        prepare(_experiment(tmp_path), dataset)
    assert "\n" not in str(error.value)


def test_a_bad_file_is_left_out_and_named_where_that_is_wanted(
    dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset.tracks[3].path.write_text("no music")
    prepared = prepare(_experiment(tmp_path, "dataset.bad_audio=skip"), dataset)
    assert [bad.track for bad in prepared.rejected] == ["t3"]
    assert len(prepared.dataset.tracks) == 9
    assert not any("t3" in examples.tracks for examples in prepared.parts.values())
    assert "warning: left out" in capsys.readouterr().err


def test_without_any_usable_file_the_first_reason_is_given(
    dataset: Dataset, tmp_path: Path
) -> None:
    for track in dataset.tracks:
        track.path.write_text("no music")
    with pytest.raises(DataError, match=r"none of the 10 files can be used; the first: .*0.wav"):
        prepare(_experiment(tmp_path, "dataset.bad_audio=skip"), dataset)


def test_tracks_all_shorter_than_a_segment_are_a_matter_of_configuration(
    dataset: Dataset, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"none of the 10 files can be used; .*: no-segment: "):
        prepare(_experiment(tmp_path, "dataset.bad_audio=skip", "segment.length=5"), dataset)


def test_short_tracks_are_repeated_where_that_is_wanted(dataset: Dataset, tmp_path: Path) -> None:
    words = ("segment.length=5", "segment.short_tracks=repeat")
    prepared = prepare(_experiment(tmp_path, *words), dataset)
    assert prepared.rejected == ()
    assert sum(len(examples) for examples in prepared.parts.values()) == 10


def test_a_short_track_is_an_error_that_names_both_ways_out(
    dataset: Dataset, tmp_path: Path
) -> None:
    track = dataset.tracks[3]
    soundfile.write(track.path, np.full(RATE // 2, 0.1), RATE)
    with pytest.raises(DataError) as caught:
        prepare(_experiment(tmp_path), dataset)
    assert str(caught.value) == (
        f"{track.path}: no-segment: expected 0.990 s (21830 samples) for one segment, found "
        "0.500 s (11025) (1 of 10 files cannot be used; 'genrecls data verify' with the same "
        "dataset, segment and features lists them; repair them, or leave them out with "
        "dataset.bad_audio=skip; choose shorter segments with segment.length, or "
        "segment.short_tracks=repeat to repeat short tracks until they fill one)"
    )


def test_a_track_shorter_than_any_should_be_gets_no_advice_about_segments(
    dataset: Dataset, tmp_path: Path
) -> None:
    blink, short = dataset.tracks[3].path, dataset.tracks[5].path
    soundfile.write(blink, np.full(RATE // 20, 0.1), RATE)
    with pytest.raises(DataError, match=r"dataset\.bad_audio=skip\)$"):
        prepare(_experiment(tmp_path), dataset)
    soundfile.write(short, np.full(RATE // 2, 0.1), RATE)
    with pytest.raises(DataError, match=r"\(2 of 10 .*=skip; for 1 of them choose [^;]* one\)$"):
        prepare(_experiment(tmp_path), dataset)
    own_music = replace(_experiment(tmp_path), dataset=parse(compose("train", OWN_MUSIC)).dataset)
    with pytest.raises(
        DataError, match=r"; for 1 of them dataset\.limits\.min_seconds=<seconds> acc"
    ):
        prepare(own_music, replace(dataset, limits=AudioLimits()))
    words = ("segment.short_tracks=repeat", "dataset.bad_audio=skip")
    assert [bad.code for bad in prepare(_experiment(tmp_path, *words), dataset).rejected] == [
        "short"
    ]


def test_one_recording_under_two_genres_is_said(
    dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for copy, original in ((3, 0), (5, 0), (4, 2)):
        content = dataset.tracks[original].path.read_bytes()
        dataset.tracks[copy].path.write_bytes(content)
    prepare(_experiment(tmp_path, "split=segment"), dataset)
    assert (
        "warning: recordings that stand under two genres: 2 tracks, such as t3 (jazz) and "
        "t0 (blues): no model can learn both; 'genrecls data verify' lists them"
    ) in capsys.readouterr().err


class TestBeforeAudioIsRead:
    CSV = "path,label\n" + "".join(f"{n}.wav,{'ab'[n % 2]}\n" for n in range(10))

    def load(self, tmp_path: Path, text: str, *words: str) -> Dataset:
        (tmp_path / "list.csv").write_text(text)
        own = ("dataset=folder", f"dataset.csv={tmp_path / 'list.csv'}", "split=track")
        experiment = parse(compose("train", (*own, f"data_root={tmp_path / 'data'}", *words)))
        return load_dataset_checked(experiment)

    def test_all_missing_files_are_named_at_once(self, tmp_path: Path) -> None:
        with pytest.raises(DataError) as caught:
            self.load(tmp_path, self.CSV)
        shown = ", ".join(str(tmp_path / f"{n}.wav") for n in range(3))
        assert str(caught.value) == (
            f"dataset=folder: 10 of 10 files missing: {shown} and 7 more; mend the names or fetch "
            "the files, or leave them out with dataset.bad_audio=skip"
        )
        assert len(self.load(tmp_path, self.CSV, "dataset.bad_audio=skip").tracks) == 10

    @pytest.mark.parametrize(
        ("name", "reason"),
        [
            ("music\\a.wav", "; a backslash is part of a name here; write / between folders"),
            ("https://host/a.wav", "; an address is not fetched; download it"),
            ("*.wav", "; patterns are not expanded here"),
        ],
    )
    def test_a_path_that_can_be_none_is_said_to_be_what_it_is(
        self, name: str, reason: str, tmp_path: Path
    ) -> None:
        with pytest.raises(DataError, match=re.escape(reason)):
            self.load(tmp_path, f"path,label\n{name},a\nb.wav,b\n")

    def test_a_genre_that_is_too_small_is_named(self, tmp_path: Path) -> None:
        for number in range(10):
            (tmp_path / f"{number}.wav").touch()
        text = self.CSV.replace("0.wav,a", "0.wav,tiny")
        with pytest.raises(DataError, match=r"fewer than 3 .* can be told apart: tiny \(1\)"):
            self.load(tmp_path, text)
        assert self.load(tmp_path, text, "dataset.min_tracks=3").labels == ("a", "b")

    def test_parts_that_the_split_passes_over_are_said(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        lines = [f"{n}.wav,{'ab'[n % 2]},{'train' if n < 6 else 'test'}" for n in range(10)]
        for number in range(10):
            (tmp_path / f"{number}.wav").touch()
        text = "\n".join(("path,label,split", *lines))
        self.load(tmp_path, text)
        assert (
            "folder has parts of its own, and split=track deals its tracks out anew; "
            "split=official keeps them"
        ) in capsys.readouterr().err
        self.load(tmp_path, text, "split=official")
        assert "parts of its own" not in capsys.readouterr().err


@pytest.mark.parametrize("seed", range(3))
def test_copies_of_one_recording_never_train_and_test(
    seed: int, dataset: Dataset, tmp_path: Path
) -> None:
    dataset.tracks[2].path.write_bytes(dataset.tracks[0].path.read_bytes())
    prepared = prepare(_experiment(tmp_path, f"seed={seed}"), dataset)
    holders = [part for part in PARTS if {"t0", "t2"} & set(prepared.parts[part].tracks)]
    assert len(holders) == 1
    assert prepared.leaks == (UNKNOWN_ARTISTS,)


def test_a_leak_that_the_split_does_not_declare_is_refused(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = _experiment(tmp_path, "split=segment")
    monkeypatch.setattr(type(experiment.split), "leaks", frozenset())
    with pytest.raises(LeakError, match="track"):
        prepare(experiment, dataset)


def test_a_split_that_leaks_says_so(
    dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prepared = prepare(_experiment(tmp_path, "split=segment"), dataset)
    assert "track" in prepared.leaks
    assert prepared.caveat
    assert prepared.caveat in " ".join(capsys.readouterr().err.split())


def test_the_leak_check_says_what_it_cannot_see(
    dataset: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    experiment = _experiment(tmp_path)
    monkeypatch.setattr(type(experiment.model), "pretraining", "Million Song Dataset")
    prepare(experiment, dataset)
    told = " ".join(capsys.readouterr().err.split())
    assert "trained on Million Song Dataset, which may hold artists or recordings" in told


def test_unknown_artists_are_named_because_nobody_can_keep_them_apart(
    dataset: Dataset, tmp_path: Path
) -> None:
    assert all(track.artist is None for track in dataset.tracks)
    found = prepare(_experiment(tmp_path), dataset)
    assert found.caveat.startswith("the artists of 10 of 10 tracks are not known")
    assert found.leaks == (UNKNOWN_ARTISTS,)


def test_unknown_artists_of_a_published_partition_are_named_too(
    dataset: Dataset, tmp_path: Path
) -> None:
    parts = ("train", "train", "train", "validation", "test")
    official = {t.id: parts[number // 2] for number, t in enumerate(dataset.tracks)}
    published = replace(dataset, partitions={"official": official})
    experiment = replace(_experiment(tmp_path), split=OfficialSplit("official"))
    found = prepare(experiment, published)
    assert found.caveat.startswith("the artists of 10 of 10 tracks are not known")


def test_artists_that_are_known_and_apart_need_no_caveat(dataset: Dataset, tmp_path: Path) -> None:
    tracks = tuple(replace(track, artist=track.id) for track in dataset.tracks)
    assert prepare(_experiment(tmp_path), replace(dataset, tracks=tracks)).caveat == ""


def test_tracks_of_unknown_artists_that_count_as_one_each_are_spoken_of(
    dataset: Dataset, tmp_path: Path
) -> None:
    tracks = tuple(
        replace(track, artist=None if number == 0 else track.id)
        for number, track in enumerate(dataset.tracks)
    )
    words = ("split=artist_kfold", "split.k=3", "split.validation=2", "split.unknown=own_artist")
    found = prepare(_experiment(tmp_path, *words), replace(dataset, tracks=tracks))
    assert found.leaks == (UNKNOWN_ARTISTS,)
    assert found.caveat.startswith("the artists of 1 of 10 tracks are not known and count as one")


def test_tracks_that_are_in_no_part_are_counted_and_said(
    dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tracks = tuple(
        replace(track, artist=None if track.id == "t0" else track.id) for track in dataset.tracks
    )
    found = prepare(_experiment(tmp_path, "split=artist"), replace(dataset, tracks=tracks))
    assert found.unused == ("t0",)
    said = " ".join(capsys.readouterr().err.split())
    assert "split artist: in no part, because their artist is unknown" in said
    assert "does not name them: 1 track" in said


def test_a_genre_without_training_tracks_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    wider = replace(dataset, labels=("blues", "jazz", "rock"))
    with pytest.raises(DataError, match="the train part has no example of rock"):
        prepare(_experiment(tmp_path), wider)


def test_examples_that_do_not_fit_into_memory_are_the_same_read_from_disk(
    dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    held = prepare(_experiment(tmp_path), dataset)
    read = prepare(_experiment(tmp_path, "memory_gb=0"), dataset)
    assert "read from" in " ".join(capsys.readouterr().err.split())
    for part in PARTS:
        assert isinstance(read.parts[part].inputs["mfcc"], np.memmap)
        assert not isinstance(held.parts[part].inputs["mfcc"], np.memmap)
        assert np.array_equal(read.parts[part].inputs["mfcc"], held.parts[part].inputs["mfcc"])


def test_the_training_part_and_no_other_gets_distorted_copies(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = _experiment(tmp_path, "augment=audio", "augment.audio.copies=2")
    prepared = prepare(experiment, dataset)
    distorted: list[str] = []
    original = audio.read

    def watching(path: Path, *rest: Any) -> Any:
        distorted.append(f"t{path.stem}")
        return original(path, *rest)

    monkeypatch.setattr(audio, "read", watching)
    found = prepare(experiment, dataset, copies=True)
    assert sorted(distorted) == sorted(2 * [*prepared.split.parts["train"]])
    assert found.parts["validation"].copies == found.parts["test"].copies == ()
    train = found.parts["train"]
    first, second = (copy["mfcc"] for copy in train.copies)
    assert first.shape == second.shape == train.inputs["mfcc"].shape
    for one, other in ((first, second), (first, train.inputs["mfcc"])):
        assert np.abs(one - other).max() > 1


def test_a_training_gets_all_crops_of_its_part_and_their_copies_beside_the_segments(
    dataset: Dataset, tmp_path: Path
) -> None:
    words = ("trainer.crops=3", "trainer.crop_hop=0.5", "augment=audio", "augment.audio.copies=1")
    experiment = _experiment(tmp_path, *words)
    assert prepare(experiment, dataset).training is None, "only a training needs them"
    prepared = prepare(experiment, dataset, copies=True)
    crops, train = prepared.training, prepared.parts["train"]
    assert crops is not None
    assert set(crops.tracks) == set(train.tracks)
    assert crops.starts[:5].tolist() == [0, 0.5, 1, 1.5, 0]
    # Each is what the segment at the same place is, and every one has its copy.
    same = [*zip(crops.tracks, crops.starts, strict=True)]
    for row, place in enumerate(zip(train.tracks, train.starts, strict=True)):
        crop = same.index(place)
        assert np.array_equal(crops.inputs["mfcc"][crop], train.inputs["mfcc"][row])
        assert crops.targets[crop] == train.targets[row]
    assert [copy["mfcc"].shape for copy in crops.copies] == [crops.inputs["mfcc"].shape]
    assert train.copies == ()


def test_copies_come_back_from_the_cache_and_hang_on_the_seed(
    dataset: Dataset, tmp_path: Path
) -> None:
    def copy(*overrides: str) -> np.ndarray[Any, Any]:
        words = ("augment=audio", "augment.audio.copies=1", "split=kfold", *overrides)
        experiment = _experiment(tmp_path, *words)
        prepared = prepare(experiment, dataset, copies=True)
        assert len(prepared.parts["train"]) > 0
        (found,) = prepared.parts["train"].copies
        return np.sort(found["mfcc"].reshape(-1))

    first = copy()
    assert np.array_equal(first, copy())
    for path in (tmp_path / "data" / "cache" / "features").rglob("*.npz"):
        path.unlink()
    assert np.array_equal(first, copy()), "made anew they are the same"
    assert not np.array_equal(first, copy("augment.audio.pitch=0"))
    assert not np.array_equal(first, copy("seed=1"))


def test_a_long_track_that_fills_the_training_is_said_with_both_remedies(
    dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    noise = np.random.default_rng(0).standard_normal(20 * RATE)
    for seed in range(10):
        prepared = prepare(_experiment(tmp_path, f"seed={seed}"), dataset)
        if "t0" in prepared.parts["train"].tracks:
            break
    assert "alone has" not in capsys.readouterr().err
    soundfile.write(dataset.tracks[0].path, 0.1 * noise, RATE)
    prepare(_experiment(tmp_path, f"seed={seed}"), dataset)
    said = " ".join(capsys.readouterr().err.split())
    assert "train part: t0 alone has 20 of 30 segments, most tracks have about 2; " in said
    assert "segment.count=2 takes at most so many" in said
    assert "trainer.batches=tracks draws every track equally often" in said
    for remedy in ("segment.count=2", "trainer.batches=tracks"):
        prepare(_experiment(tmp_path, f"seed={seed}", remedy), dataset)
        assert "alone has" not in capsys.readouterr().err


def test_unequal_genres_are_said(
    dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = replace(dataset, tracks=tuple(t for t in dataset.tracks if t.id not in {"t1", "t3"}))
    prepare(_experiment(tmp_path), few)
    said = " ".join(capsys.readouterr().err.split())
    assert "always 'blues' would score" in said
    assert "trainer.class_weights=balanced" in said
    prepare(_experiment(tmp_path), dataset)
    assert "always" not in capsys.readouterr().err


@pytest.mark.parametrize("words", [(), ("augment=audio", "augment.audio.copies=1")])
def test_with_validation_both_parts_train_and_the_test_part_stays(
    words: tuple[str, ...], dataset: Dataset, tmp_path: Path
) -> None:
    experiment = _experiment(tmp_path, *words)
    store = store_of(experiment)
    apart = prepare(experiment, dataset, store, copies=True)
    whole = with_validation(experiment, apart, store)
    train, *others = (set(apart.split.parts[part]) for part in PARTS)
    assert set(whole.split.parts["train"]) == train | others[0]
    assert "validation" not in whole.parts
    assert whole.parts["test"] is apart.parts["test"]
    examples, before = whole.parts["train"], apart.parts["train"]
    assert examples.tracks == (*before.tracks, *apart.parts["validation"].tracks)
    for rows, copied in zip(before.copies, examples.copies, strict=True):
        assert np.array_equal(copied["mfcc"][: len(before)], rows["mfcc"])
        assert len(copied["mfcc"]) == len(examples) > len(before)


def test_with_validation_crops_are_drawn_of_both_parts(dataset: Dataset, tmp_path: Path) -> None:
    experiment = _experiment(tmp_path, "trainer.crops=2")
    store = store_of(experiment)
    apart = prepare(experiment, dataset, store, copies=True)
    whole = with_validation(experiment, apart, store)
    assert apart.training is not None
    assert whole.training is not None
    assert set(apart.training.tracks) == {*apart.split.parts["train"]}
    assert set(whole.training.tracks) == {*whole.split.parts["train"]}
