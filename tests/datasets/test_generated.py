from __future__ import annotations

import shutil
import wave
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from genrecls.config.compose import compose
from genrecls.config.validation import select
from genrecls.datasets.base import DATASETS, Dataset
from genrecls.datasets.generated import Synth
from genrecls.datasets.synth import RATE, rendering
from genrecls.datasets.synth.instruments import TIMBRES
from genrecls.datasets.synth.marker import MARKER
from genrecls.datasets.synth.styles import STYLES
from genrecls.errors import DataError
from tests.conftest import RunCommand
from tests.music import record

TINY = Synth(
    name="synth",
    root=None,
    bad_audio="error",
    bands_per_genre=2,
    tracks_per_band=1,
    seconds=2,
    replicas=0,
    seed=0,
)
LEAKY = replace(TINY, replicas=12)
CONF = Path(__file__).parents[2] / "conf" / "dataset" / "synth.yaml"


@pytest.fixture(scope="module", autouse=True)
def _computed_each_time() -> Iterator[None]:
    """Takes nothing that an earlier test has computed: whether it is the same is asked here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rendering, "record", record)
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return TINY.load(tmp_path_factory.mktemp("data"))


def files(dataset: Dataset) -> dict[str, bytes]:
    return {track.id: track.path.read_bytes() for track in dataset.tracks}


def samples(path: Path) -> NDArray[np.float64]:
    with wave.open(str(path), "rb") as file:
        form = (file.getnchannels(), file.getsampwidth(), file.getframerate())
        assert form == (1, 2, RATE)
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2") / 32768


def test_the_yaml_file_gives_every_field_its_default() -> None:
    values: dict[str, Any] = yaml.safe_load(CONF.read_text(encoding="utf-8"))
    source = TypeAdapter(DATASETS[values["name"]]).validate_python(values)
    assert isinstance(source, Synth)
    assert source.bands_per_genre == 5, "split=artist with 3:1:1 has bands for every part"


@pytest.mark.parametrize(
    "wrong",
    [
        {"bands_per_genre": 0},
        {"tracks_per_band": 0},
        {"seconds": 0},
        {"replicas": -1},
        {"replicas": 251},
        {"seed": -1},
    ],
)
def test_sizes_that_make_no_tracks_are_refused(wrong: dict[str, int]) -> None:
    values = yaml.safe_load(CONF.read_text(encoding="utf-8")) | wrong
    with pytest.raises(ValidationError):
        TypeAdapter(Synth).validate_python(values)


def test_every_style_has_its_bands_and_every_band_its_tracks(tmp_path: Path) -> None:
    dataset = replace(TINY, bands_per_genre=3, tracks_per_band=2, seconds=1).load(tmp_path)
    assert len(dataset.labels) == 10
    assert dataset.labels == tuple(sorted(dataset.labels))
    assert Counter(t.label for t in dataset.tracks) == dict.fromkeys(dataset.labels, 6)
    assert set(Counter(t.artist for t in dataset.tracks).values()) == {2}
    assert all(str(t.artist).startswith(f"{t.label}-band") for t in dataset.tracks)
    assert len({t.id for t in dataset.tracks}) == len(dataset.tracks) == 60


def test_tracks_lie_in_a_folder_of_their_style_under_the_data_root(tmp_path: Path) -> None:
    dataset = replace(TINY, bands_per_genre=1, seconds=1).load(tmp_path)
    track = dataset.tracks[0]
    assert track.path == tmp_path / "synth" / dataset.root.name / track.label / f"{track.id}.wav"
    assert track.id == f"{track.label}.00000"


def test_the_data_set_says_that_it_is_generated(made: Dataset) -> None:
    assert made.generated
    assert "not real music" in made.provenance.title


def test_tracks_are_plausible_recordings(made: Dataset) -> None:
    for track in made.tracks:
        sound = samples(track.path)
        assert len(sound) == TINY.seconds * RATE
        assert 0.5 < np.abs(sound).max() < 0.95, track.id
        assert abs(sound.mean()) < 1e-3, track.id
        assert np.sqrt(np.mean(np.square(sound))) > 0.02, track.id


def test_files_keep_the_limits_of_the_data_set(made: Dataset) -> None:
    assert made.limits.min_rate == made.limits.max_rate == RATE
    assert made.limits.min_seconds <= TINY.track_seconds <= made.limits.max_seconds


def test_the_same_settings_give_the_same_bytes_anywhere(made: Dataset, tmp_path: Path) -> None:
    assert files(TINY.load(tmp_path)) == files(made)


def test_another_seed_gives_other_audio_in_another_folder(made: Dataset, tmp_path: Path) -> None:
    other = replace(TINY, seed=1).load(tmp_path)
    assert other.root.name != made.root.name
    first, second = files(made), files(other)
    assert all(first[name] != second[name] for name in first)


def test_no_two_tracks_are_the_same_recording(made: Dataset) -> None:
    assert len(set(files(made).values())) == len(made.tracks)


@pytest.mark.parametrize(
    "field", ["bands_per_genre", "tracks_per_band", "seconds", "replicas", "seed"]
)
def test_different_settings_never_share_a_folder(field: str) -> None:
    changed: Any = {field: getattr(TINY, field) + 1}
    assert replace(TINY, **changed).key != TINY.key


def test_complete_files_are_not_made_again(tmp_path: Path) -> None:
    source = replace(TINY, bands_per_genre=1, seconds=1)
    before = [track.path.stat().st_mtime_ns for track in source.load(tmp_path).tracks]
    after = [track.path.stat().st_mtime_ns for track in source.load(tmp_path).tracks]
    assert before == after


def test_missing_and_damaged_files_are_made_again(tmp_path: Path) -> None:
    source = replace(TINY, bands_per_genre=1, seconds=1)
    dataset = source.load(tmp_path)
    whole = files(dataset)
    missing, half, empty = (track.path for track in dataset.tracks[:3])
    missing.unlink()
    half.write_bytes(half.read_bytes()[:1000])
    empty.write_bytes(b"")
    assert files(source.load(tmp_path)) == whole


def test_two_generators_at_once_do_not_harm_one_another(made: Dataset, tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: TINY.load(tmp_path), range(2)))
    assert files(both[0]) == files(both[1]) == files(made)
    assert all(path.name[0] != "." for path in both[0].root.rglob("*")), "nothing is left behind"


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "synth").write_text("a file where the folder should be")
    with pytest.raises(DataError, match="synth: cannot make the tracks") as caught:
        TINY.load(tmp_path)
    assert "\n" not in str(caught.value)


class TestMarks:
    def test_a_folder_is_refused_for_tracks_that_are_generated(
        self, tmp_path: Path, run_command: RunCommand
    ) -> None:
        for words in (["train"], ["train", "dataset=synth_tiny"], ["data", "verify"]):
            answer = run_command(*words, f"dataset.root={tmp_path}")
            assert answer.error == (
                f"dataset.root: received '{tmp_path}', but dataset=synth generates its tracks and "
                "takes no folder; for music of your own add dataset=folder"
            )
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("name", ["song.wav", "tide/song.mp3", "notes.txt"])
    def test_nothing_is_written_to_a_folder_that_holds_anything_else(
        self, tmp_path: Path, name: str
    ) -> None:
        root = tmp_path / "synth" / TINY.key
        (root / name).parent.mkdir(parents=True)
        (root / name).write_text("mine")
        with pytest.raises(DataError, match=f"holds {name}; choose another data_root"):
            TINY.load(tmp_path)
        assert [path for path in root.rglob("*") if path.is_file()] == [root / name]

    def test_tracks_of_an_earlier_version_are_completed(
        self, made: Dataset, tmp_path: Path
    ) -> None:
        shutil.copytree(made.root, tmp_path / "synth" / TINY.key)
        (tmp_path / "synth" / TINY.key / MARKER).unlink()
        (tmp_path / made.tracks[0].path.relative_to(made.root.parents[1])).unlink()
        assert files(TINY.load(tmp_path)) == files(made)

    def test_generated_tracks_are_not_taken_for_music(self, tmp_path: Path) -> None:
        for genre in ("high", "low"):
            (tmp_path / genre).mkdir()
            (tmp_path / genre / "song.wav").write_bytes(b"sound")
        replace(TINY, bands_per_genre=1, seconds=1).load(tmp_path)
        values = compose("data", ["dataset=folder", f"dataset.root={tmp_path}"])["dataset"]
        found = select(DATASETS, values).load(tmp_path)
        assert found.labels == ("high", "low")
        (remark,) = found.remarks
        assert f"{tmp_path / 'synth'}" in remark
        assert "is left out" in remark

    def test_a_description_makes_nothing(self, tmp_path: Path, run_command: RunCommand) -> None:
        answer = run_command("data", "info", "dataset=synth", f"data_root={tmp_path}")
        assert answer.status == 0
        assert "250" in answer.out
        assert "made by the first training" in answer.out
        assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def leaky(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return LEAKY.load(tmp_path_factory.mktemp("leaky"))


class Likeness:
    """Of each track to all: the largest correlation over all (circular) shifts, and that shift."""

    def __init__(self, dataset: Dataset) -> None:
        sounds = np.stack([samples(track.path) for track in dataset.tracks])
        self._length = sounds.shape[1]
        self._names = [track.id for track in dataset.tracks]
        # Each of them once, not once for each pair.
        self._spectra = np.fft.rfft(sounds / np.linalg.norm(sounds, axis=1, keepdims=True))

    def of(self, name: str) -> dict[str, tuple[float, int]]:
        """Return the correlation with every track, and the shift in samples."""
        spectrum = self._spectra[self._names.index(name)]
        correlations = np.fft.irfft(spectrum * np.conj(self._spectra), self._length)
        half = self._length // 2
        shifts = (correlations.argmax(axis=1) + half) % self._length - half
        return {
            each: (float(largest), int(shift))
            for each, largest, shift in zip(
                self._names, correlations.max(axis=1), shifts, strict=True
            )
        }


class TestNearCopies:
    def test_the_originals_are_what_they_are_without_copies(
        self, made: Dataset, leaky: Dataset
    ) -> None:
        assert files(leaky).items() >= files(made).items()
        assert len(leaky.tracks) == len(made.tracks) + 12

    def test_a_folder_without_copies_keeps_its_old_name(self) -> None:
        assert TINY.key == "r1-seed0-2x1x2s"
        assert LEAKY.key == "r1-seed0-2x1x2s-12replicas"

    def test_the_truth_names_copies_and_different_originals(
        self, made: Dataset, leaky: Dataset
    ) -> None:
        copies, originals = zip(*LEAKY.replica_pairs, strict=True)
        assert set(originals) <= set(files(made))
        assert set(copies) == set(files(leaky)) - set(files(made))
        assert len(set(originals)) == len(set(copies)) == 12
        assert TINY.replica_pairs == ()

    def test_a_copy_sounds_like_its_original_and_no_other_pair_does(self, leaky: Dataset) -> None:
        likeness = Likeness(leaky)
        for copy, original in LEAKY.replica_pairs:
            tracks = likeness.of(copy)
            alike, shift = tracks[original]
            assert alike > 0.75, copy
            assert 0 < abs(shift) <= RATE, copy
            others = (each for name, (each, _) in tracks.items() if name not in {copy, original})
            assert alike > 0.2 + max(others), copy

    def test_a_copy_is_of_a_band_of_its_own(self, leaky: Dataset) -> None:
        bands = Counter(track.artist for track in leaky.tracks)
        artists = {track.id: track.artist for track in leaky.tracks}
        assert all(bands[artists[copy]] == 1 for copy, _ in LEAKY.replica_pairs)

    def test_some_copies_are_said_to_be_of_another_genre(self, leaky: Dataset) -> None:
        labels = {track.id: track.label for track in leaky.tracks}
        other = [labels[copy] != labels[original] for copy, original in LEAKY.replica_pairs]
        assert sum(other) == 3

    def test_copies_differ_in_level(self, leaky: Dataset) -> None:
        sounds = {track.id: samples(track.path) for track in leaky.tracks}
        pairs = LEAKY.replica_pairs
        levels = [20 * np.log10(np.std(sounds[c]) / np.std(sounds[o])) for c, o in pairs]
        assert min(levels) < -6
        assert max(levels) > -3

    def test_the_same_settings_give_the_same_copies(self, leaky: Dataset, tmp_path: Path) -> None:
        assert files(LEAKY.load(tmp_path)) == files(leaky)

    def test_the_data_set_says_that_it_holds_copies(self, made: Dataset, leaky: Dataset) -> None:
        assert "12 tracks are near-copies of others, on purpose" in leaky.provenance.note
        assert "copies" not in made.provenance.note

    def test_more_copies_leave_the_first_ones_as_they_were(self) -> None:
        assert LEAKY.replica_pairs[:5] == replace(LEAKY, replicas=5).replica_pairs

    def test_more_copies_than_tracks_are_refused_with_the_number_that_is_possible(self) -> None:
        with pytest.raises(ValueError, match="received 21; allowed: 0 to 20"):
            replace(TINY, replicas=21)


@pytest.mark.parametrize("name", sorted(STYLES))
def test_a_style_names_known_instruments_and_whole_bars(name: str) -> None:
    style = STYLES[name]
    patterns = (style.kick, style.snare, style.hat, style.bass, style.chords)
    assert len({len(pattern) for pattern in patterns}) == 1
    assert set("".join(patterns)) <= set("Xxo.")
    assert {*style.basses, *style.chordals, *style.leads} <= set(TIMBRES)
    assert style.tempo[0] < style.tempo[1]
