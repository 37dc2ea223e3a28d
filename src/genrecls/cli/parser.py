"""The one grammar of all verbs: words, flags and `key=value`, in any order.

Help and completion are made from the same parser objects. What was written otherwise before is
accepted in this version, with one line that names the new word.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genrecls.config.aliases import tell_new_name
from genrecls.config.options import choices, groups, keys, other_words, settable
from genrecls.config.overrides import quoted
from genrecls.config.paths import expanded
from genrecls.errors import ConfigError, nearest
from genrecls.runtime.parser import Parser
from genrecls.runtime.standard_streams import write_line

# Flags of Hydra that are no longer understood, each with what does the same.
_GONE = {
    "--hydra-help": "'genrecls train --help' lists all flags",
    "--shell-completion": "use genrecls --completion bash",
    "-sc": "use genrecls --completion bash",
    "--config-path": "use -cd FOLDER",
    "-cp": "use -cd FOLDER",
    "--run": "leave it out",
    "-r": "leave it out",
    "--multirun": "'genrecls sweep' trains several; here repeat the command for each",
    "-m": "'genrecls sweep' trains several; here repeat the command for each",
    "--experimental-rerun": "run.json in the folder of a run holds its command",
}
_INFO = {"all", "config", "defaults", "defaults-tree", "plugins", "searchpath"}


@dataclass(frozen=True)
class Setting:
    """A key that a verb takes without a configuration file of its own.

    Attributes:
        default: what it is without the word, as help shows it.
        about: what it is for.
    """

    default: str
    about: str


OUTPUT_ROOT = {"output_root": Setting("outputs", "where run folders are")}


def folder(word: str) -> Path:
    """Return the path that a word means; `~` is the home folder."""
    return expanded(word, "a path")


def number(word: str) -> int:
    """Return a whole number from 1 on; a type of argparse.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    if not word.isdecimal() or int(word) < 1:
        raise argparse.ArgumentTypeError(f"received '{word}'; allowed: whole numbers from 1")
    return int(word)


def numbers(words: str) -> tuple[int, ...]:
    """Return whole numbers from 1 on, with commas between them; a type of argparse."""
    return tuple(dict.fromkeys(number(word.strip()) for word in words.split(",")))


def share(word: str) -> float:
    """Return a number between 0 and 1; a type of argparse.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        value = float(word)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"received '{word}'; allowed: above 0, below 1")
    return value


class VerbParser(Parser):
    """The words that stand behind a verb.

    Args:
        verb: name of the verb, with its action if it has some.
        about: what it does.
        words: how its plain words are shown, such as `[RUN]`; empty where it takes none.
        root: root configuration whose groups and keys can be set.
        also: another one whose groups and keys are taken too, without a line in the help.
        settings: keys of a verb without a root configuration.

    Attributes:
        candidates: what can stand as a plain word, for completion; runs and files need not be
            named, for `words` says that they can.
    """

    def __init__(
        self,
        verb: str,
        about: str,
        *,
        words: str = "",
        root: str | None = None,
        also: str | None = None,
        settings: dict[str, Setting] | None = None,
    ) -> None:
        super().__init__(
            prog=f"genrecls {verb}", description=about, add_help=False, allow_abbrev=False
        )
        self.shown_words = words
        self.candidates: Callable[[], Iterable[str]] = tuple
        self.root, self.roots = root, tuple(filter(None, (root, also)))
        self.settings = settings or {}
        takes = (*self.settings, *(("data_root", "output_root") if self.roots else ()))
        self.old_flags = {f"--{key.replace('_', '-')}": f"{key}=" for key in takes}
        self.add_argument("words", nargs="*", help=argparse.SUPPRESS)
        self.add_argument("-h", "--help", action="store_true", help="show this text and stop")
        # Taken out by `cli.main` before a verb reads its words, for it adds options to the groups.
        self.add_argument("--plugin", metavar="FILE", help="Python file with options of your own")

    def add_output_folder(self, help: str, old: str) -> None:  # noqa: A002 - as argparse has it
        """Take `--output FOLDER`, which was called `old` before."""
        self.add_argument("--output", type=folder, metavar="FOLDER", help=help)
        self.rename_flag(old, "--output")

    def rename_flag(self, old: str, new: str) -> None:
        """Accept `old` for the flag or the `key=` that `new` names, and say so."""
        self.old_flags[old] = new

    def read(self, words: Sequence[str]) -> argparse.Namespace:
        """Return the flags, with plain `words` and `overrides` beside them; settings are paths.

        Raises:
            ConfigError: a flag that the verb does not have, or one without its value.
        """
        options, unknown = self.parse_known_intermixed_args(self._current(words))
        for flag in unknown:
            name = flag.partition("=")[0]
            known = [option for action in self._actions for option in action.option_strings]
            hint = self._as_override(flag, words) or nearest(name, known)
            raise ConfigError(f"unknown flag {flag}; see '{self.prog} --help'{hint}")
        given, options.words, options.overrides = options.words, [], []
        for name, setting in self.settings.items():
            setattr(options, name, Path(setting.default))
        for word in given:
            key, equals, value = word.partition("=")
            if key in self.settings and equals:
                setattr(options, key, expanded(value, key))
            elif self.roots and (equals or not self.shown_words) and not self._is_file(word):
                options.overrides.append(word)
            else:
                options.words.append(word)
        return options

    def _is_file(self, word: str) -> bool:
        """Return whether a word with an equals sign is the name of a file that a verb takes."""
        return bool(self.shown_words) and Path(word).is_file()

    def _current(self, words: Sequence[str]) -> list[str]:
        """Return the words with the flags of before replaced by their new words."""
        current: list[str] = []
        left = list(words)
        while left:
            word = left.pop(0)
            flag, equals, value = word.partition("=")
            if flag in {"--info", "-i"} and left and left[0] in _INFO:
                left.pop(0)
            known = flag in self._option_string_actions
            if flag in _GONE and not known and not self._as_override(word, words):
                raise ConfigError(f"{flag}: this flag is gone; {_GONE[flag]}")
            new = self.old_flags.get(flag)
            if new is None:
                current.append(word)
                continue
            if new.endswith("="):
                if not equals and not left:
                    raise ConfigError(f"{flag}: expected a value; see '{self.prog} --help'")
                equals, value = "", value if equals else left.pop(0)
            tell_new_name(flag, new)
            current.append(f"{new}{equals}{value}")
        return current

    def _as_override(self, flag: str, words: Sequence[str]) -> str:
        """Return the `key=value` that an unknown flag was meant to be, as the end of a message."""
        name, equals, value = flag.partition("=")
        if not equals:
            # Behind a flag for a switch stands no value.
            following = list(words)[words.index(flag) + 1 :][:1] if flag in words else []
            value = next(
                (word for word in following if word[:1] != "-" and "=" not in word), "true"
            )
        key = name.lstrip("-").replace("-", "_")
        hints = (other_words(root, key, value, settable(root, words)) for root in self.roots)
        return next(filter(None, hints), "")

    @property
    def shown_actions(self) -> list[argparse.Action]:
        """The flags of help and completion."""
        return [a for a in self._actions if a.option_strings and a.help != argparse.SUPPRESS]

    def format_help(self) -> str:
        """Return usage, flags, and what can be set, from the YAML files and this parser."""
        parts = [f"usage: {self._usage()}", self.description or ""]
        parts.append(_block("flags", [(_shown(a), a.help or "") for a in self.shown_actions]))
        if self.settings:
            rows = [(f"{name}={s.default}", s.about) for name, s in self.settings.items()]
            parts.append(_block("keys", rows))
        if self.root is not None:
            if blocks := [_group(self.root, group) for group in groups(self.root)]:
                parts.append("groups (the default is marked *)\n" + "\n".join(blocks))
            rows = [
                (setting.strip().replace(": ", "="), about)
                for setting, _, about in (line.partition(" # ") for line in keys(self.root))
            ]
            parts += [_block("keys", rows)] if rows else []
        return "\n\n".join([*parts, *filter(None, [self.epilog])]) + "\n"

    def _usage(self) -> str:
        takes = ["[flags]"]
        if self.root is not None:
            takes.append("[group=choice ...] [key=value ...]" if groups(self.root) else "")
            takes[-1] = takes[-1] or "[key=value ...]"
        takes += [f"[{name}=...]" for name in self.settings]
        return " ".join(filter(None, [self.prog, self.shown_words, *takes]))


def run_overrides(words: Sequence[str]) -> list[str]:
    """Return the override that names the run of a plain word; nothing without a word.

    Raises:
        ConfigError: there are several.
    """
    if len(words) > 1:
        raise ConfigError(f"received {len(words)} runs ({', '.join(words)}); expected at most one")
    return [f"run={quoted(str(expanded(word, 'run')))}" for word in words]


def refuse_words(words: Sequence[str]) -> None:
    """Refuse plain words of a verb that takes none.

    Raises:
        ConfigError: there is one.
    """
    if words:
        raise ConfigError(f"received '{words[0]}'; expected nothing but flags and key=value")


def split_plugins(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the words without `--plugin FILE`, which every verb takes, and the files.

    Raises:
        ConfigError: no file stands behind the flag.
    """
    rest: list[str] = []
    plugins: list[str] = []
    left = iter(words)
    for word in left:
        flag, equals, value = word.partition("=")
        if flag != "--plugin":
            rest.append(word)
        elif file := value if equals else next(left, ""):
            plugins.append(file)
        else:
            raise ConfigError("--plugin: expected a Python file behind it, received nothing")
    return rest, plugins


def add_configuration_flags(parser: VerbParser) -> None:
    """Add the flags of a verb that composes a configuration."""
    parser.add_argument(
        "--cfg", "-c", choices=("job",), help="print the composed configuration and stop"
    )
    parser.add_argument("--package", "-p", metavar="KEY", help="with --cfg: only this part of it")
    parser.add_argument(
        "--resolve", action="store_true", help="with --cfg: references are replaced by values"
    )
    parser.add_argument(
        "--info", "-i", action="store_true", help="print which files make it, and stop"
    )
    parser.add_argument(
        "--config-dir", "-cd", metavar="FOLDER", help="a folder with configurations of your own"
    )
    parser.add_argument(
        "--config-name", "-cn", metavar="NAME", help="a root configuration of your own"
    )


def show_configuration(root: str, options: argparse.Namespace) -> bool:
    """Print what `--cfg` or `--info` asks for; return whether one of them was given."""
    place = (options.config_dir, options.config_name)
    if options.cfg:
        from genrecls.config.compose import composed_yaml

        text = composed_yaml(
            root, options.overrides, *place, package=options.package, resolve=options.resolve
        )
    elif options.info:
        from genrecls.config.compose import chosen_options, source_of

        chosen = chosen_options(root, options.overrides, *place)
        rows = [
            (f"{group}/{option}", source_of(group, option, options.config_dir))
            for group, option in sorted(chosen.items())
            if option is not None
        ]
        text = (
            _block("the option of each group, and where it stands", rows) if rows else "no groups"
        )
    else:
        return False
    write_line(text.rstrip("\n"))
    return True


def _shown(action: argparse.Action) -> str:
    value = ""
    if action.nargs != 0:
        value = f"{action.metavar or '|'.join(map(str, action.choices or ())) or 'VALUE'}"
        value = f" [{value}]" if action.nargs == "?" else f" {value}"
    return ", ".join(action.option_strings) + value


def _group(root: str, group: str) -> str:
    default, about = groups(root)[group]
    rows = [
        f"    {'*' if choice == default else ' '} {choice:<30} {line}"
        for choice, line in choices(group).items()
    ]
    return "\n".join([f"  {group}: {about}", *rows])


def _block(title: str, rows: Sequence[tuple[str, Any]]) -> str:
    """Return lines of two columns under a title."""
    width = min(30, max(len(name) for name, _ in rows))
    return "\n".join([title, *(f"  {name:<{width}}  {about}" for name, about in rows)])
