"""What a number or a figure of a run is about."""

from __future__ import annotations

from dataclasses import dataclass

from genrecls.runs.metrics import RunMetrics
from genrecls.runtime.marks import is_leaky, leak_mark, pretraining_mark


@dataclass(frozen=True)
class Scope:
    """Part, unit and split of a number or a figure; nothing is shown without it.

    Attributes:
        part: part of the split, or several parts joined by " and ".
        unit: what was counted, "segment" or "track".
        split: name of the split.
        leaks: kinds of leak that were found in the split.
        generated: whether the data are generated instead of recorded music.
        pretraining: what the weights had been trained on before; empty for nothing.
    """

    part: str
    unit: str
    split: str
    leaks: tuple[str, ...] = ()
    generated: bool = False
    pretraining: str = ""

    @classmethod
    def of(cls, metrics: RunMetrics, part: str, unit: str) -> Scope:
        """Return what numbers of a run's `part` per `unit` are numbers of."""
        return cls(
            part,
            unit,
            split=metrics.split.name,
            leaks=metrics.split.leaks,
            generated=metrics.dataset.generated,
            pretraining=metrics.model.pretraining,
        )

    @property
    def leaky(self) -> bool:
        """Whether one track is on both sides of the split."""
        return is_leaky(self.leaks)

    @property
    def counted(self) -> str:
        """What was counted: `test part, per track`."""
        noun = "parts" if " and " in self.part else "part"
        return f"{self.part} {noun}, per {self.unit}"

    @property
    def alarms(self) -> str:
        """The warnings behind the name of the split; empty where there are none."""
        generated = " · generated data" if self.generated else ""
        mark = pretraining_mark(self.pretraining)
        return f"{leak_mark(self.leaks)}{generated}{mark and f' · {mark}'}"

    def __str__(self) -> str:
        return f"{self.counted} · split {self.split}{self.alarms}"
