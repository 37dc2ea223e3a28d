"""`genrecls config`: the configuration files that there are, to read and to begin with."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from genrecls.cli.arguments import parser_of
from genrecls.cli.verbs import CONFIG_ACTIONS
from genrecls.config.json_schema import SCHEMAS_FOLDER, file_schema, registered_name
from genrecls.config.options import choices, class_defaults, groups, listed, unlisted
from genrecls.config.paths import expanded
from genrecls.config.schema import class_of
from genrecls.console import say, show
from genrecls.errors import ConfigError, nearest, shown
from genrecls.files.atomic import write_text

"""Where the schemas of copied files are, beside the folders of groups."""

# What can be chosen by `GROUP=`: a number, a truth value or null would be read as such.
_NAME = re.compile(r"(?!(?:[\d._e-]+|true|false|null|nan|inf)$)[a-z0-9_][a-z0-9_.-]*", re.I | re.A)


def main(words: Sequence[str]) -> int:
    """Do what the first word says."""
    action, *rest = parser_of("config").read(words).words or ["list"]
    if action not in CONFIG_ACTIONS:
        raise ConfigError(
            f"unknown action '{action}' of 'genrecls config'; allowed: {', '.join(CONFIG_ACTIONS)}"
            f"{nearest(action, CONFIG_ACTIONS)}"
        )
    least, most = CONFIG_ACTIONS[action]
    if not least <= len(rest) <= most:
        raise ConfigError(
            f"config {action}: received {len(rest)} words; see genrecls config --help"
        )
    actions: Mapping[str, Callable[..., None]] = {
        "list": list_options,
        "show": show_option,
        "copy": copy_option,
    }
    actions[action](*rest)
    return 0


def list_options(group: str | None = None) -> None:
    """Print the options of a group, or of all groups, each with its line."""
    known = _groups()
    if group is not None and group not in known:
        raise ConfigError(
            f"unknown group '{group}'; allowed: {', '.join(known)}{nearest(group, known)}"
        )
    for name in (group,) if group else known:
        options = choices(name)
        width = max(map(len, options), default=0)
        show(f"{name}: {known[name]}")
        show("\n".join(f"  {option:<{width}}  {line}" for option, line in options.items()))


def show_option(choice: str) -> None:
    """Print the file of an option such as `model=cnn`, with its comments."""
    show(_text(*_chosen(choice)).rstrip("\n"))


def copy_option(choice: str, folder: str, name: str | None = None) -> None:
    """Write the file of an option into a folder of one's own, with a schema for editors.

    Raises:
        ConfigError: the new name is none that a command line can choose, the file is there already,
            or a place to write to is a file or a link that leads elsewhere.
    """
    group, option = _chosen(choice)
    new = option if name is None else name.removesuffix(".yaml")
    if name is not None and not _NAME.fullmatch(new):
        raise ConfigError(
            f"NEW: received {shown(name)}; expected one name of letters, digits, _ . and - "
            f"that is no number, truth value or null, such as my_{group}"
        )
    root = expanded(folder, "FOLDER")
    path = root / group / f"{new}.yaml"
    _check_folders(root, path.parent)
    if path.exists() or path.is_symlink():
        raise ConfigError(f"{path} is there already; remove it, or give another name behind FOLDER")
    text = _text(group, option)
    registered = registered_name(listed(group)[option]) if option in listed(group) else option
    checked = class_of(group, registered)
    if checked is not None:
        schema = root / SCHEMAS_FOLDER / f"{group}-{registered or group}.json"
        _check_folders(root, schema.parent)
        if schema.is_symlink():
            raise ConfigError(f"{schema} is a link, which is not followed; remove it")
        write_text(schema, json.dumps(file_schema(checked), indent=1) + "\n")
        # Files of ours have this line already, behind the first, which help shows.
        header = f"# yaml-language-server: $schema=../{SCHEMAS_FOLDER}/{schema.name}\n"
        first, _, rest = text.partition("\n")
        text = f"{first}\n{header}{rest.removeprefix(header)}"
    write_text(path, text)
    verb = "train" if group in groups("train") else "sweep"
    say(f"{path}; use it with: genrecls {verb} -cd {shlex.quote(str(root))} {group}={new}")


def _check_folders(root: Path, inside: Path) -> None:
    """Refuse a folder that is something else, or a link inside `root` that leads out of it."""
    if inside.is_symlink():
        raise ConfigError(f"{inside} is a link, which is not followed; remove it")
    for place in (inside, root, *root.parents):
        if place.is_symlink() and not place.exists():
            raise ConfigError(f"FOLDER: {place} is a link to nothing; expected a folder")
        if place.exists() and not place.is_dir():
            raise ConfigError(f"FOLDER: {place} is a file; expected a folder, old or new")


def _groups() -> dict[str, str]:
    """Return all groups, with what they are for."""
    return {
        group: about for root in ("train", "sweep") for group, (_, about) in groups(root).items()
    }


def _chosen(choice: str) -> tuple[str, str]:
    """Return group and option of a word such as `model=cnn`.

    Raises:
        ConfigError: there is no such option.
    """
    group, equals, option = choice.partition("=")
    known = _groups()
    if not equals or group not in known:
        raise ConfigError(
            f"received '{choice}'; expected GROUP=NAME with one of the groups {', '.join(known)}"
            f"{nearest(group, known)}"
        )
    if option not in choices(group):
        raise ConfigError(
            f"{choice}: there is no such option; allowed: {', '.join(choices(group))}"
            f"{nearest(option, choices(group))}"
        )
    return group, option


def _text(group: str, option: str) -> str:
    """Return the file of an option; for one that is only a class, what a file would hold."""
    path: Path | None = listed(group).get(option)
    if path is not None:
        return path.read_text(encoding="utf-8")
    import yaml

    values = {"name": option, **class_defaults(unlisted(group)[option])}
    return f"# {choices(group)[option]}\n{yaml.safe_dump(values, sort_keys=False)}"
