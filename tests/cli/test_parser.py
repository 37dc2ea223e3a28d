"""One grammar for all verbs: words, flags and key=value in any order, old words told."""

from __future__ import annotations

from pathlib import Path

import pytest

from genrecls.cli.arguments import parser_of
from genrecls.cli.verbs import ACTIONS, VERBS
from genrecls.config import aliases
from genrecls.errors import ConfigError
from tests.conftest import RunCommand

# What every verb is asked with, as far as it takes it.
WITH_OUTPUT_ROOT = ("predict", "explain", "benchmark", "runs", "compare")


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(aliases, "_told", set())


def test_words_flags_and_overrides_may_stand_in_any_order() -> None:
    parser = parser_of("export")
    orders = (
        ["a-run", "--tflite", "modes=[int8]", "-cd", "own"],
        ["-cd", "own", "modes=[int8]", "a-run", "--tflite"],
        ["modes=[int8]", "--tflite", "--config-dir=own", "a-run"],
    )
    for words in orders:
        options = parser.read(words)
        assert (options.words, options.overrides) == (["a-run"], ["modes=[int8]"])
        assert (options.tflite, options.config_dir) == (True, "own")


def test_a_file_with_an_equals_sign_in_its_name_is_no_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a=b.mp3").touch()
    options = parser_of("explain").read(["latest", "a=b.mp3", "figures=paper"])
    assert (options.words, options.overrides) == (["latest", "a=b.mp3"], ["figures=paper"])


@pytest.mark.parametrize("verb", WITH_OUTPUT_ROOT)
@pytest.mark.parametrize("form", ["output_root=~/runs", "--output-root=~/runs"])
def test_the_home_folder_is_expanded_wherever_runs_are(
    verb: str, form: str, tmp_path: Path
) -> None:
    assert parser_of(verb).read([form]).output_root == tmp_path / "runs"
    assert parser_of(verb).read([]).output_root == Path("outputs")


@pytest.mark.parametrize("verb", ["explain", "compare", "reproduce", "data split-report"])
def test_the_home_folder_is_expanded_in_the_folder_of_an_output(verb: str, tmp_path: Path) -> None:
    options = parser_of(*verb.split()).read(["--output", "~/new"])
    assert options.output == tmp_path / "new"


@pytest.mark.parametrize(
    ("verb", "old", "new"),
    [
        *((verb, ["--output-root", "x"], ["output_root=x"]) for verb in WITH_OUTPUT_ROOT),
        ("train", ["--data-root=x"], ["data_root=x"]),
        ("evaluate", ["--output-root", "x"], ["output_root=x"]),
        ("explain", ["--to", "x"], ["--output", "x"]),
        ("reproduce", ["--to=x"], ["--output=x"]),
        ("data split-report", ["--out", "x"], ["--output", "x"]),
        ("compare", ["--to", "x"], ["--output", "x"]),
        ("compare", ["--by", "test"], ["--rank-by", "test"]),
        ("compare", ["--part", "validation"], ["--test-on", "validation"]),
    ],
)
def test_an_old_word_is_accepted_and_names_the_new_one(
    verb: str, old: list[str], new: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    parser = parser_of(*verb.split())
    expected = parser.read(new)
    assert capsys.readouterr().err == ""
    assert parser.read(old) == expected
    flag, word = old[0].partition("=")[0], new[0].partition("=")[0]
    line = f"{flag} is called {word}{'' if word.startswith('-') else '='} now"
    assert capsys.readouterr().err == f"warning: {line}; this version still accepts the old name\n"


def test_an_old_word_without_its_value_is_one_line() -> None:
    with pytest.raises(ConfigError, match="--output-root: expected a value; see"):
        parser_of("runs").read(["--output-root"])


@pytest.mark.parametrize("words", [*VERBS, *(f"data {action}" for action in ACTIONS)])
def test_an_unknown_flag_is_one_line(words: str) -> None:
    if words == "data":
        return
    with pytest.raises(ConfigError, match=f"^unknown flag --nope; see 'genrecls {words} --help'"):
        parser_of(*words.split()).read(["--nope"])


def test_a_bare_word_of_a_verb_with_settings_alone_is_an_override_to_complain_of() -> None:
    assert parser_of("train").read(["cnn"]).overrides == ["cnn"]
    assert parser_of("data", "download").read(["gtzan", "size=1"]).words == ["gtzan"]


@pytest.mark.parametrize(
    "words",
    [
        ("no-run", "a.wav"),
        ("a.wav", "absent.keras"),
        ("absent.tflite", "a.wav"),
        ("--model", "absent.keras", "a.wav"),
    ],
)
def test_a_run_or_model_is_told_from_the_music(
    words: tuple[str, ...], run_command: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = run_command("predict", *words)
    missing = "'no-run' names no runs" if words[0] == "no-run" else "no such model file"
    assert missing in outcome.error


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("train", "--epochs", "5"), "trainer.epochs=5"),
        (("train", "--model", "cnn"), "model=cnn"),
        (("train", "--lr=0.1"), "trainer.optimizer.learning_rate=0.1"),
        (("train", "features=mel", "--n-mels", "64"), "features.n_mels=64"),
        (("train", "--show", "model=cnn"), "show=true"),
        (("sweep", "--jobs", "2"), "jobs=2"),
        (("sweep", "--epochs", "5,6"), "trainer.epochs=5,6"),
        (("reproduce", "--epochs", "5"), "trainer.epochs=5"),
        (("export", "--modes", "int8"), "modes=[int8]"),
        (("export", "--target=phone"), "target=phone"),
        (("evaluate", "--run", "best"), "run=best"),
    ],
)
def test_a_key_written_as_a_flag_is_shown_as_it_is_written(
    words: tuple[str, ...], meant: str, run_command: RunCommand
) -> None:
    outcome = run_command(*words)
    assert outcome.status == 1
    assert outcome.error.startswith("unknown flag --")
    assert outcome.error.endswith(f"; did you mean '{meant}'?")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            "modes=int8",
            "modes: received 'int8'; allowed: a list or null; did you mean 'modes=[int8]'?",
        ),
        (
            "modes=int8,dynamic",
            (
                "modes=int8,dynamic: several values have no meaning here; a list is written "
                "modes=[int8,dynamic]"
            ),
        ),
        ("modes=in8", "modes: received 'in8'; allowed: a list or null"),
    ],
)
def test_a_list_is_shown_as_it_is_written(
    words: str, message: str, run_command: RunCommand
) -> None:
    assert run_command("export", words).error == message


def test_a_key_without_its_group_is_shown_whole_in_a_sweep(run_command: RunCommand) -> None:
    error = run_command("sweep", "epochs=3,4").error
    assert error.endswith("; did you mean 'trainer.epochs=3,4'?")
