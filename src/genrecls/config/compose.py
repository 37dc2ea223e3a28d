"""Composition of configurations with Hydra, its errors turned into one line each."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from genrecls.config.catalogue import choices, groups
from genrecls.config.location import conf_dir
from genrecls.console import fail
from genrecls.errors import ConfigError, GenreclsError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NOT_THERE = re.compile(r"Could not (?:override|delete) (?:from config\. )?'([^']+)'")


def run_hydra(root: str, words: Sequence[str], task: Callable[[dict[str, Any]], Any]) -> None:
    """Let Hydra compose `conf/<root>.yaml` with the overrides and flags in `words`.

    Args:
        root: name of the root configuration.
        words: command line behind the verb; all of Hydra's own flags work.
        task: called with the composed plain values, once a job.

    Raises:
        ConfigError: the overrides do not fit the configuration.
    """
    import hydra
    from omegaconf import DictConfig, OmegaConf

    failures: list[Exception] = []

    def job(config: DictConfig) -> None:
        # Hydra announces an exception that leaves a job with lines of its own, and other jobs of a
        # multirun must go on.
        try:
            task(_as_mapping(OmegaConf.to_container(config, resolve=True)))
        except Exception as error:  # noqa: BLE001 - raised again below
            failures.append(error)

    main = hydra.main(config_path=str(conf_dir()), config_name=root, version_base="1.3")(job)
    argv, sys.argv = sys.argv, ["genrecls", *words]
    # Else Hydra prints its own several lines and ends the process.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    register_unlisted()
    try:
        with _one_line_errors(root, words):
            main()
    finally:
        sys.argv = argv
    for failure in failures[1:]:
        fail(str(failure))
    if failures:
        raise failures[0]


def compose(root: str, overrides: Sequence[str]) -> dict[str, Any]:
    """Return the plain values of `conf/<root>.yaml` with `overrides`, without starting a job.

    Raises:
        ConfigError: the overrides do not fit the configuration.
    """
    import hydra
    from omegaconf import OmegaConf

    register_unlisted()
    with (
        _one_line_errors(root, overrides),
        hydra.initialize_config_dir(str(conf_dir()), version_base="1.3"),
    ):
        config = hydra.compose(root, overrides=list(overrides))
        return _as_mapping(OmegaConf.to_container(config, resolve=True))


def register_unlisted() -> None:
    """Make options that have no YAML file known to Hydra, with the defaults of their class."""
    import dataclasses

    from hydra.core.config_store import ConfigStore

    from genrecls.config.experiment import SELECTED

    for group, registry in SELECTED.items():
        for name in set(registry) - set(choices(group)):
            fields = dataclasses.fields(registry[name])
            node = {
                field.name: field.default
                for field in fields
                if field.default is not dataclasses.MISSING
            }
            ConfigStore.instance().store(name=name, group=group, node={**node, "name": name})


@contextmanager
def _one_line_errors(root: str, words: Sequence[str]) -> Iterator[None]:
    from hydra.errors import HydraException, MissingConfigException
    from omegaconf.errors import OmegaConfBaseException

    try:
        yield
    except GenreclsError:
        raise
    except MissingConfigException as error:
        raise ConfigError(_missing_choice(error)) from None
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(_explain(root, words, str(error))) from None


def _missing_choice(error: Any) -> str:
    missing = str(error.missing_cfg_file or "")
    group, _, choice = missing.rpartition("/")
    known = [str(option) for option in error.options or ()] or list(choices(group))
    if not group or not known:
        return " ".join(str(error).split())
    return f"{group}={choice}: no such choice; allowed: {', '.join(known)}{nearest(choice, known)}"


def _explain(root: str, words: Sequence[str], message: str) -> str:
    found = _NOT_THERE.search(message)
    if found:
        return _unknown_key(root, words, found[1])
    return " ".join(message.split())


def _unknown_key(root: str, words: Sequence[str], key: str) -> str:
    """Say which keys there are where an override names one that is not."""
    kept = [word for word in words if not word.lstrip("+~").startswith(f"{key}=")]
    parent, _, last = key.rpartition(".")
    place: Any = compose(root, [word for word in kept if "=" in word and not word.startswith("-")])
    for step in parent.split(".") if parent else ():
        place = place.get(step) if isinstance(place, dict) else None
    allowed = [str(name) for name in place] if isinstance(place, dict) else []
    if not parent:
        allowed = sorted({*allowed, *groups(root)})
    where = f"; allowed: {', '.join(allowed)}" if allowed else f"; '{parent}' has no keys"
    return f"{key}: unknown key{nearest(last, allowed)}{where}"


def _as_mapping(values: Any) -> dict[str, Any]:
    mapping: Mapping[Any, Any] = values
    return {str(key): value for key, value in mapping.items()}
