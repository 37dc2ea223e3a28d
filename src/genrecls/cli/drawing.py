"""What `figures=` means behind verbs that have no configuration of their own."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

from genrecls.config.compose import compose
from genrecls.config.validation import validate
from genrecls.reports.figure_files import FigureSettings, figures_as


def drawing(overrides: Sequence[str]) -> AbstractContextManager[None]:
    """Write figures as overrides such as `figures=paper` say, during the block.

    Raises:
        ConfigError: they do not fit the configuration.
    """
    composed = compose("drawing", overrides)
    return figures_as(validate(FigureSettings, composed["figures"], "figures"))
