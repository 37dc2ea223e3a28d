"""Every command of the pages at the top and of docs/ is one that the program understands."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from genrecls.cli.arguments import parser_of
from genrecls.cli.sweep import parse as parse_sweep
from genrecls.cli.verbs import VERBS
from genrecls.config.compose import compose
from genrecls.experiment.experiment import parse
from genrecls.experiment.more_epochs import CONTINUE

ROOT = Path(__file__).parents[1]
# Those below docs/reference are made by `make docs`.
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *(
        page
        for page in sorted((ROOT / "docs").rglob("*.md"))
        if page.relative_to(ROOT).parts[1] != "reference"
    ),
]
# Only with the plugin that CONTRIBUTING.md shows: tests/config/test_plugins.py runs that.
PLUGIN = "--plugin my_models.py"


def commands(beginning: str) -> list[str]:
    """Return the indented lines of all pages that begin with a word, continued lines joined."""
    found: dict[str, None] = {}
    for page in PAGES:
        text = re.sub(r"\\\n\s*", "", page.read_text(encoding="utf-8"))
        for line in re.findall(rf"^    ({beginning} .*|{beginning})$", text, flags=re.MULTILINE):
            command = re.split(r"\s{2,}#|\s#\s", line)[0].strip()
            found[re.sub(r"<[^>]*>", "somewhere", command)] = None
    return list(found)


@pytest.mark.parametrize("command", commands("genrecls"))
def test_a_command_of_the_pages_is_understood(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Ray is in no environment of the tests.
    monkeypatch.setattr("genrecls.sweeps.cluster.find_spec", lambda _: object())
    if PLUGIN in command:
        pytest.skip("with a plugin; see tests/config/test_plugins.py")
    verb, *rest = shlex.split(command)[1:]
    assert verb in VERBS
    if verb == "sweep":
        arguments = parse_sweep(rest)
        assert arguments.overrides
    elif verb == "data":
        action, *rest = rest
        parser_of("data", action).read(rest)
    else:
        options = parser_of(verb).read(rest)
        if verb == "train":
            # The run that it names is not there.
            settings = [word for word in options.overrides if not word.startswith(CONTINUE)]
            experiment = parse(compose("train", settings))
            assert experiment.model.name


@pytest.mark.parametrize("command", commands("make"))
def test_a_target_of_the_pages_is_one_of_the_makefile(command: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in command.split()[1:]:
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


@pytest.mark.parametrize("command", commands("python"))
def test_a_script_of_the_pages_is_there_and_knows_its_flags(command: str) -> None:
    _, script, *words = shlex.split(command)
    if script == "-m":
        script = f"{words.pop(0).replace('.', '/')}/__main__.py"
    if script.endswith(".pyz"):
        pytest.skip("an export makes it; see tests/export/bundle/test_standalone.py")
    text = (ROOT / script).read_text(encoding="utf-8")
    assert [word for word in words if word.startswith("--") and f'"{word}"' not in text] == []


def test_the_extras_that_are_named_can_be_installed() -> None:
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    named = {
        extra
        for extras in re.findall(r"genrecls\[([\w,-]+)\]", text)
        for extra in extras.split(",")
    }
    assert named
    assert named <= set(known)


def test_the_table_of_splits_is_the_same_everywhere() -> None:
    rows = [
        re.findall(r"^\| `(?:segment|track|artist)` .* \| `genrecls train.*$", page, re.MULTILINE)
        for page in (
            (ROOT / "README.md").read_text(encoding="utf-8"),
            (ROOT / "docs" / "explanation" / "splits.md").read_text(encoding="utf-8"),
        )
    ]
    assert len(rows[0]) == 3
    assert rows[0] == rows[1]


def test_the_first_page_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 130
