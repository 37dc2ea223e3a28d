"""How a finished run and its exported files stand up to degraded music."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from genrecls.console import progress, quiet_libraries, warn
from genrecls.dsp.audio import AudioFile
from genrecls.dsp.audio_limits import AudioLimits
from genrecls.dsp.resample import resample
from genrecls.dsp.votes import Vote, decide
from genrecls.errors import RunError
from genrecls.evaluation.degradations import STANDARD, Degradation, Samples
from genrecls.evaluation.paired_tests import PairedDecisions
from genrecls.evaluation.robustness import CLEAN, RobustnessScore, robustness_scores
from genrecls.experiment.restore import restore
from genrecls.files.tables import write_json, write_table
from genrecls.inference.files import load_classifier
from genrecls.runs.export_facts import export_file, read_export
from genrecls.runs.metrics import RunMetrics
from genrecls.runs.record import read
from genrecls.runs.run import Run
from genrecls.runtime.classifier import MAX_HELD_SECONDS, Classifier
from genrecls.splits.base import EvaluatedPart

MODES = ("float32", "int8")
"""Of the exported files those that are tried."""


@dataclass(frozen=True)
class Robustness:
    """Scores of the files of a run under degradations.

    Attributes:
        recorded: metrics of the run.
        missing: why a degradation was left out, by its name.
        scores: by file and degradation.
        file: where they are kept.
    """

    recorded: RunMetrics
    part: EvaluatedPart
    vote: Vote
    missing: Mapping[str, str]
    scores: Mapping[str, Mapping[str, RobustnessScore]]
    file: Path


def evaluate_robustness(
    run: Run,
    part: EvaluatedPart,
    vote: Vote | None,
    data_root: str,
    dataset_root: str | None,
) -> Robustness:
    """Score a run and its exported files on degraded tracks of a part, and keep the scores.

    One track is in memory at a time; of one of more than half an hour, the first half hour. It is
    degraded at its own sample rate, before any model hears it. It is heard to its end, as by
    `genrecls predict`: a training leaves out a last segment that is not full.

    Args:
        run: the run.
        part: whose tracks are heard.
        vote: how segments of a track are put together; None as in the training.
        data_root: where data sets live now.
        dataset_root: where the data set is now, if it was moved.

    Raises:
        RunError: the run is an ensemble, takes something else than audio, has learnt from its
            validation part, or its split has parts of one track in several parts.
        DataError: the data are not there, or a track cannot be read any more.
        ModelFileError: a model cannot be read, or does not answer as a classifier.
    """
    if run.is_ensemble:
        raise RunError(
            f"run {run.name}: an ensemble; robustness= takes a single run: evaluate its members"
        )
    record = read(run)
    record.metrics.require_unlearnt(run.name, part)
    if record.metrics.split.leaky:
        raise RunError(
            f"run {run.name}: split={record.metrics.split.name} has the same tracks in train and "
            f"{part}, and robustness= hears whole tracks; expected a run with another split"
        )
    vote = vote or record.metrics.vote
    tracks = {track.id: track for track in restore(run, data_root, dataset_root).dataset.tracks}
    classifiers = _classifiers(run)
    missing = {name: reason for name, each in STANDARD.items() if (reason := each.missing())}
    for name, reason in missing.items():
        warn(f"left out: {STANDARD[name].title}: {reason}")
    degradations = {name: each for name, each in STANDARD.items() if name not in missing}

    recorded = record.answers[part]
    heard: dict[str, dict[str, list[str]]] = {
        file: {name: [] for name in (CLEAN, *degradations)} for file in classifiers
    }
    with progress("Degraded tracks", len(recorded.truth)) as advance:
        for track, _ in recorded.truth:
            answers = _hear(tracks[track].path, track, classifiers, degradations, vote)
            for (file, name), genre in answers.items():
                heard[file][name].append(genre)
            advance()

    scores = {
        file: robustness_scores({name: [_right(recorded, of)] for name, of in by_name.items()})
        for file, by_name in heard.items()
    }
    path = run.folder / f"robustness-{part}.json"
    result = Robustness(record.metrics, part, vote, missing, scores, path)
    write_table(
        run.folder / f"robustness-{part}-tracks.csv",
        ("file", "degradation", "track", "true", "predicted"),
        (
            (file, name, track, true, genre)
            for file, by_name in heard.items()
            for name, genres in by_name.items()
            for (track, true), genre in zip(recorded.truth, genres, strict=True)
        ),
    )
    _write(result, run.name, len(recorded.truth))
    return result


def _right(recorded: PairedDecisions, genres: Sequence[str]) -> PairedDecisions:
    """Return the recorded decisions with others in their place."""
    pairs = zip(genres, recorded.truth, strict=True)
    return replace(recorded, right=np.array([genre == true for genre, (_, true) in pairs]))


def _write(result: Robustness, run: str, tracks: int) -> None:
    write_json(
        result.file,
        {
            "version": 1,
            "run": run,
            "dataset": asdict(result.recorded.dataset),
            "split": asdict(result.recorded.split),
            "part": result.part,
            "vote": result.vote,
            "tracks": tracks,
            "missing": result.missing,
            "files": {
                file: {name: asdict(score) for name, score in by_name.items()}
                for file, by_name in result.scores.items()
            },
        },
    )


def _classifiers(run: Run) -> dict[str, Classifier]:
    """Return the model of a run and its exported files of the `MODES`, by their names."""
    files = [run.model_file]
    if facts := read_export(run):
        folder = export_file(run).parent
        files += [folder / file.file for file in facts.kept if file.mode in MODES]
    return {file.name: load_classifier(file) for file in files}


def _hear(
    path: Path,
    track: str,
    classifiers: Mapping[str, Classifier],
    degradations: Mapping[str, Degradation],
    vote: Vote,
) -> dict[tuple[str, str], str]:
    """Return the genre that each file answers to a track under each degradation."""
    sound = AudioFile(path, AudioLimits())
    most, blocks, count = MAX_HELD_SECONDS * sound.rate, list[Samples](), 0
    for block in sound.blocks():
        blocks.append(block)
        count += len(block)
        if count >= most:
            break
    samples = np.concatenate(blocks)[:most]
    seed = zlib.crc32(track.encode())
    answers = {}
    for name in (CLEAN, *degradations):
        heard = samples
        if name != CLEAN:
            heard = degradations[name].apply(samples, sound.rate, seed)
        at_rate: dict[int, Samples] = {}
        for file, classifier in classifiers.items():
            rate = classifier.grid.rate
            if rate not in at_rate:
                at_rate[rate] = heard if rate == sound.rate else resample(heard, sound.rate, rate)
            with quiet_libraries():
                _, inputs = classifier.segments(at_rate[rate])
                segments = np.concatenate([classifier.answers(batch) for batch in inputs])
            answers[file, name] = classifier.labels[decide(segments, vote)]
    return answers
