"""The space of a search: which keys of a configuration are chosen, and among which values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from genrecls.config.schema import Schema
from genrecls.config.validation import validate
from genrecls.errors import ConfigError
from genrecls.reports.search import SearchedSetting

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


@dataclass(frozen=True)
class Range(Schema):
    """Numbers from `low` to `high`, whole ones if both and the step are.

    Attributes:
        log: whether each power of ten is as likely as the next.
        step: distance of neighbours; None for 1 of whole numbers and for any of others.
    """

    low: int | float
    high: int | float
    log: bool
    step: int | float | None

    def __post_init__(self) -> None:
        if self.high <= self.low:
            raise ValueError(f"high: received {self.high:g}; allowed: more than low={self.low:g}")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ValueError("log: received true; allowed: with low above 0 and without step")
        if self.step is not None and not 0 < self.step <= self.high - self.low:
            raise ValueError(f"step: received {self.step:g}; allowed: above 0, up to high - low")

    @property
    def words(self) -> str:
        """The values in words."""
        scale = ", each power of ten as likely" if self.log else ""
        step = "" if self.step is None else f" in steps of {self.step:g}"
        return f"{self.low:g} to {self.high:g}{step}{scale}"

    @property
    def first(self) -> int | float:
        """One end of the values."""
        return self.low

    @property
    def last(self) -> int | float:
        """The other end."""
        return self.high

    def distribution(self) -> BaseDistribution:
        """Return it as Optuna calls it."""
        from optuna.distributions import FloatDistribution, IntDistribution

        low, high, step = self.low, self.high, self.step
        if isinstance(low, int) and isinstance(high, int) and not isinstance(step, float):
            step = step or 1
            return IntDistribution(low, int(_reached(low, high, step)), self.log, step)
        last = high if step is None else float(_reached(low, high, step))
        return FloatDistribution(low, last, self.log, step)

    def text(self, value: Any) -> str:
        """Return a value as the right side of an override."""
        if isinstance(value, int):
            return str(value)
        # Further digits change nothing but the length of a command line, unless fewer leave the
        # range: 0.99999 is not 1.
        texts = (f"{value:.{digits}g}" for digits in (4, 6, 9))
        return next((text for text in texts if self.low <= float(text) <= self.high), str(value))

    def setting(self, key: str) -> SearchedSetting:
        """Return it as a report shows it."""
        return SearchedSetting(key, low=self.low, high=self.high, log=self.log)


@dataclass(frozen=True)
class Choices(Schema):
    """Values of any kind, lists too, none nearer to the next than to another.

    Attributes:
        choices: at least two, all different.
    """

    choices: tuple[Any, ...]

    def __post_init__(self) -> None:
        if len(set(self.texts)) < max(2, len(self.texts)):
            raise ValueError(f"choices: received {self.texts}; allowed: two or more, all different")

    @property
    def texts(self) -> list[str]:
        """Right sides of overrides."""
        return [override_text(choice) for choice in self.choices]

    @property
    def words(self) -> str:
        """The values in words."""
        return ", ".join(self.texts)

    @property
    def first(self) -> str:
        """One end of the values."""
        return self.texts[0]

    @property
    def last(self) -> str:
        """The other end."""
        return self.texts[-1]

    def distribution(self) -> BaseDistribution:
        """Return it as Optuna calls it, by texts: it knows no lists."""
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(self.texts)

    def text(self, value: Any) -> str:
        """Return a value as the right side of an override."""
        return str(value)

    def setting(self, key: str) -> SearchedSetting:
        """Return it as a report shows it."""
        return SearchedSetting(key, tuple(self.texts))


Dimension = Range | Choices
Space = Mapping[str, Dimension]


def read_space(values: Mapping[str, Any]) -> dict[str, Dimension]:
    """Return the dimensions by key, without those that are null.

    Raises:
        ConfigError: a dimension is neither a range nor choices, or impossible.
    """
    space: dict[str, Dimension] = {}
    for key, value in values.items():
        where = f"search.space.{key}"
        if value is None:
            continue
        if not isinstance(value, Mapping):
            raise ConfigError(
                f"{where}: received {value!r}; allowed: {{low: .., high: ..}}, also with log: true "
                "or step: .., or {choices: [..]}, or null"
            )
        meant = _last_kind(value)
        if "choices" in meant:
            space[key] = validate(Choices, meant, where)
        else:
            space[key] = validate(Range, {"log": False, "step": None, **meant}, where)
    return space


def _last_kind(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a dimension without what was there of another kind before its last one.

    A word of the user is merged into the dimension of a file: its keys are added behind those.
    """
    keys = list(value)
    kinds = [key for key in keys if key in {"choices", "low", "high"}]
    before = keys[: keys.index(kinds[-1])] if kinds else []
    other = {"low", "high", "log", "step"} if kinds[-1:] == ["choices"] else {"choices"}
    return {key: item for key, item in value.items() if key not in before or key not in other}


def override_text(value: Any) -> str:
    """Return a plain value as the right side of an override."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Mapping):
        inside = ",".join(f"{key}:{override_text(item)}" for key, item in value.items())
        return f"{{{inside}}}"
    if isinstance(value, list | tuple):
        return f"[{','.join(map(override_text, value))}]"
    return str(value)


def _reached(low: float, high: float, step: float) -> Decimal:
    """Return the last value that steps from `low` reach, for Optuna would warn of any other."""
    # As Optuna counts: three steps of 0.1 are 0.3 here, which they are not among floats.
    first, size = Decimal(str(low)), Decimal(str(step))
    return first + (Decimal(str(high)) - first) // size * size
