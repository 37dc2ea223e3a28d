"""Composition of configurations with Hydra, its errors turned into one line each."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from genrecls.config.aliases import current_config
from genrecls.config.inert import inert_hydra
from genrecls.config.options import choices, groups, unlisted
from genrecls.config.overrides import Words, check_overrides, read_words
from genrecls.config.paths import conf_dir
from genrecls.console import fail
from genrecls.errors import ConfigError, GenreclsError, Interrupted, RunError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from omegaconf import DictConfig

_NOT_THERE = re.compile(
    r"(?:Could not (?:override|delete from config\.)|Error merging override) '?([\w./@-]+)"
)
_IN_FILE = re.compile(r"^In '([^']+)'")


class _Stop(BaseException):
    """Ends a multirun from inside a job; Hydra would announce an ordinary exception itself."""


def run_hydra(root: str, words: Sequence[str], task: Callable[[dict[str, Any]], Any]) -> None:
    """Let Hydra compose `conf/<root>.yaml` with the overrides and flags in `words`.

    Args:
        root: name of the root configuration.
        words: command line behind the verb; all of Hydra's own flags work.
        task: called with the composed plain values, once a job.

    Raises:
        ConfigError: the overrides do not fit the configuration.
        RunError: some runs of a multirun failed; the others are done.
    """
    import hydra

    register_unlisted()
    given = read_words(root, words)
    jobs = _Jobs(task)
    main = hydra.main(config_path=str(conf_dir()), config_name=root, version_base="1.3")(jobs.run)
    argv, sys.argv = sys.argv, ["genrecls", *given.flags, *given.overrides]
    # Else Hydra prints its own several lines and ends the process.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        with _one_line_errors(root, given.overrides), inert_hydra():
            main()
    except _Stop:
        pass
    finally:
        sys.argv = argv
    jobs.report(given)


class _Jobs:
    """The jobs of one call: one that fails does not keep the others from running."""

    def __init__(self, task: Callable[[dict[str, Any]], Any]) -> None:
        self._task = task
        self._done = 0
        self._failures: list[tuple[str, Exception]] = []

    def run(self, config: DictConfig) -> None:
        """Do one job; what goes wrong is kept for the end."""
        from hydra.core.hydra_config import HydraConfig
        from omegaconf import OmegaConf

        self._done += 1
        try:
            self._task(_plain(config))
        except Interrupted as error:
            self._failures = [("", error)]
            raise _Stop from None
        except Exception as error:  # noqa: BLE001 - reported below
            # Unresolved: what cannot be resolved may be the very failure.
            task = HydraConfig.get().overrides.task
            overrides: Any = OmegaConf.to_container(task, resolve=False)
            self._failures.append((" ".join(overrides), error))

    def report(self, given: Words) -> None:
        """Raise what went wrong; of several runs each with a line of its own."""
        if not self._failures:
            return
        first = self._failures[0][1]
        alone = not given.multirun or isinstance(first, Interrupted)
        if alone or os.environ.get("GENRECLS_DEBUG"):
            raise first
        for overrides, error in self._failures:
            kind = "" if isinstance(error, GenreclsError) else f"{type(error).__name__}: "
            fail(f"[{overrides}] {kind}{error}")
        raise RunError(f"{len(self._failures)} of {self._done} runs failed; see the lines above")


def compose(root: str, overrides: Sequence[str]) -> dict[str, Any]:
    """Return the plain values of `conf/<root>.yaml` with `overrides`, without starting a job.

    Raises:
        ConfigError: the overrides do not fit the configuration.
    """
    import hydra

    register_unlisted()
    checked = check_overrides(root, overrides)
    with (
        _one_line_errors(root, checked),
        hydra.initialize_config_dir(str(conf_dir()), version_base="1.3"),
    ):
        return _plain(hydra.compose(root, overrides=checked))


def register_unlisted() -> None:
    """Make options that have no YAML file known to Hydra, with the defaults of their class."""
    import dataclasses

    from hydra.core.config_store import ConfigStore

    for group in groups():
        for name, option in unlisted(group).items():
            node: dict[str, Any] = {}
            for field in dataclasses.fields(option):
                if field.default is not dataclasses.MISSING:
                    node[field.name] = _unwrapped(field.default)
                elif field.default_factory is not dataclasses.MISSING:
                    node[field.name] = _unwrapped(field.default_factory())
            ConfigStore.instance().store(name=name, group=group, node={**node, "name": name})


def _unwrapped(value: Any) -> Any:
    """Return plain values: a dataclass would make Hydra validate, in words of its own."""
    import dataclasses

    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {key: _unwrapped(item) for key, item in vars(value).items()}
    return [_unwrapped(item) for item in value] if isinstance(value, list | tuple) else value


def _plain(config: DictConfig) -> dict[str, Any]:
    """Return plain values, references resolved."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        mapping: Mapping[Any, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    except OmegaConfBaseException as error:
        reason = str(error).partition("\n")[0]
        raise ConfigError(f"{error.full_key}: cannot be resolved: {reason}") from None
    return current_config({str(key): value for key, value in mapping.items()}, tell=True)


@contextmanager
def _one_line_errors(root: str, overrides: Sequence[str]) -> Iterator[None]:
    from hydra.errors import HydraException, MissingConfigException
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    try:
        yield
    except GenreclsError:
        raise
    except MissingConfigException as error:
        raise ConfigError(_missing_choice(error)) from None
    except RecursionError:
        raise ConfigError(
            "the configuration cannot be composed: a defaults list leads back to its own file"
        ) from None
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(_explain(root, overrides, str(error))) from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"a configuration file is no valid UTF-8 YAML: {_line(error)}") from None
    except (ValueError, AssertionError) as error:
        raise ConfigError(f"the configuration cannot be composed: {_line(error)}") from None


def _line(error: object) -> str:
    return " ".join(str(error).split())


def _missing_choice(error: Any) -> str:
    missing = str(error.missing_cfg_file or "")
    group, _, choice = missing.rpartition("/")
    known = [str(option) for option in error.options or ()] or list(choices(group))
    if missing and not group:
        known = sorted(path.stem for path in conf_dir().glob("*.yaml"))
        return (
            f"-cn: received '{missing}'; allowed: {', '.join(known)}, or a file in the folder "
            f"that -cd names{nearest(missing, known)}"
        )
    if not known:
        return _line(error)
    return f"{group}={choice}: no such choice; allowed: {', '.join(known)}{nearest(choice, known)}"


def _explain(root: str, overrides: Sequence[str], message: str) -> str:
    found = _NOT_THERE.search(message)
    problem = _unknown_key(root, overrides, found[1]) if found else ""
    if not problem:
        return _line(message)
    file = _IN_FILE.match(message)
    return f"{problem} (in {file[1]}.yaml)" if file else problem


def _unknown_key(root: str, overrides: Sequence[str], key: str) -> str:
    """Say where the way to `key` ends, and what there is instead; nothing where it does not."""
    if key.startswith("hydra."):
        return f"{key}: Hydra has no such setting; 'genrecls {root} --cfg hydra' shows them"
    kept = [word for word in overrides if not word.lstrip("+~").startswith(key)]
    try:
        place: Any = compose(root, kept)
    except ConfigError:
        # Another mistake, or choices that only the user's own folder has.
        place = compose(root, [])
    passed: list[str] = []
    for step in key.split("."):
        problem = _step_problem(root, place, ".".join(passed), step)
        if problem:
            return problem
        place = place[int(step)] if isinstance(place, list) else place[step]
        passed.append(step)
    return ""


def _step_problem(root: str, place: Any, here: str, step: str) -> str:
    key = f"{here}.{step}" if here else step
    if isinstance(place, dict):
        if step in place:
            return ""
        allowed = [str(name) for name in place] if here else sorted({*place, *groups(root)})
        return f"{key}: unknown key; allowed: {', '.join(allowed)}{nearest(step, allowed)}"
    if isinstance(place, list):
        if step.isdecimal() and int(step) < len(place):
            return ""
        return f"{key}: no such item; allowed: 0 to {len(place) - 1}"
    return f"{here}: is a single value; it has no key '{step}'"
