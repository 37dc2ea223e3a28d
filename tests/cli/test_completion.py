"""The completion scripts, run by the shells that they are for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from genrecls.cli.completion import SHELLS, script
from genrecls.cli.verbs import VERBS

pytestmark = pytest.mark.process

EXPECTED = {
    "genrecls tr": {"train"},
    "genrecls ": {*VERBS, "--help", "--version", "--completion"},
    "genrecls train model=c": {"model=cnn", "model=cnn_mlp", "model=crnn", "model=crnn_micro"},
    "genrecls train data": {"dataset=", "dataset.", "data_root="},
    "genrecls train model=rnn trainer.ep": {"trainer.epochs="},
    "genrecls train --cf": {"--cfg"},
    "genrecls sweep model=c": {"model=cnn", "model=cnn_mlp", "model=crnn", "model=crnn_micro"},
    "genrecls sweep jo": {"jobs=", "job_memory_gb="},
    "genrecls data ": {"list", "info", "download", "verify", "split-report", "cache"},
    "genrecls data info dataset=g": {
        "dataset=gtzan",
        "dataset=gtzan_kaggle_pictures",
        "dataset=gtzan_kaggle_table",
    },
    "genrecls reproduce bah": {"bahuleyan2018", "bahuleyan2018_vgg16"},
    "genrecls reproduce --f": {"--finished"},
    "genrecls evaluate dataset": {"dataset_root="},
    "genrecls benchmark --th": {"--threads"},
    "genrecls export cal": {"calibration="},
    "genrecls runs --f": {"--format"},
    "genrecls runs --format j": {"json"},
    "genrecls --completion z": {"zsh"},
}
_BASH = """
eval "$(genrecls --completion bash)"
COMP_LINE="$1" COMP_POINT=${#1}
read -ra COMP_WORDS <<< "$1"
[[ $1 == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_genrecls
printf '%s\\n' "${COMPREPLY[@]}"
"""
# zsh has no way to ask for completions, so a terminal of its own is typed into and read until what
# is expected appears.
_ZSH = """
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "bindkey '^I' complete-word; unsetopt list_beep"
zpty -w shell 'eval "$(genrecls --completion zsh)"; print REA""DY'
zpty -r shell text '*READY*'
zpty -n -w shell "$1"$'\\t'
zpty -r shell text "*$2*"
print -r -- $text
zpty -d shell
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The command in the search path, with the line of its caller and nothing of the user's."""
    command = tmp_path / "bin" / "genrecls"
    command.parent.mkdir()
    command.write_text(f"#!/bin/sh\nexec '{sys.executable}' -m genrecls \"$@\"\n")
    command.chmod(0o755)
    return {
        "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
        "TERM": "dumb",
    }


def ask(
    shell: str, code: str, words: tuple[str, ...], environment: dict[str, str], cwd: Path
) -> str:
    """Return what `code` prints; it finds `words` as its first, second... argument."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    flags = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    done = subprocess.run(
        [shell, *flags, "-c", code, *(() if shell == "fish" else ("shell",)), *words],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
        cwd=cwd,
        timeout=600,
    )
    assert not done.stderr
    return done.stdout


@pytest.mark.parametrize("line", EXPECTED)
def test_bash_completes(line: str, environment: dict[str, str], tmp_path: Path) -> None:
    assert set(ask("bash", _BASH, (line,), environment, tmp_path).split()) == EXPECTED[line]


def test_bash_is_not_misled_by_the_folder_of_the_command(
    environment: dict[str, str], tmp_path: Path
) -> None:
    found = ask("bash", _BASH, ("/opt/train/genrecls train model=c",), environment, tmp_path)
    assert set(found.split()) == {"model=cnn", "model=cnn_mlp", "model=crnn", "model=crnn_micro"}


@pytest.mark.parametrize("line", EXPECTED)
def test_fish_completes(line: str, environment: dict[str, str], tmp_path: Path) -> None:
    code = 'genrecls --completion fish | source; complete -C "$argv[1]"'
    found = ask("fish", code, (line,), environment, tmp_path).splitlines()
    assert {row.partition("\t")[0] for row in found} == EXPECTED[line]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("genrecls tr", "train "),
        ("genrecls train model=r", "model=rnn "),
        ("genrecls data ver", "verify "),
    ],
)
def test_zsh_completes(
    line: str, expected: str, environment: dict[str, str], tmp_path: Path
) -> None:
    assert expected in ask("zsh", _ZSH, (line, expected), environment, tmp_path)


@pytest.mark.parametrize("shell", SHELLS)
def test_scripts_are_complete_and_valid(shell: str, tmp_path: Path) -> None:
    text = script(shell)
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "script").write_text(text)
    checked = subprocess.run(
        [shell, "-n", tmp_path / "script"], check=False, capture_output=True, text=True
    )
    assert (checked.returncode, checked.stderr) == (0, "")
