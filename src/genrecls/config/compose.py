"""Configurations from YAML files and overrides: with `overrides`, the only importer of Hydra.

Of Hydra its `compose` and the parser of overrides are used, and nothing else: no `hydra.main`, no
launcher, no callback, no logging. A configuration may come from anywhere, so it may choose among
registered options and set values; whatever Hydra would import and call for it is refused.
"""

from __future__ import annotations

import os
import pickle
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from genrecls.config.aliases import CHOICES, current_config, tell_new_name
from genrecls.config.foreign_files import check_file
from genrecls.config.options import (
    choices,
    class_defaults,
    groups,
    listed,
    other_words,
    unlisted,
)
from genrecls.config.overrides import check_overrides, choices_and_values
from genrecls.config.paths import conf_dir, own_folder
from genrecls.console import warn
from genrecls.errors import ConfigError, GenreclsError, nearest

if TYPE_CHECKING:
    from omegaconf import DictConfig

    # A configuration, and the option of each group, those too that an `experiment` file chose.
    Composition: TypeAlias = tuple[DictConfig, dict[str, str | None]]

_NOT_THERE = re.compile(
    r"(?:Could not (?:override|delete from config\.)|Error merging override) '?([\w./@-]+)"
)
# As it may stand in the name of a folder.
_PRESET = re.compile(r"[\w.+-]+")
_IN_FILE = re.compile(r"^In '([^']+)'")
# What `debug=smoke` chooses.
_TINY = "synth_tiny"


def compose(
    root: str,
    overrides: Sequence[str],
    config_dir: str | None = None,
    config_name: str | None = None,
) -> dict[str, Any]:
    """Return the plain values of `conf/<root>.yaml` with `overrides`.

    Args:
        root: name of the root configuration.
        overrides: words such as `model=cnn` and `trainer.epochs=5`.
        config_dir: a folder with configurations of the user, searched after ours.
        config_name: a root configuration to use instead, which may lie in that folder.

    Raises:
        ConfigError: the overrides do not fit the configuration.
    """
    config, choices_of = _compose(root, overrides, config_dir, config_name)
    data = choices_of.get("dataset")
    if choices_of.get("debug") == "smoke" and data != _TINY:
        warn(
            f"debug=smoke: dataset={data} beside it is used whole; without it the data are tiny "
            f"and generated (dataset={_TINY})"
        )
    chosen = str(choices_of.get("model", ""))
    values = _plain(config)
    model = values.get("model")
    # A file such as `crnn_micro.yaml` holds the name of its family, so its own would be lost.
    if isinstance(model, dict) and chosen != model.get("name") and _PRESET.fullmatch(chosen):
        model["preset"] = chosen
    return values


def composed_yaml(
    root: str,
    overrides: Sequence[str],
    config_dir: str | None = None,
    config_name: str | None = None,
    *,
    package: str | None = None,
    resolve: bool = False,
) -> str:
    """Return what `compose` returns as YAML.

    Of `package`, a dotted key, only what is below it is returned; with `resolve` references are
    replaced by their values.
    """
    from omegaconf import OmegaConf

    config: Any = _compose(root, overrides, config_dir, config_name)[0]
    with _one_line_errors(root, overrides, config_dir):
        part = config if package is None else OmegaConf.select(config, package)
        if not OmegaConf.is_config(part):
            raise ConfigError(f"--package: '{package}' is no group of the configuration")
        text = OmegaConf.to_yaml(part, resolve=resolve)
    return text if package is None else f"# @package {package}\n{text}"


def chosen_options(
    root: str,
    overrides: Sequence[str],
    config_dir: str | None = None,
    config_name: str | None = None,
) -> dict[str, str | None]:
    """Return the option of each group, those too that an `experiment` file has chosen."""
    return _compose(root, overrides, config_dir, config_name)[1]


def _compose(
    root: str, overrides: Sequence[str], config_dir: str | None, config_name: str | None
) -> Composition:
    """Return the composed configuration, and the option of each group."""
    words = check_overrides(root, overrides)
    folder = own_folder(config_dir)
    with _one_line_errors(root, words, config_dir):
        divided = None
        if folder is None and config_name is None:
            divided = choices_and_values(words)
        if divided is None:
            return _compose_by_hydra(config_name or root, words, folder)
        from hydra._internal.config_loader_impl import ConfigLoaderImpl

        files, values = divided
        composed, chosen = _compose_files(root, files, _state_of_files())
        config = pickle.loads(composed)  # noqa: S301 - our own
        # As Hydra itself does it, which sets values after it has put all files together.
        ConfigLoaderImpl._apply_overrides_to_config(values, config)
    return config, dict(chosen)


@lru_cache(maxsize=128)
def _compose_files(
    root: str,
    words: tuple[str, ...],
    state: object,  # noqa: ARG001
) -> tuple[bytes, dict[str, str | None]]:
    """Return what files of ours are together, as a pickle, and the option of each group.

    The trainings of a sweep differ in values, and an explanation of a wrong key composes again: to
    put files together takes most of the time, and is done once.

    Args:
        root: name of the root configuration.
        words: overrides that choose files.
        state: of the files; where one was changed they are read again.
    """
    config, chosen = _compose_by_hydra(root, words, None)
    # A pickle gives each caller a copy of its own in half the time of `deepcopy`.
    return pickle.dumps(config), chosen


def _state_of_files() -> tuple[tuple[str, int, int], ...]:
    """Return name, time of change and size of every configuration file of ours."""
    paths = (
        os.path.join(folder, name)  # noqa: PTH118 - a path object would take most of the time
        for folder, _, names in os.walk(conf_dir())
        for name in names
    )
    stats = ((path, os.stat(path)) for path in paths)  # noqa: PTH116 - so would this
    return tuple((path, stat.st_mtime_ns, stat.st_size) for path, stat in stats)


def _compose_by_hydra(name: str, overrides: Sequence[str], folder: Path | None) -> Composition:
    """Return what Hydra composes, without its own node.

    Args:
        name: of the root configuration.
        overrides: words that were checked.
        folder: with configurations of the user.
    """
    import hydra
    from hydra.core.override_parser.types import Quote, QuotedString
    from hydra.errors import MissingConfigException
    from omegaconf import open_dict

    _register_file_check()
    words, first = list(overrides), conf_dir()
    if folder is not None:
        second = folder
        if not (first / f"{name}.yaml").is_file():
            # Hydra looks for a root configuration in the first folder alone.
            first, second = folder, first
        # Hydra takes this text as it is: a `${` in it is no reference, so it needs no escape.
        source = QuotedString(f"file://{second}", Quote.single).with_quotes()
        words.insert(0, f"hydra.searchpath=[{source}]")
    with hydra.initialize_config_dir(str(first), version_base="1.3"):
        while True:
            try:
                config = hydra.compose(name, words, return_hydra_config=True)
                break
            except MissingConfigException as error:
                missing = str(error.missing_cfg_file or "")
                if not (_register_old_choice(missing) or _register_unlisted(missing)):
                    raise
    if config.hydra.callbacks:
        raise ConfigError(
            "hydra.callbacks: received callbacks; a configuration may not name code to run, so "
            "remove them"
        )
    chosen = {str(group): option for group, option in config.hydra.runtime.choices.items()}
    with open_dict(config):
        del config["hydra"]
    return config, {
        group: option for group, option in chosen.items() if not group.startswith("hydra/")
    }


@cache
def _register_file_check() -> None:
    """Let Hydra check every file that it reads, but for our own.

    Once in a process: to register takes as long as an eighth of a composition.
    """
    import yaml
    from hydra._internal.core_plugins.file_config_source import FileConfigSource
    from hydra._internal.sources_registry import SourcesRegistry
    from hydra.conf import JobConf, OverridesConf, RuntimeConf
    from hydra.core.config_store import ConfigStore
    from hydra.core.plugins import Plugins
    from hydra.plugins.config_source import ConfigResult
    from omegaconf import OmegaConf
    from omegaconf._utils import get_yaml_loader

    class FastLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        # What counts as a number, for one.
        yaml_implicit_resolvers = get_yaml_loader().yaml_implicit_resolvers

    @lru_cache(maxsize=256)
    def own_file(path: Path, _changed: int, _size: int) -> tuple[bytes, str]:
        text = path.read_text(encoding="utf-8")
        # As a pickle, from which each composition makes nodes of its own in a fifth of the time.
        node = OmegaConf.create(yaml.load(text, FastLoader))  # noqa: S506
        return pickle.dumps(node), text[:512]

    class CheckedFiles(FileConfigSource):
        def load_config(self, config_path: str) -> ConfigResult:
            folder = Path(self.path)
            path = folder / self._normalize_file_name(config_path)
            if folder != conf_dir() or not path.is_file():
                check_file(path, folder)
                return super().load_config(config_path)
            state = path.stat()
            node, beginning = own_file(path, state.st_mtime_ns, state.st_size)
            return ConfigResult(
                config=pickle.loads(node),  # noqa: S301 - our own
                path=f"{self.scheme()}://{self.path}",
                provider=self.provider,
                header=self._get_header_dict(beginning),
            )

    # Not before Hydra has registered its own class, which it does once.
    Plugins.instance()
    SourcesRegistry.instance().types[CheckedFiles.scheme()] = CheckedFiles
    # What composing reads and writes. Launchers, logging and help of Hydra are not used, and to
    # compose them takes as long as ours.
    used = {
        "searchpath": [],
        "callbacks": {},
        "overrides": OverridesConf(),
        "job": JobConf(),
        "runtime": RuntimeConf(),
    }
    ConfigStore.instance().store("config", used, group="hydra", provider="hydra")


def _register_unlisted(file: str) -> bool:
    """Make an option that has no YAML file known to Hydra, with the defaults of its class."""
    from hydra.core.config_store import ConfigStore

    group, _, name = file.rpartition("/")
    option = unlisted(group).get(name)
    if option is None:
        return False
    # Plain values, for a dataclass would make Hydra validate, in words of its own.
    node = {**class_defaults(option), "name": name}
    ConfigStore.instance().store(name=name, group=group, node=node)
    return True


def _register_old_choice(file: str) -> bool:
    """Make an option known under its old name, which the defaults list of a user's file has."""
    group, _, name = file.rpartition("/")
    current = CHOICES.get(group, {}).get(name)
    if current is None:
        return False
    from hydra.core.config_store import ConfigStore

    ConfigStore.instance().store(name=name, group=group, node={"defaults": [current]})
    tell_new_name(f"{group}={name}", f"{group}={current}")
    return True


def _plain(config: DictConfig) -> dict[str, Any]:
    """Return plain values in their present names, references resolved."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        mapping: Mapping[Any, Any] = OmegaConf.to_container(  # type: ignore[assignment]
            config, resolve=True
        )
    except OmegaConfBaseException as error:
        reason = str(error).partition("\n")[0]
        raise ConfigError(f"{error.full_key}: cannot be resolved: {reason}") from None
    return current_config({str(key): value for key, value in mapping.items()}, tell=True)


@contextmanager
def _one_line_errors(root: str, overrides: Sequence[str], config_dir: str | None) -> Iterator[None]:
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
        raise ConfigError(_explain(root, overrides, config_dir, str(error))) from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"a configuration file is no valid UTF-8 YAML: {_line(error)}") from None
    except (ValueError, AssertionError) as error:
        raise ConfigError(f"the configuration cannot be composed: {_line(error)}") from None


def _line(error: object) -> str:
    return " ".join(str(error).split())


def _missing_choice(error: Any) -> str:
    missing = str(error.missing_cfg_file or "")
    group, _, choice = missing.rpartition("/")
    # Hydra knows files alone, and those of the user's folder too.
    known = sorted({*map(str, error.options or ()), *choices(group)})
    known = [option for option in known if option not in CHOICES.get(group, {})]
    if missing and not group:
        known = sorted(path.stem for path in conf_dir().glob("*.yaml"))
        return (
            f"-cn: received '{missing}'; allowed: {', '.join(known)}, or a file in the folder "
            f"that -cd names{nearest(missing, known)}"
        )
    if not known:
        return _line(error)
    return f"{group}={choice}: no such choice; allowed: {', '.join(known)}{nearest(choice, known)}"


def _explain(root: str, overrides: Sequence[str], config_dir: str | None, message: str) -> str:
    """Return what Hydra says in one line, with the keys that exist where one does not."""
    unknown = _NOT_THERE.search(message)
    problem = _unknown_key(root, overrides, config_dir, unknown[1]) if unknown else ""
    if not problem:
        return _line(message)
    file = _IN_FILE.match(message)
    return f"{problem} (in {file[1]}.yaml)" if file else problem


def _unknown_key(root: str, overrides: Sequence[str], config_dir: str | None, key: str) -> str:
    """Say where the way to `key` ends, and what there is instead; nothing where it does not."""
    others = [word for word in overrides if not word.lstrip("+~").startswith(key)]
    place: Any = None
    # Where no word names the key a file does, and composing the same again would fail the same.
    if len(others) < len(overrides):
        with suppress(ConfigError):
            place = compose(root, others, config_dir)
    if place is None:
        place = compose(root, [])
    passed: list[str] = []
    whole: Mapping[str, Any] = place
    given = next((word.partition("=")[2] for word in overrides if word.startswith(f"{key}=")), None)
    for step in key.split("."):
        problem = _step_problem(root, place, ".".join(passed), step)
        if problem and given is not None and "; did you mean" not in problem:
            return problem + other_words(root, key, given, whole)
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


def source_of(group: str, option: str, config_dir: str | None = None) -> str:
    """Return where an option stands: its YAML file, or the module of its class."""
    own = own_folder(config_dir)
    for path in (listed(group).get(option), own and own / group / f"{option}.yaml"):
        if path is not None and path.is_file():
            return str(path)
    return unlisted(group)[option].__module__ if option in unlisted(group) else "?"
