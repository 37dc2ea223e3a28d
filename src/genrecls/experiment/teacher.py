"""The teacher of a training: a finished run, an ensemble or a published tagger."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from genrecls.comparison.config_diff import split_of
from genrecls.config.paths import expanded
from genrecls.datasets.audio_files import find_audio
from genrecls.datasets.base import Dataset, Provenance, Track
from genrecls.errors import DataError, RunError, nearest
from genrecls.experiment.experiment import Experiment
from genrecls.features.cache import FeatureStore, cache_root
from genrecls.files.hashing import text_digest
from genrecls.inference.tagger import TAGGERS, published_tagger
from genrecls.models.musicnn_weights import CHECKPOINTS, CORPORA
from genrecls.runs.ensemble_card import Member, read_ensemble
from genrecls.runs.find import BEST, LATEST, find_runs, is_pattern
from genrecls.runs.record import RunRecord, read
from genrecls.runs.run import Run
from genrecls.splits.base import Split


@dataclass(frozen=True)
class Teacher:
    """Who a network learns from.

    Attributes:
        name: of a run or of a published tagger.
        digest: of its weights: another teacher, another run.
        pretraining: what its weights had been trained on before; empty for nothing.
        models: the model files of a run or of an ensemble; none of a published tagger.
        record: what the run has recorded; None of a published tagger.
    """

    name: str
    digest: str
    pretraining: str
    models: tuple[Path, ...] = ()
    record: RunRecord | None = None

    def fetch(self) -> None:
        """Look for the weights of a published tagger, before any audio is read.

        Raises:
            ModelFileError: they are not here.
        """
        if self.record is None:
            published_tagger(self.name)

    def check_unseen(self, split: Split, labels: Sequence[str]) -> None:
        """Refuse a teacher that has learnt from what the student is selected or tested on.

        Args:
            split: of the student, on the same data.
            labels: its genres.

        Raises:
            RunError: names a track.
        """
        if self.record is None:
            return
        if tuple(labels) != tuple(self.record.metrics.labels):
            raise RunError(
                f"teacher: run {self.name} tells {', '.join(self.record.metrics.labels)}, this "
                f"training {', '.join(labels)}; a teacher needs the same genres"
            )
        held_out = {
            part: {track for track, _ in decisions.truth}
            for part, decisions in self.record.answers.items()
        }
        refit = self.record.metrics.selection.refit
        if refit:
            held_out["validation"] = set()
        # What it was selected on is not new to it, either.
        known = sorted(
            {*split.parts["test"]} - held_out["test"]
            | {*split.parts["validation"]} - held_out["test"] - held_out["validation"]
        )
        if known:
            also = ", trained with trainer.refit=false" if refit else ""
            raise RunError(
                f"teacher: run {self.name} has learnt from {known[0]} and {len(known) - 1} more "
                "tracks on which this training is selected or tested; expected one of the same "
                f"split and fold (split.seed=<number> beside different seeds){also}"
            )


def runs_to_teach(experiment: Experiment) -> list[Run]:
    """Return the runs that `teacher=` names; none where it names a tagger or nothing.

    Raises:
        RunError: there is no such run.
    """
    word = experiment.run.teacher
    if word is None or word in TAGGERS:
        return []
    if word in {LATEST, BEST}:
        raise RunError(
            f"teacher: received '{word}', which is another run tomorrow; expected the name of a "
            f"run or of an ensemble, a pattern, or one of {', '.join(TAGGERS)}"
        )
    try:
        return find_runs(experiment.output_root, word)
    except RunError as error:
        raise RunError(
            f"teacher: {error}; or one of {', '.join(TAGGERS)}{nearest(word, TAGGERS)}"
        ) from None


def find_teacher(experiment: Experiment, fingerprint: str) -> Teacher | None:
    """Return the teacher of a training; None where it has none.

    A pattern stands for the one run among those that it matches that has the same data and split,
    so that all folds of a sweep can be given their own by one word.

    Args:
        experiment: says which, and where the runs are.
        fingerprint: digest of the data.

    Raises:
        RunError: there is no such run, several, or one that cannot teach here.
        ModelFileError: it is an ensemble of which a model is no longer there.
    """
    word = experiment.run.teacher
    if word is None:
        return None
    if word in TAGGERS:
        tagger = TAGGERS[word]
        return Teacher(word, digest=CHECKPOINTS[tagger].data, pretraining=CORPORA[tagger[1]])
    runs = runs_to_teach(experiment)
    if is_pattern(experiment.output_root, word):
        runs = [run for run in runs if run.finished and _has_split_of(experiment, run, fingerprint)]
    if len(runs) != 1:
        names = f": {', '.join(run.name for run in runs)}" if runs else ""
        raise RunError(
            f"teacher: of the runs that '{word}' matches, {len(runs)} have these data, this split, "
            f"fold and seed of the split{names}; expected one"
        )
    (run,) = runs
    record = read(run)
    if record.metrics.dataset.fingerprint != fingerprint:
        raise RunError(
            f"teacher: run {run.name} was trained on other data; a teacher needs the same data "
            "set, or tracks that it has learnt from would test its student"
        )
    if record.metrics.split.leaky:
        raise RunError(
            f"teacher: run {run.name} has learnt from pieces of the tracks that test it (split "
            f"{record.metrics.split.name}); expected one with a split of whole tracks"
        )
    digest, models = _weights(run)
    return Teacher(
        name=run.name,
        digest=digest,
        pretraining=record.metrics.model.pretraining,
        models=models,
        record=record,
    )


def extra_music(experiment: Experiment) -> Dataset | None:
    """Return the music without genres that the student listens to; None where there is none.

    Raises:
        DataError: the folder is not there, or holds none.
    """
    if experiment.distill.extra is None:
        return None
    root = expanded(experiment.distill.extra, "distill.extra")
    found = find_audio(root) if root.is_dir() else None
    if found is None or not found.files:
        remarks = "".join(f"; {each}" for each in found.remarks) if found else ""
        raise DataError(
            f"distill.extra: {root.absolute()} is no folder with music; expected audio files in it "
            f"or in folders below it{remarks}"
        )
    tracks = tuple(Track(f"extra/{file.relative_to(root)}", file, "") for file in found.files)
    source = Provenance("Music without genres", "none", "as your files say")
    return Dataset("extra", (), tracks, root, source, remarks=found.remarks)


def extra_digest(experiment: Experiment) -> str | None:
    """Return the digest of that music, whatever its files are called; None where there is none."""
    music = extra_music(experiment)
    if music is None:
        return None
    digests = FeatureStore(cache_root(experiment.data_root)).digests
    contents = digests.of_all(track.path for track in music.tracks).values()
    return text_digest(json.dumps(sorted(each or "" for each in contents)))


def _weights(run: Run) -> tuple[str, tuple[Path, ...]]:
    """Return the digest of the weights of a run, and their files."""
    if not run.is_ensemble:
        return Member.of(run.model_file).sha256, (run.model_file,)
    card = read_ensemble(run.model_file)
    members = sorted(member.sha256 for member in card.members)
    return text_digest(json.dumps(members)), tuple(card.model_files(run.model_file))


def _has_split_of(experiment: Experiment, run: Run, fingerprint: str) -> bool:
    """Return whether a run has the data and the split of a training."""
    same = split_of(run.read_config()) == split_of(experiment.resolved())
    return same and run.read_metrics().dataset.fingerprint == fingerprint
