"""A contract: checks whose names and messages say in plain words what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any


class BrokenContractError(AssertionError):
    """An option does not do what every option of its group must do."""


Check = Callable[[Any], None]
"""Raises `BrokenContractError` if an option breaks it; its docstring says what must hold."""


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        check: what must hold, in one line.
        problem: what does not; empty where it holds.
    """

    check: str
    problem: str = ""


def require(holds: bool, problem: str) -> None:
    """Raise `BrokenContractError` with `problem` unless something holds."""
    if not holds:
        raise BrokenContractError(problem)


def run_checks(option: Any, checks: Sequence[Check]) -> Iterator[Finding]:
    """Yield what each check found out about an option; whatever it raises is a problem, too."""
    for check in checks:
        title = (check.__doc__ or check.__name__).strip().partition("\n")[0].rstrip(".")
        try:
            check(option)
        except BrokenContractError as error:
            yield Finding(title, str(error))
        except Exception as error:  # noqa: BLE001 - whatever a stranger's code raises
            yield Finding(title, f"{type(error).__name__}: {' '.join(str(error).split())}")
        else:
            yield Finding(title)
