from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from genrecls.config import aliases
from genrecls.config import compose as compose_module
from genrecls.config.compose import compose
from genrecls.config.overrides import combine_values, literal, overrides_of, quoted
from genrecls.config.paths import conf_dir
from genrecls.errors import ConfigError
from genrecls.sweeps.settings import read_arguments

CALLBACK = """\
defaults: [train, _self_]
hydra:
  callbacks:
    hostile: {_target_: logging.FileHandler, filename: '%s'}
"""
LOGGING = """\
defaults: [train, _self_]
hydra:
  %s:
    version: 1
    handlers:
      hostile: {class: logging.FileHandler, filename: '%s'}
    root: {handlers: [hostile]}
"""


def compose_file(folder: Path, text: str) -> dict[str, Any]:
    (folder / "foreign.yaml").write_text(text)
    return compose("train", [], str(folder), "foreign")


def test_a_callback_named_in_a_foreign_configuration_is_refused_and_not_called(
    tmp_path: Path,
) -> None:
    made = tmp_path / "made"
    with pytest.raises(ConfigError, match="callbacks"):
        compose_file(tmp_path, CALLBACK % made)
    assert not made.exists()


@pytest.mark.parametrize("group", ["job_logging", "hydra_logging"])
def test_a_log_handler_named_in_a_foreign_configuration_is_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group: str
) -> None:
    monkeypatch.chdir(tmp_path)
    made = tmp_path / "made"
    assert compose_file(tmp_path, LOGGING % (group, made))["seed"] == 0
    assert not made.exists()


def test_old_names_in_a_file_of_the_user_are_read_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(aliases, "_told", set())
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text(
        "# @package _global_\ndefaults:\n  - override /features: picture_summary\n"
        "  - override /model: cnn_mlp\nsegment:\n  cut: frames\n"
    )
    composed = compose("train", ["experiment=mine"], str(tmp_path))
    new = ["features=mel_image_summary", "model=cnn_mlp", "segment.source=spectrogram"]
    assert composed == compose("train", new)
    told = [line.partition(" now;")[0] for line in capsys.readouterr().err.splitlines()]
    assert told == [
        "warning: features=picture_summary is called features=mel_image_summary",
        "warning: segment.cut is called segment.source",
        "warning: segment.source=frames is called segment.source=spectrogram",
    ]


AWKWARD = (
    "Jürgen's $music",
    "${seed}",
    "\\${seed} and ${oc.env:HOME}\\",
    "a \"b\" 'c'",
    "back\\slash\\",
    "a\\'",
    "{x: [1, 2], y}",
    "a,b=c",
    "~x",
    "2024",
    "true",
    "null",
    " # no comment ",
    "два\nlines",
    "",
)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["model=crnn", "features=mel", "trainer.epochs=3", "model=rnn"],
        ["experiment=steiner2023_cnn", "trainer.optimizer.learning_rate=0.5", "+x.y=[1,{a: b}]"],
        ["seed=5", "debug=smoke", "~published", "++model.head={units: [7]}", "vote=${split.name}"],
        ["~augment", "augment.mixup=1"],
        ["model={name: mlp}", "trainer.epoch=3"],
        ["experiment=null", "segment=10s", "+segment=3s"],
    ],
)
def test_files_that_are_kept_compose_to_what_files_that_are_read_do(
    words: list[str], tmp_path: Path
) -> None:
    def outcome(*place: str) -> object:
        try:
            return compose("train", words, *place)
        except ConfigError as error:
            return str(error)

    # Nothing is kept where the user has a folder of configurations.
    assert outcome() == outcome() == outcome(str(tmp_path))


def test_a_configuration_belongs_to_its_caller_and_no_value_reaches_the_next_one() -> None:
    before = compose("train", [])
    changed = compose("train", ["trainer.epochs=3", "+dataset.note=x"])
    changed["model"].clear()
    assert compose("train", []) == before


def test_a_file_that_was_changed_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "conf"
    shutil.copytree(conf_dir(), folder)
    for module in ("compose", "overrides"):
        monkeypatch.setattr(f"genrecls.config.{module}.conf_dir", lambda: folder)
    assert compose("train", ["trainer.epochs=3"])["seed"] == 0
    file = folder / "train.yaml"
    file.write_text(re.sub(r"(?m)^seed: 0", "seed: 17", file.read_text(encoding="utf-8")))
    assert compose("train", ["trainer.epochs=3"])["seed"] == 17


@pytest.mark.parametrize("text", AWKWARD)
@pytest.mark.parametrize("key", ["dataset.root", "+dataset.note"])
def test_any_text_comes_through_an_override_as_it_is(key: str, text: str) -> None:
    composed = compose("train", ["dataset=folder", f"{key}={quoted(text)}"])
    assert composed["dataset"][key.rpartition(".")[2]] == text


@pytest.mark.parametrize(
    ("value", "received"),
    [
        (list(AWKWARD), list(AWKWARD)),
        ({"a": "it's", "b": [1, 2.5e-7, None, True]},) * 2,
        ({"hip hop": 1, "a:b": 2, "c\\d, (e)": 3},) * 2,
        (("x", {"y": ["${z}"]}), ["x", {"y": ["${z}"]}]),
        (Path("a b"), "a b"),
    ],
)
def test_any_value_of_python_comes_through_an_override(value: object, received: object) -> None:
    assert compose("train", [f"+x={literal(value, 'x')}"])["x"] == received


def test_a_mapping_with_keys_of_the_user_is_one_value_and_of_any_other_each_key() -> None:
    columns, merged = {"label": "genre"}, {"hip hop": ["rap", "trap"]}
    words = ["dataset=folder"]
    words += overrides_of({"dataset": {"columns": columns, "merge": merged}}, words)
    dataset = compose("train", words)["dataset"]
    assert dataset["merge"] == merged
    assert dataset["columns"] == {
        "group": "group",
        "label": "genre",
        "path": "path",
        "split": "split",
    }
    space = {"model.head.l2": None, "model.head.dropout": {"low": 0.1}}
    words = ["search=mlp"]
    words += overrides_of({"search": {"space": space, "trials": 3}}, words)
    search = compose("sweep", words)["search"]
    assert search["space"]["model.head.l2"] is None
    assert search["space"]["model.head.dropout"]["low"] == 0.1
    assert search["trials"] == 3


@pytest.mark.parametrize(
    ("words", "settings", "beside"),
    [
        (["cluster=slurm"], {"additional_parameters": {"mail-type": "END"}}, {}),
        (["cluster=ray"], {"init": {"num_cpus": 4}}, {"address": None}),
        (["search=mlp"], {"base": {"features": "mel"}}, {"model": "mlp"}),
        (["search=trainer"], {"base": {"model": "cnn"}}, {}),
        (["search=mlp"], {"space": {"vote": {"choices": ["mean", "majority"]}}}, {}),
    ],
)
def test_mappings_of_a_sweep_take_keys_of_the_user(
    words: list[str], settings: dict[str, Any], beside: dict[str, Any]
) -> None:
    group = words[0].partition("=")[0]
    composed = compose("sweep", [*words, *overrides_of({group: settings}, words)])[group]
    ((name, inner),) = settings.items()
    assert composed[name].items() >= (inner | beside).items()


def test_a_mapping_of_an_export_is_each_of_its_keys() -> None:
    words = list(overrides_of({"gate": {"int8": {"accuracy": 0.5}}}))
    assert words == ["gate.int8.accuracy=0.5"]


def test_a_misspelt_key_of_a_keyword_is_still_unknown() -> None:
    words = list(overrides_of({"model": {"head": {"dropot": 0.1}}}, ["model=mlp"]))
    with pytest.raises(ConfigError, match=r"model\.head\.dropot: unknown key"):
        compose("train", ["model=mlp", *words])


@pytest.mark.parametrize(
    "name",
    ["R&B", "Drum & Bass", "drum'n'bass", "Música", "", "1e3", "1990", "true", "null", "a~b"],
)
def test_a_name_that_no_override_can_hold_is_refused_with_the_file_that_can(
    name: str, tmp_path: Path
) -> None:
    expected = r"dataset\.merge: received the name .*: dataset/<name>\.yaml of a folder that -cd"
    with pytest.raises(ConfigError, match=expected):
        literal({"pop": ["k-pop"], name: ["x"]}, "dataset.merge")
    file = tmp_path / "dataset" / "mine.yaml"
    file.parent.mkdir()
    merge = json.dumps({name: ["x"]})
    file.write_text(f"defaults: [folder, _self_]\nmerge: {merge}\n", encoding="utf-8")
    assert compose("train", ["dataset=mine"], str(tmp_path))["dataset"]["merge"] == {name: ["x"]}


def test_a_name_that_is_a_number_stays_one() -> None:
    assert compose("train", [f"+x={literal({1: 'a'}, 'x')}"])["x"] == {1: "a"}


def test_a_value_that_no_configuration_can_hold_is_named() -> None:
    with pytest.raises(ConfigError, match="seed: received a set; expected a text"):
        literal({1}, "seed")


@pytest.mark.parametrize("name", ["it's $5, [x]", "${x}", "a\\"])
def test_a_folder_of_own_configurations_may_have_any_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name / "experiment").mkdir(parents=True)
    file = tmp_path / name / "experiment" / "mine.yaml"
    file.write_text("# @package _global_\nseed: 7\n")
    assert compose("train", ["experiment=mine"], str(tmp_path / name))["seed"] == 7


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([f"seed={n}" for n in range(10_000)], "received 10,000 overrides; expected at most 500"),
        ([f"+x={'a' * 2**20}"], "received overrides of 1,048,579 characters in all"),
        (["a" * 2**20], "received overrides of 1,048,576 characters in all"),
        ([f"+x={'[' * 3000}"], "3,000 brackets inside one another; expected at most 20"),
        ([f"+x={'[' * 3000}{']' * 3000}"], "3,000 brackets inside one another"),
        ([f"+x={'{a: ' * 3000}{'}' * 3000}"], "3,000 brackets inside one another"),
        ([f"+x={'${' * 3000}{'}' * 3000}"], "3,000 brackets inside one another"),
        ([f"+x={'int(' * 3000}{')' * 3000}"], "3,000 brackets inside one another"),
    ],
)
@pytest.mark.parametrize("checked", [partial(compose, "train"), combine_values])
def test_what_no_parser_should_be_given_is_refused_in_one_short_line(
    words: list[str], problem: str, checked: Callable[[list[str]], object]
) -> None:
    with pytest.raises(ConfigError, match=re.escape(problem)) as caught:
        checked(words)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "words", [["seed=range(0,1000000000)"], ["seed=range(0,999)", "trainer.epochs=range(1,999)"]]
)
def test_more_trainings_than_a_sweep_can_hold_are_not_listed(words: list[str]) -> None:
    with pytest.raises(ConfigError, match="more than 10,000 trainings"):
        combine_values(words)


def test_brackets_inside_quotes_are_counted_as_text() -> None:
    name = "[" * 40
    assert compose("train", [f"data_root='{name}'"])["data_root"] == name


@pytest.mark.parametrize("place", ["hydra.launcher", "hydra.sweeper"])
@pytest.mark.parametrize("plus", ["", "+", "++"])
def test_no_word_names_code_for_hydra_to_call(place: str, plus: str) -> None:
    for words in ([], ["cluster=slurm", "seed=1,2"]):
        with pytest.raises(ConfigError):
            read_arguments([*words, f"{plus}{place}._target_=os.system"])
    with pytest.raises(ConfigError, match="settings of Hydra have no effect here"):
        compose("train", [f"{plus}{place}._target_=os.system"])


def test_two_modules_import_hydra_which_only_composes_and_parses() -> None:
    source = Path(compose_module.__file__).parents[1]
    pattern = re.compile(r"^\s*(?:from (hydra\S*)|import (hydra\S*))", re.MULTILINE)
    imported = {
        str(path.relative_to(source)): {first or second for first, second in pattern.findall(text)}
        for path in source.rglob("*.py")
        if pattern.search(text := path.read_text(encoding="utf-8"))
    }
    assert imported == {
        str(Path("config") / "compose.py"): {
            "hydra",
            "hydra._internal.config_loader_impl",
            "hydra._internal.core_plugins.file_config_source",
            "hydra._internal.sources_registry",
            "hydra.conf",
            "hydra.core.config_store",
            "hydra.core.override_parser.types",
            "hydra.core.plugins",
            "hydra.errors",
            "hydra.plugins.config_source",
        },
        str(Path("config") / "overrides.py"): {
            "hydra.core.override_parser.overrides_parser",
            "hydra.core.override_parser.types",
            "hydra.errors",
        },
    }
