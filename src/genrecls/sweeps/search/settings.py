"""How a search works, as configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import NonNegativeInt, PositiveInt

from genrecls.config.ranges import Seed
from genrecls.config.schema import Schema
from genrecls.config.validation import validate
from genrecls.errors import ConfigError, nearest
from genrecls.sweeps.search.objective import OBJECTIVES, ObjectiveName, SearchObjective


@dataclass(frozen=True)
class SearchSettings(Schema):
    """The keys of `conf/search/*.yaml`; `trainer.yaml` there says what each is for.

    Attributes:
        trials: finished and stopped ones in all.
        target: class of devices that every network has to fit, or a file; None for any size.
        base: choices beside the space, by key.
        space: what is searched, see `sweeps.search.space`.
    """

    trials: PositiveInt
    objective: tuple[ObjectiveName, ...]
    sampler: Literal["tpe", "random"]
    pruner: Literal["median", "hyperband", "none"]
    startup_trials: NonNegativeInt
    warmup_epochs: PositiveInt
    seed: Seed
    target: str | None
    base: dict[str, Any]
    space: dict[str, Any]

    def __post_init__(self) -> None:
        scores = [name for name in self.objective if name != "parameters"]
        if len(scores) != 1 or self.objective[0] != scores[0] or len(self.objective) > 2:
            raise ValueError(
                f"objective: received {list(self.objective)}; allowed: one score, such as "
                "[accuracy], or one score and the size, such as [accuracy,parameters]"
            )

    @property
    def objectives(self) -> tuple[SearchObjective, ...]:
        """What is searched for, the score first."""
        return tuple(OBJECTIVES[name] for name in self.objective)

    @property
    def prunes(self) -> bool:
        """Whether trainings are stopped early; with two objectives none is clearly worse."""
        return self.pruner != "none" and len(self.objective) == 1


def read_settings(values: Mapping[str, Any]) -> SearchSettings:
    """Return the settings of a search.

    Raises:
        ConfigError: a key is wrong, or the test part is to choose.
    """
    objective = values.get("objective")
    for name in objective if isinstance(objective, list | tuple) else [objective]:
        allowed = f"allowed: {', '.join(OBJECTIVES)}"
        if "test" in str(name).lower():
            raise ConfigError(
                f"search.objective: received {name!r}; the test part takes no part in a search, "
                f"or its score would flatter the best; {allowed}"
            )
        if isinstance(name, str) and name not in OBJECTIVES:
            # The beginning of a name is enough for a hint.
            starting = [known for known in OBJECTIVES if name and known.startswith(name.lower())]
            hint = (
                f"; did you mean '{starting[0]}'?"
                if len(starting) == 1
                else nearest(name, OBJECTIVES)
            )
            raise ConfigError(f"search.objective: received {name!r}; {allowed}{hint}")
    return validate(SearchSettings, dict(values), "search")
