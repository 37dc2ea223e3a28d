"""The page in Chromium, from a server on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from genrecls.errors import ExportError
from genrecls.export.web.litertjs import LiteRtJs, find_litertjs
from genrecls.export.web.page import read_web_model, write_page
from genrecls.runtime.abstention import abstention_for
from genrecls.runtime.formats import JsonText
from genrecls.runtime.tflite_predictor import load_tflite
from tests.datasets.download.server import reach_this_machine
from tests.export.web.chromium import CHROMIUM, Chromium, serving
from tests.runtime.handmade import CARD, RATE, exported_file

pytestmark = [pytest.mark.process, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")]

READY = "document.getElementById('status').textContent === 'Ready.'"
ANSWERED = "!document.getElementById('answer').hidden"
REFUSED = "!document.getElementById('error').hidden"
READ = """(() => {
  const text = (id) => document.getElementById(id).textContent;
  const bars = [...document.querySelectorAll("#bars [role=meter]")];
  return JSON.stringify({
    genre: text("genre"),
    probabilities: Object.fromEntries(
      bars.map((one) => [one.getAttribute("aria-label"), Number(one.getAttribute("aria-valuenow"))])
    ),
    set: document.getElementById("set").hidden ? null : text("set"),
    segments: document.querySelectorAll("#segments tr").length,
    curves: document.querySelectorAll("#curve .curve").length,
  });
})()"""

CHOOSE = """(() => {
  const list = document.getElementById("%s");
  list.selectedIndex = [...list.options].findIndex((one) => one.textContent.includes(" %s "));
  list.dispatchEvent(new Event("change", { bubbles: true }));
})()"""

# Eight of ten answers are right, all nearly certain ones among them; a true genre has 0.1 or more.
HELD_OUT = {
    "part": "validation",
    "confidence": [0.25, 0.3, 0.999, *[0.9995] * 7],
    "right": [False, False, *[True] * 8],
    "true": [0.05, 0.1, 0.999, *[0.9995] * 7],
}

# Decoded alike, so only the order of sums differs; and with soxr on one side, a sinc on the other.
SAME_RATE, OTHER_RATE = 1e-5, 2e-3


@dataclass(frozen=True)
class Site:
    """A page in a browser.

    Attributes:
        folder: what the server shows; beside it is `heard.wav`, what the microphone hears.
        model: the exported file of the page.
    """

    browser: Chromium
    folder: Path
    model: Path


@pytest.fixture(scope="module")
def litertjs() -> LiteRtJs:
    """LiteRT.js from the cache of npm."""
    try:
        return find_litertjs(None)
    except ExportError:
        pytest.skip("no @litertjs/core: npm pack @litertjs/core fetches it")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, litertjs: LiteRtJs) -> Iterator[Site]:
    """A page whose network hears half a second, in a browser whose microphone is a file."""
    folder = tmp_path_factory.mktemp("site")
    model = exported_file(folder / "toy.tflite", {**CARD, "held_out": HELD_OUT})
    write_page(folder / "web", read_web_model(model), litertjs)
    soundfile.write(folder / "heard.wav", sound(4, 48000), 48000)
    microphone = (
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={folder / 'heard.wav'}",
    )
    with Chromium(tmp_path_factory.mktemp("profile"), microphone) as browser:
        yield Site(browser, folder / "web", model)


@pytest.fixture
def address(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where a server shows the page."""
    reach_this_machine(monkeypatch)
    with serving(site.folder) as address:
        yield address


def sound(seconds: float, rate: int, channels: int = 1) -> NDArray[np.float64]:
    """Return chords that change, shape (samples, channels)."""
    time = np.arange(round(seconds * rate)) / rate
    chord = sum(np.sin(2 * np.pi * pitch * (1 + time // 0.7) * time) for pitch in (110, 277, 415))
    noise = np.random.default_rng(1).normal(0, 0.05, (len(time), channels))
    return 0.15 * np.asarray(chord)[:, None] * np.linspace(1, 0.5, channels) + noise


def read(browser: Chromium) -> dict[str, Any]:
    """Return what the page shows."""
    shown: dict[str, Any] = json.loads(browser.evaluate(READ))
    return shown


def test_files_get_the_genre_and_probabilities_of_predict(
    site: Site, address: str, tmp_path: Path
) -> None:
    classifier = load_tflite(site.model)
    site.browser.open(address)
    site.browser.wait_for(READY)
    for name, rate, channels, tolerance in (
        ("own rate.wav", RATE, 1, SAME_RATE),
        ("two channels.flac", RATE, 2, SAME_RATE),
        ("of a disc.flac", 44100, 2, OTHER_RATE),
    ):
        path = tmp_path / name
        soundfile.write(path, sound(2.3, rate, channels), rate)
        site.browser.evaluate("document.getElementById('answer').hidden = true")
        site.browser.choose("#file", path)
        site.browser.wait_for(ANSWERED)
        shown, expected = read(site.browser), classifier.classify(path)
        assert shown["genre"] == classifier.labels[expected.decision]
        probabilities = [shown["probabilities"][label] for label in classifier.labels]
        assert probabilities == pytest.approx(expected.probabilities.tolist(), abs=tolerance)
        assert shown["segments"] == len(expected.segments) == 5
        assert shown["curves"] == len(classifier.labels)


@pytest.mark.parametrize(("accuracy", "coverage"), [(0.8, 0.8), (0.95, 0.9), (0.95, 0.99)])
def test_unknown_and_sets_are_those_of_predict(
    accuracy: float, coverage: float, site: Site, address: str, tmp_path: Path
) -> None:
    path = tmp_path / "song.wav"
    soundfile.write(path, sound(2.3, RATE), RATE)
    classifier = load_tflite(site.model)
    abstention, lines = abstention_for(classifier.description.held_out, accuracy, coverage)
    expected, text = classifier.classify(path), JsonText(classifier.description, abstention)
    site.browser.open(address)
    site.browser.wait_for(READY)
    site.browser.choose("#file", path)
    site.browser.wait_for(ANSWERED)
    assert read(site.browser)["set"] is None
    for chosen, share in (("accuracy", accuracy), ("coverage", coverage)):
        site.browser.evaluate(CHOOSE % (chosen, f"{100 * share:g} %"))
    shown = read(site.browser)
    assert shown["genre"] == (text.answered(expected) or "unknown")
    assert shown["set"] == f"One of: {', '.join(text.set_of(expected))}"
    rests = site.browser.evaluate("document.getElementById('rests').textContent")
    assert all(line[1:] in rests for line in lines)


def test_nothing_but_the_folder_is_asked_for_and_nothing_is_refused(
    site: Site, address: str
) -> None:
    site.browser.open(address)
    site.browser.wait_for(READY)
    events = site.browser.events
    asked = [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]
    assert f"{address}/model.tflite" in asked
    assert [url for url in asked if not url.startswith((f"{address}/", "data:"))] == []
    logged = [
        event["params"]["entry"]["text"] for event in events if event["method"] == "Log.entryAdded"
    ]
    # A browser without a graphics card says so.
    assert [text for text in logged if "adapters" not in text] == []
    with pytest.raises(AssertionError, match="Failed to fetch"):
        site.browser.evaluate("fetch('https://example.org/')")


def test_what_a_browser_cannot_decode_is_refused_in_a_sentence(
    site: Site, address: str, tmp_path: Path
) -> None:
    (tmp_path / "no song.mp3").write_bytes(b"not music" * 100)
    soundfile.write(tmp_path / "silence.wav", np.zeros(RATE), RATE)
    site.browser.open(address)
    site.browser.wait_for(READY)
    told = []
    for name in ("no song.mp3", "silence.wav"):
        site.browser.choose("#file", tmp_path / name)
        site.browser.wait_for(f"document.getElementById('error').textContent.startsWith('{name}')")
        told.append(site.browser.evaluate("document.getElementById('error').textContent"))
    assert told == [
        (
            "no song.mp3: this browser cannot decode it; all decode WAV, FLAC and MP3: "
            "ffmpeg -i FILE new.flac"
        ),
        "silence.wav: every sample of it is zero",
    ]
    assert not site.browser.evaluate(ANSWERED)


def test_the_microphone_is_heard_until_it_is_stopped(site: Site, address: str) -> None:
    site.browser.open(address)
    site.browser.wait_for(READY)
    button = "document.getElementById('microphone')"
    site.browser.evaluate(f"{button}.click()")
    site.browser.wait_for(f"{ANSWERED} && document.querySelectorAll('#segments tr').length > 1")
    assert site.browser.evaluate(f"{button}.getAttribute('aria-pressed')") == "true"
    assert sum(read(site.browser)["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    site.browser.evaluate(f"{button}.click()")
    assert site.browser.evaluate(f"{button}.getAttribute('aria-pressed')") == "false"
    assert not site.browser.evaluate(REFUSED)


@pytest.mark.parametrize("width", [400, 1200])
def test_the_page_is_no_wider_than_its_window(
    width: int, site: Site, address: str, tmp_path: Path
) -> None:
    path = tmp_path / f"{'a_name_without_a_space' * 5}.wav"
    soundfile.write(path, sound(1, RATE), RATE)
    site.browser.open(address, width)
    site.browser.wait_for(READY)
    site.browser.choose("#file", path)
    site.browser.wait_for(ANSWERED)
    site.browser.evaluate("document.getElementById('sure').open = true")
    assert site.browser.evaluate("document.documentElement.scrollWidth") <= width


def test_the_card_of_the_network_is_on_the_page(site: Site, address: str) -> None:
    site.browser.open(address)
    site.browser.wait_for(READY)
    text = site.browser.evaluate("document.body.innerText")
    for said in (CARD["run"], CARD["dataset"], "0.750", "generated data", "nothing is uploaded"):
        assert said in text
