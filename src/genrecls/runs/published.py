"""What a report published about a system: the figure to reproduce, and how it came about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from genrecls.config.schema import Schema

PAPERS: dict[str, str] = {
    "carnaghi2022": (
        'M. Carnaghi, M. C. Cebedio, "Genre Classification with Deep Learning Techniques"'
    ),
    "khamees2021": (
        "A. A. Khamees, H. D. Hejazi, M. Alshurideh, S. A. Salloum, "
        '"Classifying Audio Music Genres Using CNN and RNN"'
    ),
    "steiner2023": (
        "B. Steiner, O. Mapps, "
        '"An Application of Convolutional Neural Networks to Music Genre Classification"'
    ),
    "bisarahalli2021": (
        "M. N. Bisarahalli, V. Manjunath, "
        '"Music Analysis and Genre Classification using Deep Learning"'
    ),
    "karam": 'J. Karam, S. Liu, N. DePiero, G. Sabalewski, "Music Genre Classification"',
    "bahuleyan2018": (
        'H. Bahuleyan, "Music Genre Classification using Machine Learning Techniques", '
        "arXiv 1804.01149"
    ),
}
"""Documents by their short names; that of steiner2023 is the year of its newest reference."""


@dataclass(frozen=True)
class Published(Schema):
    """One figure of a report.

    Attributes:
        paper: short name of the document, a key of `PAPERS`.
        system: what the document calls the system.
        accuracy: the figure as a share, to subtract from.
        stated: the figure in the document's own words.
        count: examples it was measured on, where that is known or can be deduced.
        unit: what was counted.
        protocol: how it was measured, as far as that is known.
        honest: split that is honest on these data.
    """

    paper: Literal[
        "carnaghi2022", "khamees2021", "steiner2023", "bisarahalli2021", "karam", "bahuleyan2018"
    ]
    system: str
    accuracy: Annotated[float, Field(gt=0, lt=1)]
    stated: str
    count: PositiveInt | None
    unit: Literal["segment", "track"]
    protocol: str
    honest: str

    @property
    def bound(self) -> bool:
        """Whether the document says only what the figure is above."""
        return self.stated.startswith(">")
