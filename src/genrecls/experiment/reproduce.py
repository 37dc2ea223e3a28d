"""The published systems, trained again under three protocols and put beside their figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from genrecls.comparison.reproduction import (
    PROTOCOLS,
    Protocol,
    ReproducedSystem,
    protocol_scores,
)
from genrecls.config.compose import compose
from genrecls.config.options import listed
from genrecls.config.plugins import command_line
from genrecls.console import fail, say, warn
from genrecls.errors import ConfigError, GenreclsError, Interrupted, nearest
from genrecls.experiment.experiment import Experiment, parse
from genrecls.experiment.prepare import store_of
from genrecls.experiment.run_id import run_folder
from genrecls.experiment.train import train
from genrecls.features.extract import fingerprint
from genrecls.files.tables import read_mapping
from genrecls.runs.metrics import RunMetrics
from genrecls.runs.published import PAPERS, Published
from genrecls.runs.run import Run


@dataclass(frozen=True)
class ReproductionJob:
    """One training: a preset under one protocol with one seed.

    Attributes:
        overrides: words that make it, behind `genrecls train`.
    """

    preset: str
    protocol: Protocol
    seed: int
    overrides: tuple[str, ...]
    experiment: Experiment


def published_presets() -> dict[str, Published]:
    """Return every preset of `conf/experiment` that names a published figure."""
    from genrecls.config.validation import validate

    figures = {}
    for name, path in listed("experiment").items():
        values = read_mapping(path)
        if "published" in values:
            figures[name] = validate(Published, values["published"], f"{name}.published")
    order = list(PAPERS)
    return dict(sorted(figures.items(), key=lambda item: order.index(item[1].paper)))


def choose_presets(words: Sequence[str]) -> list[str]:
    """Return the presets that are named: presets, papers, or `all`, which is also the default.

    Raises:
        ConfigError: a word is none of these.
    """
    presets = published_presets()
    names: dict[str, None] = {}
    for word in words or ("all",):
        matching = [name for name, figure in presets.items() if word in {"all", name, figure.paper}]
        if not matching:
            known = [*dict.fromkeys(figure.paper for figure in presets.values()), *presets]
            raise ConfigError(
                f"'{word}' is no published system; allowed: all, {', '.join(known)}"
                f"{nearest(word, known)}"
            )
        names.update(dict.fromkeys(matching))
    return list(names)


def jobs(preset: str, seeds: int, overrides: Sequence[str]) -> Iterator[ReproductionJob]:
    """Yield the trainings of a preset, all seeds of a protocol after one another.

    Args:
        preset: name of the preset.
        seeds: number of seeds, from 0.
        overrides: words that hold for all of them, such as `data_root=...`.

    Raises:
        ConfigError: the overrides do not fit.
    """
    own = compose("train", [f"experiment={preset}", *overrides])
    split = own["split"]
    splits: dict[Protocol, str] = {
        "published": split["name"],
        "tracks": "track",
        "honest": own["published"]["honest"],
    }
    for protocol, name in splits.items():
        words = [f"experiment={preset}", *overrides]
        if name != split["name"]:
            words.append(f"split={name}")
            # Random tracks are allocated in the preset's ratio; a published partition has none.
            if name == "track" and split.get("ratio"):
                words.append(f"split.ratio={split['ratio']}")
        for seed in range(seeds):
            all_words = (*words, f"seed={seed}")
            experiment = parse(compose("train", all_words))
            yield ReproductionJob(preset, protocol, seed, all_words, experiment)


def reproduce(
    work: Mapping[str, Sequence[ReproductionJob]], *, train_missing: bool = True, changed: str = ""
) -> tuple[list[ReproducedSystem], int]:
    """Train what is missing and return a system for each preset, and how many trainings failed.

    Args:
        work: the trainings of each preset.
        train_missing: whether runs that are not finished are trained.
        changed: words that make the systems other ones than the published; empty where there are
            none.

    Raises:
        Interrupted: the user stopped it; the same call continues.
    """
    figures, total = published_presets(), sum(map(len, work.values()))
    systems, number, failures = [], 0, 0
    for name, todo in work.items():
        # What is missing is missing for all jobs, and known before anything is trained.
        first = todo[0].experiment
        try:
            first.dataset.load(first.data_root)
            if train_missing and not all(map(_finished_run, todo)):
                first.model.fetch()
        except GenreclsError as error:
            number += len(todo)
            warn(f"{name}: {error}")
            missing = ReproducedSystem(name, figures[name], missing=str(error), changed=changed)
            systems.append(missing)
            continue

        metrics: dict[Protocol, dict[str, RunMetrics]] = {protocol: {} for protocol in PROTOCOLS}
        for job in todo:
            number += 1
            about = f"{name}, {PROTOCOLS[job.protocol]}, seed {job.seed}"
            say(f"[{number}/{total}] {about}")
            command = command_line("train", job.overrides)
            try:
                run = train(job.experiment, command) if train_missing else _finished_run(job)
                if run is not None:
                    # Protocols may share a run, but the seeds of one protocol do not.
                    metrics[job.protocol][run.name] = run.read_metrics()
            except Interrupted:
                raise
            except GenreclsError as error:
                fail(f"{about}: {error}")
                failures += 1

        absent = len(todo) - sum(map(len, metrics.values()))
        system = ReproducedSystem(
            preset=name,
            published=figures[name],
            cells={p: protocol_scores(runs) for p, runs in metrics.items() if runs},
            missing=f"{absent} of {len(todo)} runs" if absent else "",
            changed=changed,
        )
        systems.append(system)
    return systems, failures


def _finished_run(job: ReproductionJob) -> Run | None:
    experiment = job.experiment
    dataset = experiment.dataset.load(experiment.data_root)
    run = Run(run_folder(experiment, fingerprint(dataset, store_of(experiment).digests)))
    return run if run.finished else None
