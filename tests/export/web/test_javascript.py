"""The modules of the page under node against what they stand for in `genrecls.dsp`."""

from __future__ import annotations

import base64
import io
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from subprocess import PIPE
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from genrecls.dsp.resample import resample
from genrecls.dsp.segments import Cut
from genrecls.dsp.votes import decide
from genrecls.export.web import page
from genrecls.export.web.page_model import page_model
from genrecls.features.base import FeatureSpec
from genrecls.features.mel_image import MelImage, colour_table
from genrecls.runtime.classifier import Classifier
from genrecls.runtime.colormaps import pack_colours
from genrecls.runtime.front_end import Inputs, NumpyFrontEnd
from tests.export.exported import RATE, features, segment_rule

NODE = shutil.which("node")
SITE = Path(page.__file__).parent / "site"

pytestmark = [pytest.mark.process, pytest.mark.skipif(NODE is None, reason="no node")]

Ask = Callable[..., list[Any]]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Gives jobs to the driver and returns its answers."""
    folder = tmp_path_factory.mktemp("modules")
    for name in page.SITE:
        shutil.copy(SITE / name, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    assert NODE is not None
    words = [NODE, str(Path(__file__).with_name("driver.mjs")), str(folder)]
    with subprocess.Popen(words, stdin=PIPE, stdout=PIPE, text=True) as driver:
        assert driver.stdin is not None
        assert driver.stdout is not None
        to, answers = driver.stdin, driver.stdout

        def run(*jobs: tuple[str, Mapping[str, Any]]) -> list[Any]:
            print(json.dumps(jobs), file=to, flush=True)
            found: list[Any] = json.loads(answers.readline())
            return found

        yield run
        to.close()


@dataclass(frozen=True)
class Case:
    """Features, and whether frames of a whole track are cut."""

    spec: FeatureSpec
    source: str = "audio"

    @property
    def card(self) -> dict[str, Any]:
        """Of an exported file that takes them."""
        rule = segment_rule(self.source)
        ((name, shape),) = rule.shapes(self.spec).items()
        colours = colour_table(self.spec.colour) if isinstance(self.spec, MelImage) else None
        return {
            "labels": ["jazz", "rock"],
            "vote": "mean",
            "input": "features",
            "inputs": {name: {"shape": list(shape), "dtype": "float32"}},
            "features": asdict(self.spec),
            "segment": asdict(rule),
            "colours": [] if colours is None else pack_colours(colours),
        }


CASES: Mapping[str, Case] = {
    "mfcc": Case(features("mfcc", lifter=22.0)),
    "mel": Case(features("mel", n_fft=512, hop_length=200)),
    "mel_below_the_loudest": Case(features("mel", ref="max", power=1)),
    "mel_not_centred": Case(features("mel", center=False, top_db=None, ref=0.5)),
    "mel_of_a_whole_track": Case(features("mel"), "spectrogram"),
    "mfcc_of_a_whole_track": Case(features("mfcc", center=False), "spectrogram"),
    "log1p": Case(features("mel", compression="log1p", n_fft=128, hop_length=128)),
    "pcen": Case(features("mfcc", compression="pcen")),
    "grey": Case(features("mel_image", colour="grey", pre_emphasis=0.97)),
    "grey_three_times": Case(features("mel_image", colour="repeat", size=None)),
    "jet": Case(features("mel_image")),
    "grey_of_a_whole_track": Case(features("mel_image", colour="grey", size=None), "spectrogram"),
}


class Listener:
    """A model that keeps what it is given."""

    takes_samples, rounding, description = False, 0.0, None

    def __init__(self, card: Mapping[str, Any]) -> None:
        self.front_end = NumpyFrontEnd(card["features"], card["colours"])
        self.segment = card["segment"]

    def probabilities(self, inputs: Inputs) -> NDArray[np.float64]:
        raise NotImplementedError


def sound(seconds: float) -> NDArray[np.float32]:
    """Return a tone that rises, with noise, pauses of zeros, and a loud beat late."""
    time = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(5).normal(0, 0.01, len(time))
    wave = (0.3 * np.sin(2 * np.pi * (200 + 900 * time) * time) + noise) * (time % 0.3 < 0.2)
    wave[-len(wave) // 8 :] *= 2
    return wave.astype(np.float32)


def close(found: Any, expected: NDArray[np.floating], case: Case) -> None:
    """Hold inputs against those of NumPy, which computes in single precision."""
    found = np.reshape(found, expected.shape)
    if isinstance(case.spec, MelImage) and case.spec.colour == "jet":
        # On the edge between two colours rounding may choose the other one.
        assert (np.abs(found - expected) > 1e-4).mean() < 0.01
        assert np.abs(found - expected).max() < 0.03
        return
    assert found == pytest.approx(expected, rel=1e-4, abs=2e-3)


@pytest.mark.parametrize("name", CASES)
def test_tracks_become_what_predict_makes_of_them(name: str, ask: Ask) -> None:
    case = CASES[name]
    listener = Listener(case.card)
    classifier = Classifier(listener)  # type: ignore[arg-type]
    # With a rest, shorter than a segment, shorter than half of one.
    tracks = [sound(seconds) for seconds in (1.25, 0.33, 0.12)]
    answers = ask(
        *(("track", {"model": page_model(case.card), "samples": x.tolist()}) for x in tracks)
    )
    for track, answer in zip(tracks, answers, strict=True):
        steps, batches = classifier.segments(track)
        (expected,) = (np.concatenate(x) for x in zip(*(b.values() for b in batches), strict=True))
        assert answer["starts"] == pytest.approx(classifier.grid.seconds(steps))
        assert answer["ends"][-1] == pytest.approx(
            min(answer["starts"][-1] + 0.34, len(track) / RATE), abs=0.02
        )
        close(answer["inputs"], expected, case)


@pytest.mark.parametrize("name", ["mel", "mel_of_a_whole_track", "mfcc_of_a_whole_track"])
def test_windows_of_a_stream_become_what_live_makes_of_them(name: str, ask: Ask) -> None:
    case, samples = CASES[name], sound(1.2)
    classifier = Classifier(Listener(case.card))  # type: ignore[arg-type]
    grid = classifier.grid
    starts = [0, grid.cut.hop, 2 * grid.cut.hop]
    job = {"model": page_model(case.card), "samples": samples.tolist(), "starts": starts}
    (found,) = ask(("windows", job))
    padded = np.pad(samples, (grid.window.margin, 0))
    windows = [padded[s * grid.step :][: grid.window.length] for s in starts]
    transformed = classifier.predictor.front_end.transform(np.stack(windows), padded=grid.in_frames)
    (expected,) = transformed.values()
    close(found, expected, case)


def test_a_file_of_audio_is_given_the_samples_of_each_segment(ask: Ask) -> None:
    card = {**CASES["mel_of_a_whole_track"].card, "input": "audio"}
    card["inputs"] = {"audio": {"shape": [2816], "dtype": "float32"}}
    samples = sound(1.0)
    (answer,) = ask(("track", {"model": page_model(card), "samples": samples.tolist()}))
    assert np.shape(answer["inputs"]) == (3, 2816)
    assert answer["inputs"][0][:128] == [0] * 128
    assert answer["inputs"][0][128:] == pytest.approx(samples[: 2816 - 128], abs=1e-7)


def test_segments_begin_where_those_of_predict_begin(ask: Ask) -> None:
    cuts = [Cut(100, 100, 99), Cut(100, 40, 50), Cut(100, 130, 99), Cut(7, 7, 1)]
    totals = [1, 49, 50, 99, 100, 101, 102, 103, 149, 199, 200, 249, 1000]
    jobs = [("covering", {"totals": totals, "cut": asdict(cut)}) for cut in cuts]
    expected = [[cut.covering(total).tolist() for total in totals] for cut in cuts]
    assert ask(*jobs) == expected


def test_segments_vote_as_those_of_predict_do(ask: Ask) -> None:
    tied = [[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.6, 0.2, 0.2], [0.0, 0.9, 0.1]]
    outvoted = [[0.4, 0.35, 0.25], [0.4, 0.35, 0.25], [0.0, 0.0, 1.0]]
    cases = [(rows, vote) for rows in (tied, outvoted) for vote in ("mean", "majority")]
    found = ask(*(("decide", {"segments": rows, "vote": vote}) for rows, vote in cases))
    assert found == [decide(np.array(rows), vote) for rows, vote in cases]  # type: ignore[arg-type]


@pytest.mark.parametrize(("rate", "wanted"), [(44100, 22050), (48000, 22050), (8000, 16000)])
def test_samples_are_resampled_as_predict_does_it(rate: int, wanted: int, ask: Ask) -> None:
    samples = np.random.default_rng(2).normal(0, 0.2, 6000).astype(np.float32)
    job = {"samples": samples.tolist(), "rate": rate, "wanted": wanted}
    (found,), expected = ask(("resample", job)), resample(samples, rate, wanted)
    assert len(found) == len(expected)
    error = np.square(found - expected).mean() / np.square(expected).mean()
    assert 10 * np.log10(error) < -45


def test_headers_say_their_sample_rate(ask: Ask) -> None:
    def file(rate: int, **form: str) -> bytes:
        content = io.BytesIO()
        soundfile.write(content, np.zeros((4000, 2)), rate, **form)
        return content.getvalue()

    files = {
        "wav": (file(22050, format="WAV"), 22050),
        "flac": (file(96000, format="FLAC"), 96000),
        "vorbis": (file(32000, format="OGG", subtype="VORBIS"), 32000),
        "opus": (file(16000, format="OGG", subtype="OPUS"), 48000),
        "mp3": (file(44100, format="MP3"), 44100),
        "mp3 with a tag": (b"ID3\4\0\0\0\0\1\1" + bytes(129) + file(24000, format="MP3"), 24000),
        "aiff": (file(22050, format="AIFF"), None),
        "cut off": (b"RIFF\0\0\0\0WAVEfmt ", None),
        "aac": (b"\xff\xf1" + bytes(60), None),
        "nothing": (b"", None),
    }
    jobs = [("rate", {"bytes": base64.b64encode(data).decode()}) for data, _ in files.values()]
    found = dict(zip(files, ask(*jobs), strict=True))
    assert found == {name: rate for name, (_, rate) in files.items()}


def test_silence_and_what_is_too_short_are_refused(ask: Ask) -> None:
    model = page_model(CASES["mel"].card)
    silent, short = ({"model": model, "samples": [0.0] * n} for n in (8000, 80))
    quiet = {"model": model, "samples": [1e-4, -1e-4] * 4000}
    assert ask(("track", silent), ("track", short), ("track", quiet)) == [
        {"error": "every sample of it is zero"},
        {"error": "it has 0.01 s of sound; at least 0.1 s are needed"},
        {"error": "its level is -80 dB of full scale, below -70"},
    ]
