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
