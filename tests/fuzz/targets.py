"""Every kind of input that comes from outside, healthy once and damaged in each case."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
import zipfile
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import soundfile
import yaml
from numpy.typing import NDArray

import genrecls
from genrecls.datasets.download import http
from genrecls.datasets.download.extract import unpack
from genrecls.datasets.download.http import transfer
from genrecls.datasets.download.partial_file import Part
from genrecls.dsp.audio_limits import AudioLimits
from genrecls.errors import GenreclsError
from genrecls.features.base import FEATURES, FeatureSpec
from genrecls.features.cache import FeatureCache, TrackFeatures
from genrecls.features.segmentation import SegmentRule, Segments
from genrecls.runtime.card import MEMBER
from genrecls.runtime.container import unpack as unpack_model
from tests.composed import composed
from tests.datasets.download.archives import CONTENT, tar, zipped
from tests.datasets.download.server import Server, plain
from tests.fuzz.cases import Target, Wrong, command, strict_json
from tests.fuzz.mutations import VALUES, damage_file, damaged, hostile, hostile_json
from tests.runs.finished_runs import Made, finished_run

_RATE = 22050
_KINDS = {
    "wav": ("WAV", "PCM_16"),
    "au": ("AU", "PCM_16"),
    "flac": ("FLAC", "PCM_16"),
    "ogg": ("OGG", "VORBIS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
}


def _sound(path: Path, seconds: float = 4.0) -> None:
    time = np.arange(round(seconds * _RATE)) / _RATE
    wave = 0.3 * np.sin(2 * np.pi * (220 + 90 * time) * time) * np.abs(np.sin(3 * time))
    path.parent.mkdir(parents=True, exist_ok=True)
    container, coding = _KINDS.get(path.suffix.lstrip("."), _KINDS["wav"])
    soundfile.write(path, wave, _RATE, format=container, subtype=coding)


def _music(folder: Path) -> None:
    for number, kind in enumerate(_KINDS):
        _sound(folder / "music" / ("jazz", "rock")[number % 2] / f"song{number}.{kind}")


def _verified(folder: Path) -> list[dict[str, Any]]:
    words = ("dataset=folder", f"dataset.root={folder / 'music'}", "--format", "json")
    return list(strict_json(command(folder, "data", "verify", *words, healthy_only=False)))


def _damage_song(folder: Path, random: Random) -> None:
    damage_file(random.choice(sorted(folder.rglob("song*"))), random)


def _verify(folder: Path) -> None:
    problems = _verified(folder)
    if any(len(problem["detail"]) > 500 or problem["code"] is None for problem in problems):
        raise Wrong(f"{problems}")


def _indexed_music(folder: Path) -> None:
    _music(folder)
    _verified(folder)


def _damage_index(folder: Path, random: Random) -> None:
    damage_file(next(folder.rglob(".genrecls-index.json")), random)


def _runs(folder: Path) -> None:
    for seed in (0, 1):
        finished_run(folder / "outputs", f"made-{seed}", Made(seed=seed, int8=5000))


def _damage_run(folder: Path, random: Random) -> None:
    run = folder / "outputs" / "made-1"
    files = sorted(path for path in run.rglob("*") if path.is_file() and path.stat().st_size)
    path = random.choice(files)
    if path.suffix == ".yaml" and random.random() < 0.7:
        changed = hostile(yaml.safe_load(path.read_text(encoding="utf-8")), random)
        path.write_text(yaml.safe_dump(changed, allow_unicode=False), encoding="utf-8")
    elif path.suffix == ".csv" and random.random() < 0.7:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
        row = random.choice(rows)
        row[random.randrange(len(row))] = str(random.choice(VALUES))
        with path.open("w", newline="", encoding="utf-8", errors="surrogatepass") as file:
            csv.writer(file).writerows(rows)
    else:
        damage_file(path, random)


def _compare(folder: Path) -> None:
    if "made-0" not in command(folder, "runs"):
        raise Wrong("a damaged run hides the other one")
    runs = sorted((folder / "outputs").glob("made-*"))
    genrecls.compare(runs).to_markdown()


def _experiments(folder: Path) -> None:
    text = (
        "# @package _global_\n# a small one\ndefaults:\n  - override /model: rnn\n"
        "  - override /features: mel\n\nseed: 3\nsegment:\n  length: 5.0\nmodel:\n  recurrent:\n"
        "    units: [8, 8]\ntrainer:\n  epochs: 20\n  optimizer:\n    learning_rate: 1e-3\n"
    )
    (folder / "my" / "experiment").mkdir(parents=True)
    (folder / "my" / "experiment" / "small.yaml").write_text(text, encoding="utf-8")
    (folder / "words.json").write_text('["seed=8"]', encoding="utf-8")


_WORDS = (
    *("seed=7", "model=cnn", "features=mfcc", "trainer.epochs=3", "segment.length=2.5"),
    *("+trainer.note=x", "~trainer", "model.head.units=[8,8]", "split=kfold", "augment.crop=0.5"),
)


def _damage_configuration(folder: Path, random: Random) -> None:
    path = folder / "my" / "experiment" / "small.yaml"
    kind = random.random()
    if kind < 0.4:
        words = [_damaged_text(word, random) for word in random.sample(_WORDS, 2)]
        (folder / "words.json").write_text(json.dumps(words), encoding="utf-8")
    elif kind < 0.7:
        values = hostile(yaml.safe_load(path.read_text(encoding="utf-8")), random)
        text = yaml.safe_dump(values, allow_unicode=False)
        path.write_text(f"# @package _global_\n{text}", encoding="utf-8")
    else:
        path.write_bytes(damaged(path.read_bytes(), random))


def _compose(folder: Path) -> None:
    words = json.loads((folder / "words.json").read_text(encoding="utf-8"))
    command(folder, "train", "-cd", "my", "experiment=small", *words, "--cfg", "job")


def _damaged_text(word: str, random: Random) -> str:
    if random.random() < 0.4:
        return f"{word.partition('=')[0]}={random.choice(VALUES)}".replace("\0", "")
    text = damaged(word.encode(), random).decode("utf-8", "surrogateescape").replace("\0", "")
    # A word that begins so is a flag: another parser, and another help.
    return f"x{text}" if text.startswith("-") else text


_DIGEST = "ab" * 32


def _spec() -> FeatureSpec:
    values = composed("train", "features=mel", "features.n_mels=8")["features"]
    return FEATURES[values["name"]](**values)


def _cache(folder: Path) -> FeatureCache:
    rule = SegmentRule(length=0.5, hop=None, count=None, min_fill=0.99, source="audio")
    return FeatureCache(folder / "cache", _spec(), rule, AudioLimits())


def _features() -> NDArray[np.float32]:
    shape = _spec().shapes(_RATE // 2)["mel"]
    return np.random.default_rng(0).standard_normal((4, *shape)).astype(np.float32)


def _store_features(folder: Path) -> None:
    segments = Segments({"mel": _features()}, np.arange(4.0), 0.5)
    _cache(folder).store(TrackFeatures(segments, 2.0, "cd" * 32, _DIGEST))


def _damage_cache(folder: Path, random: Random) -> None:
    damage_file(_cache(folder).entry(_DIGEST), random)


def _load_features(folder: Path) -> None:
    loaded = _cache(folder).load(_DIGEST)
    if loaded is None:
        raise GenreclsError("counted as absent")
    if not np.array_equal(loaded.segments.inputs["mel"], _features()):
        raise Wrong("other features than were stored")


def _archives(folder: Path) -> None:
    for name, body in {
        **{f"a.tar.{mode}": tar(CONTENT, mode=mode) for mode in ("gz", "bz2", "xz")},
        "a.tar": tar(CONTENT, mode=""),
        **{f"{method}.zip": zipped(CONTENT, method) for method in (0, 8, 12, 14)},
    }.items():
        (folder / name).write_bytes(body)


def _damage_archive(folder: Path, random: Random) -> None:
    archive = _only(folder, "*", random)
    archive.write_bytes(damaged(archive.read_bytes(), random))


def _unpack(folder: Path) -> None:
    archives, before = list(folder.iterdir()), set(folder.parent.rglob("*"))
    for archive in archives:
        target = folder / "data" / archive.name / "genres"
        try:
            unpack(archive, "genres", target)
        except GenreclsError:
            if target.exists():
                raise Wrong("refused, and yet unpacked") from None
            raise
        finally:
            new = set(folder.parent.rglob("*")) - before
            if outside := [path for path in new if not path.is_relative_to(folder / "data")]:
                raise Wrong(f"left {outside} behind")


_BODY = bytes(range(256)) * 40
_ANSWERS = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 10240\r\n"
    b'ETag: "1"\r\nLast-Modified: Wed, 21 Oct 2015 07:28:00 GMT\r\n\r\n' + _BODY,
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2800\r\n" + _BODY + b"\r\n0\r\n\r\n",
    b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-10239/10240\r\n"
    b"Content-Length: 10240\r\n\r\n" + _BODY,
    b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 503 Unavailable\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\nno",
)


def _answers(folder: Path) -> None:
    (folder / "answer-0").write_bytes(_ANSWERS[0])


def _damage_answers(folder: Path, random: Random) -> None:
    for number in range(4):
        answer = damaged(random.choice(_ANSWERS), random)
        (folder / f"answer-{number}").write_bytes(answer)


def _download(folder: Path) -> None:
    http._PAUSE = 0.0
    part = Part(folder / "genres.tar.gz", "sha1")
    answers = [plain(path.read_bytes()) for path in sorted(folder.glob("answer-*"))]
    with Server() as server:
        # In the end it hangs up without a word.
        transfer(server.gives("/a", *answers, plain(b"")), part, None, 2 * len(_BODY))
    if part.size > 2 * len(_BODY):
        raise Wrong(f"{part.size} bytes of at most {2 * len(_BODY)}")
    if part.digest() != f"sha1:{hashlib.sha1(part.path.read_bytes()).hexdigest()}":  # noqa: S324
        raise Wrong("another digest than that of what arrived")


def _damage_exported(folder: Path, random: Random) -> None:
    path = _only(folder, "*.tflite", random)
    kind = random.random()
    if kind < 0.2:
        path.write_bytes(damaged(path.read_bytes(), random))
    else:
        flatbuffer, _ = unpack_model(path)
        with zipfile.ZipFile(path) as archive:
            card = archive.read(MEMBER).decode()
        if kind < 0.6:
            card = hostile_json(card, random)
        else:
            flatbuffer = damaged(flatbuffer, random)
        path.write_bytes(_packed(flatbuffer, card))


def _only(folder: Path, pattern: str, random: Random) -> Path:
    """Choose one of several files and remove the others."""
    paths = sorted(folder.glob(pattern))
    chosen = paths.pop(random.randrange(len(paths)))
    for path in paths:
        path.unlink()
    return chosen


def _packed(flatbuffer: bytes, card: str) -> bytes:
    """Return an exported file as an author makes it who means harm: sealed, whatever it says."""
    file = io.BytesIO(flatbuffer)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(MEMBER, card.encode("utf-8", "surrogatepass"))
        archive.comment = b"genrecls-sha256:" + b"0" * 64
    sealed = file.getvalue()[:-64]
    return sealed + hashlib.sha256(sealed).hexdigest().encode()


def _damage_keras(folder: Path, random: Random) -> None:
    path = folder / "model.keras"
    if random.random() < 0.2:
        path.write_bytes(damaged(path.read_bytes(), random))
    else:
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        name = random.choice(sorted(members))
        if name.endswith(".json") and random.random() < 0.7:
            text = hostile_json(members[name].decode(), random)
            members[name] = text.encode("utf-8", "surrogatepass")
        else:
            members[name] = damaged(members[name], random)
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)


def _predict(folder: Path) -> None:
    for model in sorted(folder.glob("model*")):
        _predict_with(folder, model)


def _predict_with(folder: Path, model: Path) -> None:
    words = ("predict", str(folder / "song.wav"), "--model", str(model), "--format", "json")
    for answer in strict_json(command(folder, *words)):
        scores = answer["probabilities"].values()
        if not np.isclose(sum(scores), 1, atol=1e-3) or min(scores) < 0:
            raise Wrong(f"{answer}")


def exported_model(run: Path, folder: Path) -> None:
    """Copy the exported files of a run, and a song for them."""
    for path in (run / "export").glob("*.tflite"):
        shutil.copy(path, folder / f"model-{path.name}")
    _sound(folder / "song.wav")


def keras_model(run: Path, folder: Path) -> None:
    """Copy the model file of a run, and a song for it."""
    shutil.copy(run / "model.keras", folder / "model.keras")
    _sound(folder / "song.wav")


TARGETS = (
    Target("audio", _music, _damage_song, _verify),
    Target("index", _indexed_music, _damage_index, _verify),
    Target("run folder", _runs, _damage_run, _compare),
    Target("configuration", _experiments, _damage_configuration, _compose),
    Target("feature cache", _store_features, _damage_cache, _load_features),
    Target("archive", _archives, _damage_archive, _unpack),
    Target("server", _answers, _damage_answers, _download),
)
"""Inputs that are made at once."""


def model_targets(run: Path) -> tuple[Target, ...]:
    """Return the model files of a run that was exported as kinds of input."""
    return (
        Target(".tflite", partial(exported_model, run), _damage_exported, _predict),
        Target(".keras", partial(keras_model, run), _damage_keras, _predict),
    )
