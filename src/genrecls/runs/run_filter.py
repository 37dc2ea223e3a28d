"""Which runs are meant: those that meet a condition, with or without the trials of searches."""

from __future__ import annotations

import ast
import math
import operator
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from genrecls.config.options import flat
from genrecls.console import several
from genrecls.errors import ConfigError, RunError, nearest, shown
from genrecls.runs.run import Run

Facts = Mapping[str, Any]
"""What is known of a run, by the words of a condition."""

ALWAYS_KNOWN = (
    *("run", "status", "sweep", "created", "changed", "command", "dataset", "features", "split"),
    *("model", "seed", "generated", "leaky", "epochs", "parameters", "macs", "pretraining"),
    *("validation.accuracy", "validation.macro_f1", "test.accuracy", "test.macro_f1"),
)
"""Keys of every condition, beside those of settings and scores that one of the runs has."""

_LONGEST = 1000
# A text in quotes, or an operator with the bare word behind it.
_TOKEN = re.compile(r"""('[^']*'|"[^"]*")|([=!<>]=?)\s*([^\s'"()\[\],=!<>]*)""")
_ORDERS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_WORDS = {"true": True, "false": False, "null": None, "none": None}


@dataclass(frozen=True)
class RunFilter:
    """A condition that a run meets or not, such as `model=rnn and seed>2`.

    Attributes:
        keys: what it asks for.
        matches: whether a run of which these facts are known meets it. What a run does not have is
            null, which is neither larger nor smaller than anything.
    """

    keys: frozenset[str]
    matches: Callable[[Facts], bool]

    @classmethod
    def parse(cls, text: str) -> RunFilter:
        """Return the condition that a text means: comparisons, `and`, `or`, `not`, brackets.

        Python takes it apart, what is none of these is refused, and nothing is ever executed.

        Raises:
            ConfigError: the text is no condition.
        """
        keys: set[str] = set()
        try:
            if len(text) > _LONGEST:
                raise SyntaxError(f"it is longer than {_LONGEST} characters")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(_TOKEN.sub(_in_python, text).strip(), mode="eval")
            matches = _condition(tree.body, keys)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            reason = f" ({error.msg})" if isinstance(error, SyntaxError) else ""
            raise ConfigError(
                f"filter: {shown(text)} is no condition{reason}; expected something such as "
                "'model=rnn and seed>2' or \"not (test.accuracy<0.6 or run='my run')\""
            ) from None
        return cls(frozenset(keys), matches)

    def require_known(self, known: Iterable[str], allowed: str) -> None:
        """Refuse keys that nothing is known by.

        Args:
            known: the keys.
            allowed: what they are, in words.

        Raises:
            ConfigError: says which there are.
        """
        keys = set(known)
        for key in sorted(self.keys - keys):
            raise ConfigError(
                f"filter: unknown key '{key}'{nearest(key, keys)}; allowed: {allowed}"
            )


def select_runs(
    runs: Sequence[Run], condition: str = "", *, trials: bool = False
) -> tuple[list[Run], list[Run]]:
    """Return the runs that meet a condition, and apart from them the trials that are not asked for.

    Args:
        runs: all runs that may be meant.
        condition: see `RunFilter.parse`; without one all are meant.
        trials: whether trials of searches are asked for; a condition on `sweep` asks for them, too.

    Raises:
        ConfigError: the condition is none, or has a key that no run has.
    """
    chosen = list(runs)
    if condition:
        run_filter = RunFilter.parse(condition)
        facts = [facts_of(run) for run in runs]
        if runs:
            run_filter.require_known(
                {*ALWAYS_KNOWN, *(key for known in facts for key in known)},
                f"{', '.join(ALWAYS_KNOWN)}, and every setting and score that a run here has, such "
                "as trainer.epochs or test.segment.log_loss",
            )
        chosen = [run for run, known in zip(runs, facts, strict=True) if run_filter.matches(known)]
        trials = trials or "sweep" in run_filter.keys
    if trials:
        return chosen, []
    return [run for run in chosen if not run.search], [run for run in chosen if run.search]


def count_trials(trials: Sequence[Run]) -> str:
    """Return `3 trials of search-cnn-1a2b (2 finished, 1 pruned)`."""
    searches = {run.search for run in trials}
    where = searches.pop() if len(searches) == 1 else f"{len(searches)} searches"
    states = Counter(run.status for run in trials)
    counts = ", ".join(f"{count} {state}" for state, count in states.items())
    return f"{several(len(trials), 'trial')} of {where} ({counts})"


def facts_of(run: Run) -> dict[str, Any]:
    """Return what is known of a run: its state, settings by dotted key, and scores.

    What cannot be read is left out. Scores are `<part>.<unit>.<score>`; those per track are
    `<part>.<score>`, too.
    """
    state = run.state
    facts: dict[str, Any] = {key: state.get(key, "") for key in ("sweep", "created", "changed")}
    facts |= {"run": run.name, "status": run.status, "command": state.get("command", "")}
    with suppress(RunError):
        facts |= facts_of_config(run.read_config())
    with suppress(RunError):
        metrics = run.read_metrics()
        facts |= {
            "dataset": metrics.dataset.name,
            "generated": metrics.dataset.generated,
            "split": metrics.split.name,
            "leaky": metrics.split.leaky,
            "seed": metrics.seed,
            "epochs": metrics.selection.epochs,
            "parameters": metrics.model.parameters,
            "macs": metrics.model.macs,
            "pretraining": metrics.model.pretraining,
        }
        for part, scores in metrics.parts.items():
            for unit in ("segment", "track"):
                for name, value in vars(scores.of(unit)).items():
                    if isinstance(value, int | float):
                        facts[f"{part}.{unit}.{name}"] = value
                        if unit == "track":
                            facts[f"{part}.{name}"] = value
    return facts


def facts_of_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings by dotted key, and what each group chooses; a model by its preset."""
    groups = ((key, value) for key, value in config.items() if isinstance(value, Mapping))
    names = {k: v.get("preset") or v["name"] for k, v in groups if "name" in v}
    return {**dict(flat(config)), **names}


def _in_python(token: re.Match[str]) -> str:
    """Return how Python writes a comparison: `==` for `=`, and its bare word as a text."""
    quoted, compared, word = token.groups()
    if quoted:
        return str(quoted)
    value = repr(word) if word else ""
    if word.lower() in _WORDS:
        value = repr(_WORDS[word.lower()])
    elif re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", word, re.IGNORECASE):
        number = float(word)
        value = repr(int(word) if re.fullmatch(r"[+-]?\d+", word) else number)
        if not math.isfinite(number):
            raise SyntaxError(f"{word} is no number that a run has")
    return f" {'==' if compared == '=' else compared} {value}"


def _condition(node: ast.expr, keys: set[str]) -> Callable[[Facts], bool]:
    """Return what a part of a condition means, and add what it asks for to `keys`."""
    match node:
        case ast.BoolOp():
            parts = [_condition(value, keys) for value in node.values]
            every = all if isinstance(node.op, ast.And) else any
            return lambda facts: every(part(facts) for part in parts)
        case ast.UnaryOp(op=ast.Not()):
            inner = _condition(node.operand, keys)
            return lambda facts: not inner(facts)
        case ast.Compare(ops=[compared]):
            key, expected = _key(node.left), _value(node.comparators[0])
            allowed: dict[type[ast.cmpop], Any] = {
                **dict.fromkeys(_ORDERS, str | int | float),
                **dict.fromkeys((ast.Eq, ast.NotEq), object),
                **dict.fromkeys((ast.In, ast.NotIn), list),
            }
            truth = isinstance(expected, bool) and type(compared) in _ORDERS
            if truth or not isinstance(expected, allowed.get(type(compared), ())):
                raise SyntaxError(f"{key} cannot be compared so with {shown(expected)}")
            keys.add(key)
            return lambda facts: _compare(key, compared, facts.get(key), expected)
        case ast.Compare():
            raise SyntaxError("one comparison behind another; join them by 'and'")
    key = _key(node)
    keys.add(key)
    return lambda facts: bool(facts.get(key))


def _key(node: ast.expr) -> str:
    match node:
        case ast.Name():
            return node.id
        case ast.Attribute():
            return f"{_key(node.value)}.{node.attr}"
    raise SyntaxError("on the left of a comparison stands a key, such as seed or trainer.epochs")


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=str() | int() | float() | None):
            return node.value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float())):
            return -node.operand.value  # type: ignore[attr-defined]
        case ast.Name():
            return _WORDS.get(node.id.lower(), node.id)
        case ast.List() | ast.Tuple():
            return [_value(item) for item in node.elts]
    raise SyntaxError("on the right of a comparison stands a number, a text or [a list] of them")


def _compare(key: str, compared: ast.cmpop, value: Any, expected: Any) -> bool:
    match compared:
        case ast.Eq():
            return bool(value == expected)
        case ast.NotEq():
            return bool(value != expected)
        case ast.In():
            return value in expected
        case ast.NotIn():
            return value not in expected
    if value is None:
        return False
    if isinstance(value, str) != isinstance(expected, str) or isinstance(value, list):
        raise ConfigError(
            f"filter: {key} is {shown(value)}, neither larger nor smaller than {shown(expected)}"
        )
    return _ORDERS[type(compared)](value, expected)
