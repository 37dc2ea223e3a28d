"""Plugins: Python files and installed packages whose classes join the registries.

A plugin is named on the command line (`--plugin my_models.py`), by `genrecls.use_plugins` or by an
installed package in the entry point group `genrecls.plugins`; never by a configuration file, which
may come from anywhere and must not run code. Processes that are started inherit the plugins of the
one that starts them by an environment variable.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shlex
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from genrecls.config.paths import expanded
from genrecls.errors import ConfigError, GenreclsError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

VARIABLE = "GENRECLS_PLUGINS"
"""Environment variable with the paths of plugin files, as in `PATH`."""
ENTRY_POINTS = "genrecls.plugins"


@dataclass(frozen=True)
class Plugin:
    """Code that registers options.

    Attributes:
        name: file name, or name of the entry point.
        module: name of the module that was imported for it; of an entry point the whole package,
            for its modules use each other.
        digest: SHA-256 of its source: of the file, or of all Python files of a package.
    """

    name: str
    module: str
    digest: str


_plugins: dict[str, Plugin] = {}
"""What has been imported, by path or by entry point."""


def use_plugins(paths: Iterable[str | Path]) -> None:
    """Let the registries of this process, and of those that it starts, have these plugins.

    Raises:
        ConfigError: there is no such file, or it is no Python file.
    """
    named = [path for path in os.environ.get(VARIABLE, "").split(os.pathsep) if path]
    for each in paths:
        path = expanded(str(each), "--plugin").resolve()
        if not path.exists():
            raise ConfigError(f"--plugin: there is no file {path}; expected a Python file")
        if path.suffix != ".py" or not path.is_file():
            raise ConfigError(f"--plugin: expected a Python file, received {each}")
        if os.pathsep in str(path):
            raise ConfigError(f"--plugin: received {path}; allowed: a path without '{os.pathsep}'")
        if str(path) not in named:
            named.append(str(path))
    if named:
        before = os.environ.get(VARIABLE)
        os.environ[VARIABLE] = os.pathsep.join(named)
        try:
            load_plugins()
        except BaseException:
            # Whoever goes on without it must not meet it again.
            if before is None:
                del os.environ[VARIABLE]
            else:
                os.environ[VARIABLE] = before
            raise


def command_line(verb: str, words: Iterable[str]) -> str:
    """Return the line that gives words and the plugins of this process to a command again."""
    return shlex.join(["genrecls", verb, *words, *plugin_flags()])


def plugin_flags() -> list[str]:
    """Return the words that give the same plugins to another command."""
    paths = os.environ.get(VARIABLE, "").split(os.pathsep)
    return [word for path in paths if path for word in ("--plugin", path)]


def have_plugins() -> bool:
    """Return whether there are options that do not come from genrecls itself."""
    return bool(os.environ.get(VARIABLE)) or bool(_entry_points())


def load_plugins() -> None:
    """Import every plugin that was not imported before.

    Raises:
        ConfigError: a plugin cannot be imported; says which, where and why.
    """
    for path in filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)):
        if path not in _plugins:
            source = Path(path)
            module = f"genrecls_plugin_{source.stem}"
            if any(plugin.module == module for plugin in _plugins.values()):
                # Two files of one name; the first keeps the module that it has always had.
                module += f"_{hashlib.sha256(path.encode()).hexdigest()[:8]}"
            # Before the import, for that may ask a registry, which comes here again.
            _plugins[path] = Plugin(source.name, module, _digest([source]))
            _import(path, f"--plugin {source.name}", partial(_import_file, source, module))
    for entry in _entry_points():
        key = f"{entry.name}={entry.value}"
        if key not in _plugins:
            _plugins[key] = Plugin(entry.name, entry.module, "")
            _import(key, f"plugin {entry.name} ({entry.value})", entry.load)
            package = _package_of(entry.module)
            _plugins[key] = Plugin(entry.name, package, _digest(_sources(package)))


@cache
def _entry_points() -> tuple[EntryPoint, ...]:
    # Not at the top, for help need not wait; nor does one look through all packages twice.
    from importlib import metadata

    return tuple(metadata.entry_points(group=ENTRY_POINTS))


def plugin_of(option: type[Any]) -> Plugin | None:
    """Return the plugin that a registered class comes from; None for one of genrecls itself."""
    for plugin in _plugins.values():
        if option.__module__ == plugin.module or option.__module__.startswith(f"{plugin.module}."):
            return plugin
    return None


def plugin_digests(options: Iterable[object]) -> dict[str, str]:
    """Return the source digests of the plugins that some chosen options come from, by name."""
    digests: dict[str, str] = {}
    for plugin in (plugin_of(type(option)) for option in options):
        if plugin is not None:
            # Of two files of one name the second has another module.
            alike = digests.get(plugin.name, plugin.digest) == plugin.digest
            digests[plugin.name if alike else plugin.module] = plugin.digest
    return digests


def _import(key: str, name: str, load: Any) -> None:
    try:
        load()
    except GenreclsError as error:
        del _plugins[key]
        raise ConfigError(f"{name}: {error}") from None
    except Exception as error:  # noqa: BLE001 - whatever a stranger's module raises
        del _plugins[key]
        raise ConfigError(
            f"{name}: cannot be imported: {type(error).__name__}: {' '.join(str(error).split())}"
            f"{_line_of(error)}"
        ) from None


def _line_of(error: Exception) -> str:
    """Return the last line of an own file that an error has passed, for a message."""
    if isinstance(error, SyntaxError):
        return ""  # It names its place itself.
    trace = error.__traceback__
    place = ""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not file.startswith("<"):
            place = f" ({Path(file).name}, line {trace.tb_lineno})"
        trace = trace.tb_next
    return place


def _import_file(path: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"expected a Python file, received {path}")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and pickles look their module up by its name.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _package_of(module: str) -> str:
    """Return the outermost package with a file that holds an imported module."""
    parts = module.split(".")
    names = [".".join(parts[:count]) for count in range(1, len(parts) + 1)]
    return next((name for name in names if getattr(sys.modules[name], "__file__", None)), module)


def _sources(module: str) -> list[Path]:
    file = getattr(sys.modules[module], "__file__", None)
    if file is None:
        return []
    path = Path(file)
    return sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]


def _digest(paths: Sequence[Path]) -> str:
    content = hashlib.sha256()
    for path in paths:
        content.update(path.name.encode() + b"\0" + path.read_bytes())
    return content.hexdigest()
