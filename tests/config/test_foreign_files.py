"""A configuration file sets values: it reads nothing, hides nothing and takes no time."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from genrecls.config.compose import compose
from genrecls.config.foreign_files import check_file
from genrecls.config.paths import conf_dir
from genrecls.errors import ConfigError
from genrecls.experiment.experiment import parse

HEADER = "# @package _global_\n"
PRIVATE = "only for me"
DOCS = Path(__file__).parents[2] / "docs" / "own_configurations.md"


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENRECLS_SECRET", PRIVATE)


def compose_experiment(folder: Path, content: str | bytes, name: str = "mine") -> dict[str, Any]:
    file = folder / "experiment" / f"{name}.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return compose("train", [f"experiment={name}"], str(folder))


@pytest.mark.parametrize("content", [f"{HEADER}seed: 7\n", f"\n{HEADER}\nseed: 7\n"])
def test_an_experiment_of_ones_own_sets_keys_of_all_groups(tmp_path: Path, content: str) -> None:
    assert compose_experiment(tmp_path, content)["seed"] == 7


def test_the_file_that_the_documentation_shows_is_an_experiment(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    experiment = parse(compose_experiment(tmp_path, shown))
    assert (experiment.model.name, experiment.run.seed, experiment.trainer.epochs) == ("rnn", 3, 20)


@pytest.mark.parametrize("group", ["experiment", "debug"])
@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("seed: 7\n", "it is missing"),
        ("defaults: [override /model: rnn]\n", "it is missing"),
        ("# @package trainer\nepochs: 7\n", "it is missing"),
        (f"# my best\n{HEADER}seed: 7\n", "there it is line 2"),
        (f"seed: 7\n{HEADER}", "there it is line 2"),
        (f"{'# long' * 200}\n{HEADER}seed: 7\n", "there it is line 2"),
        (f"\ufeff{HEADER}seed: 7\n", "the file begins with a byte order mark"),
    ],
)
def test_a_file_without_its_first_line_is_refused_instead_of_ignored(
    tmp_path: Path, group: str, content: str, why: str
) -> None:
    file = tmp_path / group / "mine.yaml"
    file.parent.mkdir()
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        compose("train", [f"{group}=mine"], str(tmp_path))
    assert str(caught.value).startswith(
        f"{file}: has no effect without '# @package _global_' as its first line ({why}"
    )


def test_keys_of_a_group_that_only_chooses_files_are_refused() -> None:
    with pytest.raises(ConfigError, match="debug: received keys, which nothing reads"):
        parse(compose("train", ["+debug.seed=7"]))


@pytest.mark.parametrize(
    "content",
    [
        "data_root: ${oc.env:GENRECLS_SECRET}\n",
        "data_root: a/${oc.env:GENRECLS_SECRET,b}/c\n",
        'data_root: "\\x24{oc.env:GENRECLS_SECRET}"\n',
        "data_root: ${oc.decode:${oc.env:GENRECLS_SECRET}}\n",
        "${oc.env:GENRECLS_SECRET}: 1\n",
        "augment: {extra: [{name: '${oc.env:GENRECLS_SECRET}'}]}\n",
        "defaults:\n  - override /model: ${oc.env:GENRECLS_SECRET}\n",
        "a: &a ${oc.env:GENRECLS_SECRET}\ndata_root: *a\n",
    ],
)
def test_a_file_reads_nothing_of_the_machine(tmp_path: Path, content: str) -> None:
    with pytest.raises(ConfigError, match="asks for more than a configuration file may") as caught:
        compose_experiment(tmp_path, HEADER + content)
    assert PRIVATE not in str(caught.value)


def test_a_file_may_refer_to_other_keys(tmp_path: Path) -> None:
    composed = compose_experiment(tmp_path, f"{HEADER}output_root: ${{data_root}}/runs\n")
    assert composed["output_root"] == "data/runs"


def test_a_word_of_the_command_line_may_read_the_environment() -> None:
    assert compose("train", ["data_root=${oc.env:GENRECLS_SECRET}"])["data_root"] == PRIVATE


@pytest.mark.parametrize("name", ["experiment", "model"])
def test_a_choice_that_is_a_link_to_another_file_shows_nothing_of_it(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "secret").write_text(f"{PRIVATE}: {PRIVATE}")
    folder = tmp_path / "my" / name
    folder.mkdir(parents=True)
    (folder / "mine.yaml").symlink_to(tmp_path / "secret")
    with pytest.raises(ConfigError, match=r"mine\.yaml: leads to a file outside") as caught:
        compose("train", [f"{name}=mine"], str(tmp_path / "my"))
    assert PRIVATE not in str(caught.value)


def test_a_link_inside_the_folder_and_a_linked_folder_are_followed(tmp_path: Path) -> None:
    folder = tmp_path / "my" / "experiment"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text(f"{HEADER}seed: 7\n")
    (folder / "same.yaml").symlink_to("mine.yaml")
    (tmp_path / "link").symlink_to("my")
    assert compose("train", ["experiment=same"], str(tmp_path / "link"))["seed"] == 7


BOMB = "".join(f"b{n}: &b{n} [{', '.join([f'*b{n - 1}'] * 9)}]\n" for n in range(1, 9))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (f"b0: &b0 [1, 2]\n{BOMB}", "with its aliases written out"),
        ("a: &a [*a]\n", "stands inside what it stands for"),
        # PyYAML has a limit of its own from 6.0.4 on.
        (f"a: {'[' * 900}{']' * 900}\n", "nested too deeply"),
        (f"a: {'{b: ' * 20000}{'}' * 20000}\n", "nest"),
        ("- seed\n", "expected keys with values, such as 'seed: 1'"),
        ("seed\n", "expected keys with values, such as 'seed: 1'"),
        ("seed: [\n", "no valid configuration file"),
        ("seed: !!int x\n", "no valid configuration file"),
        (b"seed: \xff\n", "no valid configuration file"),
        ("hydra: {searchpath: ['file:///']}\n", "hydra.searchpath: a configuration file may not"),
        ("hydra: {job: {env_copy: [HOME]}}\n", "hydra.job.env_copy: a configuration file may not"),
        (f"a: {'x' * 2**20}\n", "no valid configuration file"),
    ],
)
def test_a_bomb_or_a_damaged_file_is_one_line(
    tmp_path: Path, content: str | bytes, reason: str
) -> None:
    whole = HEADER.encode() + content if isinstance(content, bytes) else HEADER + content
    with pytest.raises(ConfigError, match=re.escape(reason)) as caught:
        compose_experiment(tmp_path, whole)
    assert str(caught.value).startswith(f"{tmp_path / 'experiment' / 'mine.yaml'}: ")
    assert len(str(caught.value).splitlines()) == 1


def test_a_folder_of_the_search_path_is_checked_as_well(tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text("seed: 7\n")
    words = [f"hydra.searchpath=['file://{tmp_path}']", "experiment=mine"]
    with pytest.raises(ConfigError, match="has no effect without"):
        compose("train", words)


def test_every_file_that_comes_with_the_program_passes() -> None:
    for path in sorted(conf_dir().rglob("*.yaml")):
        check_file(path, conf_dir())
