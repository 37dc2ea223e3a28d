"""What a shell offers, asked in this process; and the scripts, run by the shells."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import genrecls
from genrecls.cli.completion import SHELLS, candidates, script
from genrecls.cli.verbs import VERBS
from genrecls.config.options import choices, groups, keys
from genrecls.errors import ConfigError

RUNS = ("synth-mfcc-cnn-11111111", "synth-mel-crnn-22222222")
EXPECTED = {
    "tr": {"train"},
    "": {*VERBS, "--help", "--version", "--completion"},
    "nope ": set(),
    "data ": {"list", "info", "download", "verify", "split-report", "cache"},
    "data nope ": set(),
    "--completion z": {"zsh"},
    # flags and their values
    "train --cf": {"--cfg"},
    "train --cfg ": {"job"},
    "reproduce --f": {"--finished"},
    "benchmark --th": {"--threads"},
    "runs --f": {"--format", "--filter"},
    "runs --format j": {"json"},
    "runs --format=j": {"--format=json"},
    # groups and their choices
    "train data": {"dataset=", "dataset.", "data_root="},
    "train experiment": {"experiment="},
    "sweep se": {"search=", "segment=", "segment.", "seed=", "seeds="},
    "train see": {"seed=", "seeds="},
    "runs sh": {"show"},
    "runs remove pru": {"pruned"},
    "runs show synth-mel": {"synth-mel-crnn-22222222"},
    "train model=": {f"model={name}" for name in choices("model")},
    "train trainer=cosine,": {
        f"trainer=cosine,{name}" for name in choices("trainer") if name != "cosine"
    },
    "data info dataset=gtzan_": {
        "dataset=gtzan_kaggle_pictures",
        "dataset=gtzan_kaggle_table",
    },
    "reproduce bah": {"bahuleyan2018", "bahuleyan2018_vgg16"},
    "data download gtz": {name for name in choices("download") if name.startswith("gtz")},
    # keys, as far down as they go
    "train model=rnn trainer.ep": {"trainer.epochs="},
    "train trainer.optimizer.l": {"trainer.optimizer.learning_rate="},
    "train model=rnn model.conv.": set(),
    "train experiment=carnaghi2022_rnn model.rec": {"model.recurrent."},
    "train model.conv.b": {"model.conv.blocks=", "model.conv.blocks."},
    "train model.conv.blocks.0.p": {
        "model.conv.blocks.0.pool=",
        "model.conv.blocks.0.pool_stride=",
    },
    "train nope.": set(),
    "train seed.": set(),
    "sweep jo": {"jobs=", "job_memory_gb="},
    "evaluate dataset": {"dataset_root="},
    "export cal": {"calibration="},
    "export gate.int": {"gate.int8."},
    "export gate.int8.d": {"gate.int8.difference=", "gate.int8.decisions="},
    # values
    "train vote=": {"vote=mean", "vote=majority"},
    "train force=": {"force=true", "force=false"},
    "train model.standardise=t": {"model.standardise=true"},
    "train trainer.optimizer.name=a": {
        "trainer.optimizer.name=adam",
        "trainer.optimizer.name=adamw",
    },
    "train model=rnn model.recurrent.cell=g": {"model.recurrent.cell=gru"},
    "train features=mel_summary features.picture.mel_scale=": {
        "features.picture.mel_scale=slaney",
        "features.picture.mel_scale=htk",
    },
    "sweep trainer.monitor=loss,": {"trainer.monitor=loss,loss", "trainer.monitor=loss,accuracy"},
    "sweep search=cnn search.pruner=m": {"search.pruner=median"},
    "evaluate part=t": {"part=test", "part=train"},
    "export modes=[int8,fl": {"modes=[int8,float32]", "modes=[int8,float16]"},
    "export inputs=": {"inputs=[features]", "inputs=[audio]", "inputs=null"},
    "export target=cortex": {"target=cortex-m4", "target=cortex-m7"},
    "train seed=": set(),
    # runs, model files and paths
    "evaluate synth": set(RUNS),
    "evaluate run=synth-mel": {"run=synth-mel-crnn-22222222"},
    "evaluate b": {"best"},
    "export l": {"latest", "litertjs="},
    "compare output_root=elsewhere other": {"other-run"},
    "explain output_root=elsewhere ": {
        *("latest", "best", "other-run", "output_root=", "figures=", "figures."),
        *("elsewhere/", "music/", "outputs/", "a model.keras", "song.wav"),
    },
    "predict --model sy": set(RUNS),
    "predict --model=synth-mf": {"--model=synth-mfcc-cnn-11111111"},
    "predict --model best_s": {"best_small", "best_small_int8"},
    "benchmark best_s": {"best_small", "best_small_int8"},
    "models best_s": {"best_small"},
    "predict so": {"song.wav"},
    "predict music/": {"music/jazz/", "music/rock/"},
    "benchmark a": {"a model.keras"},
    "benchmark a\\ m": {"a model.keras"},
    "benchmark so": set(),
    "train dataset.root=mu": {"dataset.root=music/"},
    "train data_root=~/mu": {"data_root=~/music/"},
    "train data_root=nope/": set(),
    "train data_root=song.wav/": set(),
    "train -cd m": {"music/"},
    "train --plugin so": {"song.wav"},
    "predict --output=so": {"--output=song.wav"},
    "runs output_root=e": {"output_root=elsewhere/"},
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with runs, a model file and music, where the user is at home."""
    for run in (*(f"outputs/{name}" for name in RUNS), "elsewhere/other-run"):
        (tmp_path / run).mkdir(parents=True)
        (tmp_path / run / "run.json").touch()
    (tmp_path / "outputs" / "no-run").mkdir()
    (tmp_path / "outputs" / "latest").symlink_to(RUNS[0])
    for folder in ("music/jazz", "music/rock", ".hidden"):
        (tmp_path / folder).mkdir(parents=True)
    for file in ("song.wav", "a model.keras", "so\x1b[31m.wav", "so\udcff.wav"):
        (tmp_path / file).touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("line", EXPECTED)
def test_a_line_is_completed(line: str) -> None:
    # A space behind a backslash is part of a word.
    words = [word.replace("\0", "\\ ") for word in line.replace("\\ ", "\0").split(" ")]
    found = candidates(words)
    assert set(found) == EXPECTED[line]
    assert len(found) == len(set(found))


@pytest.mark.usefixtures("home")
def test_nothing_typed_offers_every_group_and_key() -> None:
    found = set(candidates(["train", ""]))
    assert {f"{group}=" for group in groups()} <= found
    assert {f"{line.partition(':')[0]}=" for line in keys()} <= found


def test_options_of_a_folder_of_ones_own_are_offered(home: Path) -> None:
    (home / "own" / "experiment").mkdir(parents=True)
    (home / "own" / "experiment" / "mine.yaml").write_text(
        "# @package _global_\ndefaults:\n  - override /model: rnn\n"
    )
    line = ["train", "-cd", "own", "experiment=mine"]
    assert candidates(line) == ["experiment=mine"]
    assert candidates([*line, "model.rec"]) == ["model.recurrent."]
    assert candidates(["train", "--config-dir=own", "experiment=m"]) == ["experiment=mine"]


def test_a_damaged_file_of_ones_own_has_no_keys(home: Path) -> None:
    (home / "own" / "model").mkdir(parents=True)
    (home / "own" / "model" / "mine.yaml").write_text("a: [")
    assert candidates(["train", "-cd", "own", "model=mine", "model."]) == []


def test_a_shell_that_is_not_known_is_one_line() -> None:
    with pytest.raises(ConfigError, match="received 'csh'; allowed: bash, zsh, fish"):
        script("csh")


IN_SHELLS = {
    "genrecls tr": {"train"},
    "genrecls train model=c": {
        "model=cnn",
        "model=cnn_mlp",
        "model=cnn_velardo",
        "model=crnn",
        "model=crnn_micro",
    },
    "genrecls runs --format j": {"json"},
    "genrecls train data_root=mu": {"data_root=music/"},
    "genrecls runs show synth-mel": {"synth-mel-crnn-22222222"},
    "genrecls predict latest ~/mu": {"~/music/"},
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
# What is handed to the completion system is printed instead.
_ZSH = """
eval "$(genrecls --completion zsh)"
compadd() { print -rl -- "${(@P)@[-1]}" }
words=("${(@z)1}") CURRENT=$#words
_genrecls
"""
# A terminal of its own is typed into and read until what is expected appears.
_ZSH_TERMINAL = """
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
        # The program that is tested, whatever is installed.
        "PYTHONPATH": str(Path(genrecls.__file__).parents[1]),
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
        # It waits for ever where what is expected does not appear.
        timeout=120,
    )
    assert not done.stderr
    return done.stdout


@pytest.mark.process
@pytest.mark.parametrize("line", IN_SHELLS)
def test_bash_completes(line: str, environment: dict[str, str], home: Path) -> None:
    assert set(ask("bash", _BASH, (line,), environment, home).split()) == IN_SHELLS[line]


@pytest.mark.process
@pytest.mark.parametrize(
    ("name", "written"),
    [("x y.wav", r"x\ y.wav"), ("x$(touch made).wav", r"x\$\(touch\ made\).wav")],
)
def test_bash_quotes_a_name_and_expands_nothing_of_it(
    name: str, written: str, environment: dict[str, str], home: Path
) -> None:
    (home / name).touch()
    assert ask("bash", _BASH, ("genrecls predict x",), environment, home) == f"{written}\n"
    assert not (home / "made").exists()


@pytest.mark.process
def test_bash_leaves_the_home_folder_to_be_expanded(
    environment: dict[str, str], home: Path
) -> None:
    assert ask("bash", _BASH, ("genrecls predict ~/mu",), environment, home) == "~/music/\n"


@pytest.mark.process
def test_bash_is_not_misled_by_the_folder_of_the_command(
    environment: dict[str, str], tmp_path: Path
) -> None:
    found = ask("bash", _BASH, ("/opt/train/genrecls train model=c",), environment, tmp_path)
    assert set(found.split()) == {
        "model=cnn",
        "model=cnn_mlp",
        "model=cnn_velardo",
        "model=crnn",
        "model=crnn_micro",
    }


@pytest.mark.process
@pytest.mark.parametrize("line", IN_SHELLS)
def test_fish_completes(line: str, environment: dict[str, str], home: Path) -> None:
    code = 'genrecls --completion fish | source; complete -C "$argv[1]"'
    found = ask("fish", code, (line,), environment, home).splitlines()
    assert {row.partition("\t")[0] for row in found} == IN_SHELLS[line]


@pytest.mark.process
@pytest.mark.parametrize("line", IN_SHELLS)
def test_zsh_completes(line: str, environment: dict[str, str], home: Path) -> None:
    assert set(ask("zsh", _ZSH, (line,), environment, home).split()) == IN_SHELLS[line]


@pytest.mark.process
def test_zsh_quotes_a_name_and_expands_nothing_of_it(
    environment: dict[str, str], home: Path
) -> None:
    (home / "x$(touch made) y.wav").touch()
    found = ask("zsh", _ZSH, ("genrecls predict x",), environment, home).strip()
    assert found == r"x\$\(touch\ made\)\ y.wav"
    assert not (home / "made").exists()


@pytest.mark.process
@pytest.mark.parametrize(
    ("line", "expected"),
    [("genrecls data ver", "verify "), ("genrecls runs show synth-me", "l-crnn-22222222 ")],
)
def test_the_tab_key_of_zsh_completes(
    line: str, expected: str, environment: dict[str, str], home: Path
) -> None:
    assert expected in ask("zsh", _ZSH_TERMINAL, (line, expected), environment, home)


@pytest.mark.process
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
