"""`genrecls train`: one configuration, one run folder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from genrecls.cli.arguments import parser_of
from genrecls.cli.parser import show_configuration
from genrecls.config.compose import compose
from genrecls.config.plugins import command_line
from genrecls.console import say, show
from genrecls.errors import ConfigError
from genrecls.sweeps import parent_watch

if TYPE_CHECKING:
    from genrecls.experiment.experiment import Experiment


def main(words: Sequence[str]) -> int:
    """Train what the overrides in `words` describe, or show its configuration or its model."""
    options = parser_of("train").read(words)
    seeds = [word for word in options.overrides if word.startswith("seeds=")]
    if options.multirun or seeds:
        from genrecls.cli import sweep

        written = " ".join(seeds or ["-m"])
        say(f"train {written} is 'genrecls sweep': every training runs in a process of its own")
        return sweep.main([word for word in words if word not in {"-m", "--multirun"}])
    if show_configuration("train", options):
        return 0
    parent_watch.stop_with_parent()
    settings = [word for word in options.overrides if not word.startswith("continue=")]
    composed = compose("train", settings, options.config_dir, options.config_name)
    # Not before: whoever misspelt a word need not wait for the import.
    from genrecls.experiment.more_epochs import read_training

    command = command_line("train", words)
    training = read_training(composed, options.overrides, command)
    experiment = training.experiment
    if experiment.run.show:
        show_model(experiment)
        return 0
    from genrecls.cli.run_summary import summary
    from genrecls.experiment.train import train
    from genrecls.runs.find import point_latest

    run = train(experiment, training.command, source=training.source)
    if run is not None:
        # A search makes many, and nobody has asked for any of them yet.
        if not run.search:
            point_latest(run)
        show(summary(run))
    return 0


def show_model(experiment: Experiment) -> None:
    """Print layers, parameters and multiply-accumulates of the model; no data are needed."""
    from genrecls.experiment.prepare import USUAL_GENRES, count_genres
    from genrecls.experiment.teacher import runs_to_teach
    from genrecls.models import tensorflow_setup
    from genrecls.models.base import Normalisation
    from genrecls.models.cost import layer_costs
    from genrecls.models.sklearn import Sklearn
    from genrecls.reports.tables import Column, Table

    family = experiment.model
    if isinstance(family, Sklearn):
        raise ConfigError(
            f"show: received true for model={family.title}, whose size is known after its fit; "
            "train it and see its report, or 'genrecls runs show'"
        )
    # No data are needed, but a teacher that is not there is a mistake here, too.
    runs_to_teach(experiment)
    tensorflow_setup.configure_tensorflow()
    shapes = experiment.segment.shapes(experiment.features)
    unit = {name: Normalisation.unit(shape) for name, shape in shapes.items()}
    counted = count_genres(experiment)
    classes = counted or USUAL_GENRES
    assumed = "" if counted else " (assumed, for the data are not here)"
    costs = layer_costs(family.build(shapes, classes, unit))
    rows = [
        (c.name, c.kind, " x ".join(map(str, c.output)), f"{c.parameters:,}", f"{c.macs:,}")
        for c in costs
    ]
    total = (f"{sum(c.parameters for c in costs):,}", f"{sum(c.macs for c in costs):,}")
    numbers = (Column(name, "number") for name in ("parameters", "multiply-accumulates"))
    table = Table(
        ("layer", Column("kind", spare=1), Column("output", spare=2), *numbers),
        [*rows, ("total", "", "", *total)],
        title=f"{family.title}, {classes} genres{assumed}, one segment",
    )
    show(table.to_terminal())
