"""The choices of every config group, and the keys of each, read without importing Hydra."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from genrecls.config.paths import conf_dir
from genrecls.config.plugins import have_plugins
from genrecls.config.registered import REGISTRIES, modules_of
from genrecls.config.values import Allowed, allowed
from genrecls.files.tables import mapping_or_empty

_CHOICE = re.compile(r"^\s*- (?P<group>\w+): (?P<choice>\w+)\s*(?:#\s*(?P<line>.*))?$")


def groups(root: str = "train") -> dict[str, tuple[str, str]]:
    """Return, for each group in the defaults list of `root`, its default and what it is for."""
    text = (conf_dir() / f"{root}.yaml").read_text(encoding="utf-8")
    found = (_CHOICE.match(line) for line in text.splitlines())
    return {m["group"]: (m["choice"], m["line"] or "") for m in found if m}


def choices(group: str) -> dict[str, str]:
    """Return the options of `group`, each with its line of explanation."""
    files = {name: _headline(path) for name, path in listed(group).items()}
    classes = {name: _summary(option) for name, option in unlisted(group).items()}
    return dict(sorted({**classes, **files}.items()))


def listed(group: str, own: Path | None = None) -> dict[str, Path]:
    """Return the options of `group` that have a YAML file, in a folder of the user's too."""
    folders = [folder / group for folder in (own, conf_dir()) if folder]
    return {path.stem: path for folder in folders for path in sorted(folder.glob("*.yaml"))}


def unlisted(group: str) -> dict[str, type[Any]]:
    """Return the options of `group` that are a class only, such as one that was just added.

    A class some of whose keys have no default needs a file, whatever that is called.
    """
    package, _ = REGISTRIES.get(group, (None, None))
    files = listed(group)
    if package is None:
        return {}
    # What is imported may have options of its own; else the sources tell that there are none, for
    # an error need not wait for what validates.
    imported = f"{package}.base" in sys.modules or have_plugins()
    if not imported and modules_of(package).keys() <= files.keys() | _named_in(files.values()):
        return {}
    from genrecls.config.schema import registry_of

    registry = registry_of(group)
    if registry is None:
        return {}
    return {
        name: registry[name] for name in registry if name not in files and _complete(registry[name])
    }


def _named_in(paths: Iterable[Path]) -> set[str]:
    """Return the classes that files choose by their key `name`."""
    texts = (path.read_text(encoding="utf-8") for path in paths)
    return {name for text in texts for name in re.findall(r"^name: (\w+)", text, re.MULTILINE)}


def _complete(option: type[Any]) -> bool:
    return {key.name for key in fields(option)} <= {"name", *class_defaults(option)}


def class_defaults(option: type[Any]) -> dict[str, Any]:
    """Return the defaults of the fields of a class, as plain values."""
    values: dict[str, Any] = {}
    for field in fields(option):
        if field.default is not MISSING:
            values[field.name] = _plain(field.default)
        elif field.default_factory is not MISSING:
            values[field.name] = _plain(field.default_factory())
    return values


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {key: _plain(item) for key, item in vars(value).items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def settable(root: str, words: Sequence[str] = (), own: Path | None = None) -> dict[str, Any]:
    """Return all keys of `root` with their values, nested, as far as files and classes tell.

    Nothing is checked: what cannot be read has no keys.

    Args:
        root: name of the root configuration.
        words: overrides such as `model=cnn`, which choose among the options of groups.
        own: a folder with configurations of the user.
    """
    chosen = {group: default for group, (default, _) in groups(root).items()}
    named = {key: value for key, _, value in (word.partition("=") for word in words)}
    for group in ("experiment", "debug"):
        file = listed(group, own).get(named.get(group, "")) if group in chosen else None
        for entry in mapping_or_empty(file).get("defaults", []) if file else ():
            if isinstance(entry, Mapping):
                changed = {str(key).split("/")[-1]: str(value) for key, value in entry.items()}
                chosen |= {key: value for key, value in changed.items() if key in chosen}
    chosen |= {key: value for key, value in named.items() if key in chosen}
    single = mapping_or_empty(conf_dir() / f"{root}.yaml")
    single.pop("defaults", None)
    return {group: _values(group, option, own) for group, option in chosen.items()} | single


def _values(group: str, option: str, own: Path | None) -> dict[str, Any]:
    """Return the values of an option, those of the options that its file begins with too."""
    file = listed(group, own).get(option)
    if file is None:
        # Only a plugin has classes without a file that a user would look for.
        classes = unlisted(group) if have_plugins() else {}
        return class_defaults(classes[option]) if option in classes else {}
    values = mapping_or_empty(file)
    merged: dict[str, Any] = {}
    for entry in values.pop("defaults", []):
        if isinstance(entry, str) and entry not in {"_self_", option}:
            name, _, part = entry.partition("@")
            inside = _values(group, name, own)
            merged |= {part: inside} if part else inside
    for key, value in values.items():
        inner = merged.get(key)
        merged[key] = (
            inner | value if isinstance(inner, dict) and isinstance(value, dict) else value
        )
    return merged


def allowed_values(root: str, key: str, values: Mapping[str, Any]) -> Allowed:
    """Return what a dotted key of `root` takes, where `values` are all that can be set."""
    group, *path = key.split(".")
    if group not in groups(root):
        return allowed(root, None, key.split("."))
    option = values.get(group)
    inside, name, rest = option, "", path
    for number, step in enumerate(path):
        # A part of an option that is an option itself, such as `features.picture`.
        if isinstance(inside, Mapping) and isinstance(inside.get("name"), str):
            name, rest = inside["name"], path[number:]
        inside = inside.get(step) if isinstance(inside, Mapping) else None
    option_name = option.get("name") if isinstance(option, Mapping) else None
    found = allowed(group, option_name, path)
    return found if found != Allowed() else allowed(group, name, rest)


def other_words(root: str, key: str, value: str, values: Mapping[str, Any]) -> str:
    """Return `"; did you mean 'trainer.epochs=5'?"` for a key without its group, else nothing.

    The key may also stand in a wrong group, be misspelt, or be the initials of one, as `lr` is.

    Args:
        root: name of the root configuration.
        key: what does not exist there.
        value: what it was to be.
        values: all that can be set, nested.
    """
    known = sorted([*groups(root), *dict(flat(values))], key=lambda key: key.count("."))
    ends: dict[str, list[str]] = {}
    for each in known:
        ends.setdefault(each.rpartition(".")[2], []).append(each)
    group, _, name = key.rpartition(".")
    if name not in ends:
        initials = {"".join(part[:1] for part in end.split("_")): end for end in ends if "_" in end}
        close = get_close_matches(name, ends, n=1, cutoff=0.75)
        name = initials.get(name) or next(iter(close), "")
    found = ends.get(name, [])
    found = [each for each in found if each.startswith(f"{group}.")] or found
    # A name that is everywhere, such as `name`, says nothing.
    if not 0 < len(found) <= 3:
        return ""
    words = []
    for each in found:
        several = allowed_values(root, each, values).several and value[:1] != "["
        words.append(f"'{each}=[{value}]'" if several else f"'{each}={value}'")
    return f"; did you mean {' or '.join(words)}?"


def keys(root: str = "train") -> list[str]:
    """Return the commented single keys of a root configuration, as they are written."""
    text = (conf_dir() / f"{root}.yaml").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if re.match(r"^\w+: \S+ +# ", line)]


def _headline(path: Path) -> str:
    with path.open(encoding="utf-8") as file:
        lines = (line for line in file if not line.startswith("# @package"))
        first = next(lines, "")
    return first.lstrip("# ").strip() if first.startswith("#") else ""


def _summary(option: type[Any]) -> str:
    first = (option.__doc__ or "").strip().partition("\n")[0]
    # A dataclass without a docstring gets its own signature for one.
    signature = first.startswith(f"{option.__name__}(")
    return first if first and not signature else f"see {option.__module__}"


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every single value with its dotted key; a list is a single value."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
