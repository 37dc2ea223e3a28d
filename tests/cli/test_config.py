"""`genrecls config`: options are listed and shown, and a copy is a file of one's own that works."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from genrecls.config.compose import compose
from genrecls.config.options import choices, groups
from genrecls.config.paths import conf_dir
from tests.conftest import RunCommand


def test_every_option_is_listed_with_its_line(run_command: RunCommand) -> None:
    listed = run_command("config", "list").out
    for group in groups("train"):
        assert f"{group}: " in listed
        assert all(re.search(rf"^  {name}  ", listed, re.MULTILINE) for name in choices(group))
    assert run_command("config").out == listed
    assert "LSTM" in run_command("config", "list", "model").out


def test_a_file_is_shown_as_it_is(run_command: RunCommand) -> None:
    shown = run_command("config", "show", "trainer=cosine").out
    assert shown == (conf_dir() / "trainer" / "cosine.yaml").read_text(encoding="utf-8")


def test_a_copy_can_be_chosen_and_has_a_schema_beside_it(
    run_command: RunCommand, tmp_path: Path
) -> None:
    answer = run_command("config", "copy", "model=crnn", str(tmp_path), "mine")
    assert answer.status == 0
    assert "model=mine" in answer.err
    copy = tmp_path / "model" / "mine.yaml"
    first, header = copy.read_text(encoding="utf-8").splitlines()[:2]
    assert first.startswith("# convolution blocks")
    schema = copy.parent / header.removeprefix("# yaml-language-server: $schema=")
    assert "recurrent" in json.loads(schema.read_text(encoding="utf-8"))["properties"]
    copied = compose("train", ["model=mine"], config_dir=str(tmp_path))
    shipped = compose("train", ["model=crnn"])
    assert copied["model"] == {**shipped["model"], "preset": "mine"}


def test_a_preset_of_all_groups_keeps_its_first_line(
    run_command: RunCommand, tmp_path: Path
) -> None:
    run_command("config", "copy", "experiment=karam_vgg16", str(tmp_path))
    text = (tmp_path / "experiment" / "karam_vgg16.yaml").read_text(encoding="utf-8")
    assert text.startswith("# @package _global_\n")
    assert not (tmp_path / ".schemas").exists()


def test_a_copy_overwrites_nothing(run_command: RunCommand, tmp_path: Path) -> None:
    words = ("config", "copy", "model=cnn", str(tmp_path))
    assert run_command(*words).status == 0
    (tmp_path / "model" / "cnn.yaml").write_text("mine\n")
    answer = run_command(*words)
    assert answer.status == 1
    assert "is there already" in answer.error
    assert (tmp_path / "model" / "cnn.yaml").read_text() == "mine\n"


NO_NAMES = (
    "../../escape",
    "/dev/null/x",
    "..",
    "",
    "bad name=,[x]",
    "~x",
    "a\nb",
    "\x1b[1m",
    "1e5",
    "null",
)


@pytest.mark.parametrize("name", NO_NAMES, ids=ascii)
def test_a_new_name_that_no_command_can_choose_is_refused_and_nothing_is_written(
    name: str, run_command: RunCommand, tmp_path: Path
) -> None:
    answer = run_command("config", "copy", "model=cnn", str(tmp_path / "a" / "b"), name)
    assert answer.status == 1
    assert answer.error == (
        f"NEW: received {name!r}; expected one name of letters, digits, _ . and - "
        "that is no number, truth value or null, such as my_model"
    )
    assert not list(tmp_path.iterdir())


def test_a_new_name_may_have_its_suffix_and_the_folder_a_space(
    run_command: RunCommand, tmp_path: Path
) -> None:
    folder = tmp_path / "my own"
    answer = run_command("config", "copy", "segment=3s", str(folder), "5s-v1.2.yaml")
    assert answer.err.rstrip().endswith(f"-cd '{folder}' segment=5s-v1.2")
    assert compose("train", ["segment=5s-v1.2"], config_dir=str(folder))["segment"]["length"] == 3


@pytest.mark.parametrize("inside", ["", "below", "model"])
def test_a_folder_that_is_a_file_is_named(
    inside: str, run_command: RunCommand, tmp_path: Path
) -> None:
    folder = tmp_path / "own"
    file = folder / "model" if inside == "model" else folder
    file.parent.mkdir(exist_ok=True)
    file.touch()
    words = folder / inside if inside == "below" else folder
    answer = run_command("config", "copy", "model=cnn", str(words))
    assert answer.error == f"FOLDER: {file} is a file; expected a folder, old or new"
    assert answer.status == 1


@pytest.mark.parametrize(
    "link", ["own", "own/model", "own/.schemas", "own/.schemas/model-cnn.json"]
)
def test_links_are_neither_followed_nor_replaced(
    link: str, run_command: RunCommand, tmp_path: Path
) -> None:
    place, target = tmp_path / link, tmp_path / "target"
    if link != "own":
        target.mkdir()
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)
    answer = run_command("config", "copy", "model=cnn", str(tmp_path / "own"))
    assert answer.status == 1
    assert f"{place} is a link" in answer.error
    assert place.is_symlink()
    assert not any(target.rglob("*"))
    assert not (tmp_path / "own" / "model" / "cnn.yaml").exists()


def test_a_link_to_nothing_in_the_place_of_the_copy_is_there_already(
    run_command: RunCommand, tmp_path: Path
) -> None:
    copy = tmp_path / "model" / "cnn.yaml"
    copy.parent.mkdir()
    copy.symlink_to(tmp_path / "nothing")
    answer = run_command("config", "copy", "model=cnn", str(tmp_path))
    assert answer.error.startswith(f"{copy} is there already")
    assert copy.is_symlink()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("sho", "model=cnn"), "unknown action 'sho' of 'genrecls config'"),
        (("show",), "config show: received 0 words"),
        (("show", "cnn"), "received 'cnn'; expected GROUP=NAME"),
        (("show", "model=cn"), "model=cn: there is no such option; allowed: "),
        (("list", "modl"), "unknown group 'modl'; allowed: dataset"),
    ],
)
def test_a_wrong_word_is_one_line(
    words: tuple[str, ...], message: str, run_command: RunCommand
) -> None:
    answer = run_command("config", *words)
    assert answer.status == 1
    assert answer.error.startswith(message)
