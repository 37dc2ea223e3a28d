"""Models, features, data sets and splits of strangers, named on the command line."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace

import pytest

from genrecls.cli.completion import candidates
from genrecls.cli.parser import split_plugins
from genrecls.config import plugins
from genrecls.config.compose import compose
from genrecls.config.options import choices
from genrecls.datasets.base import DATASETS
from genrecls.dsp.audio_limits import AudioLimits
from genrecls.errors import ConfigError
from genrecls.experiment.experiment import Experiment, parse
from genrecls.experiment.run_id import run_id
from genrecls.features.base import FEATURES
from genrecls.features.cache import settings
from genrecls.models.base import MODELS
from genrecls.splits.base import SPLITS
from genrecls.training.settings import AUGMENTATIONS
from tests.conftest import RunCommand
from tests.test_contributing import EXAMPLES, forget_examples

WritePlugin = Callable[..., Path]


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WritePlugin]:
    """Writes a plugin file; what it registers is forgotten after the test."""
    for registry in (MODELS, FEATURES, DATASETS, SPLITS, AUGMENTATIONS):
        forget_examples(registry, monkeypatch)
    monkeypatch.setattr(plugins, "_plugins", {})
    monkeypatch.setenv(plugins.VARIABLE, "")
    before = set(sys.modules)

    def write(source: str, name: str = "mine.py") -> Path:
        path = tmp_path / name
        path.write_text(source, encoding="utf-8")
        return path

    yield write
    for module in set(sys.modules) - before:
        if module.startswith("genrecls_plugin_"):
            del sys.modules[module]


def experiment(*overrides: str) -> Experiment:
    return parse(compose("train", ["debug=smoke", *overrides]))


def test_the_flag_may_stand_anywhere_and_several_times() -> None:
    words = ["train", "--plugin", "a.py", "model=mine", "--plugin=b.py"]
    assert split_plugins(words) == (["train", "model=mine"], ["a.py", "b.py"])
    with pytest.raises(ConfigError, match="--plugin: expected a Python file behind it"):
        split_plugins(["train", "--plugin"])


def test_completion_offers_the_options_of_a_plugin_with_their_keys_and_values(
    plugin: WritePlugin,
) -> None:
    path = plugin(
        "from dataclasses import dataclass\n"
        "from typing import Any, Literal\n"
        "from genrecls.models.base import MODELS, ModelFamily\n"
        "@MODELS.register('completed')\n"
        "@dataclass(frozen=True)\n"
        "class Completed(ModelFamily):\n"
        "    name: str = 'completed'\n"
        "    standardise: bool = True\n"
        "    kind: Literal['wide', 'deep'] = 'wide'\n"
        "    def apply(self, tensors: Any) -> Any: ...\n"
    )
    line = ["train", "--plugin", str(path), "model=completed"]
    assert candidates(line) == ["model=completed"]
    assert "model.kind=" in candidates([*line, "model."])
    assert candidates([*line, "model.kind=w"]) == ["model.kind=wide"]
    assert candidates([*line, "model.standardise=t"]) == ["model.standardise=true"]


def test_a_model_of_a_plugin_is_a_choice_like_any_other(
    plugin: WritePlugin, run_command: RunCommand
) -> None:
    path = plugin(EXAMPLES["pooled"])
    outcome = run_command("train", "--plugin", str(path), "--help")
    assert "pooled" in outcome.out
    assert "Mean of each coefficient over time" in outcome.out
    assert "pooled" in choices("model")
    chosen = experiment("model=pooled", "model.width=32")
    assert chosen.model.name == "pooled"
    with pytest.raises(ConfigError, match=r"model\.widht: unknown key; .*did you mean 'width'"):
        experiment("model=pooled", "+model.widht=3")


def test_the_source_of_a_plugin_is_part_of_what_makes_a_run(plugin: WritePlugin) -> None:
    ids = set()
    for comment in ("", "# other\n"):
        plugins._plugins.clear()
        MODELS._options.pop("pooled", None)
        plugins.use_plugins([plugin(EXAMPLES["pooled"] + comment)])
        ids.add(run_id(experiment("model=pooled"), "data"))
    assert len(ids) == 2


def test_a_plugin_that_is_not_used_changes_no_run(plugin: WritePlugin) -> None:
    before = run_id(experiment("model=cnn"), "data")
    plugins.use_plugins([plugin(EXAMPLES["pooled"])])
    assert run_id(experiment("model=cnn"), "data") == before


def test_cached_features_of_a_plugin_hang_on_its_source(plugin: WritePlugin) -> None:
    plugins.use_plugins([plugin(EXAMPLES["energy"])])
    chosen = experiment("features=energy", "model=rnn")
    made = settings(chosen.features, chosen.segment, AudioLimits())
    assert list(made["plugins"]) == ["mine.py"]
    assert "plugins" not in settings(experiment().features, chosen.segment, AudioLimits())
    json.dumps(made)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import nothing_like_this", r"--plugin mine\.py: cannot be imported: ModuleNotFoundError"),
        ("def broken(:\n", r"--plugin mine\.py: cannot be imported: SyntaxError: .* line 1\)$"),
        ("x = 1\n1 / 0\n", r"ZeroDivisionError: division by zero \(mine\.py, line 2\)"),
        (
            EXAMPLES["pooled"].replace('"pooled"', '"cnn"'),
            "model=cnn is registered twice, by genrecls.models.cnn and by genrecls_plugin_mine",
        ),
    ],
    ids=["missing import", "no Python", "an error", "a taken name"],
)
def test_a_plugin_that_cannot_be_imported_is_one_line(
    source: str, message: str, plugin: WritePlugin, run_command: RunCommand
) -> None:
    outcome = run_command("train", "--plugin", str(plugin(source)), "show=true")
    assert outcome.status == 1
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(outcome.error)


NOISE = '''
from dataclasses import dataclass

from genrecls.training.settings import AUGMENTATIONS, Augmentation


@AUGMENTATIONS.register("noise")
@dataclass(frozen=True)
class Noise(Augmentation):
    """White noise on every input."""

    name: str = "noise"
    level: float = 0.1

    def apply(self, inputs, targets, seed):
        import tensorflow as tf

        noisy = {
            key: values + self.level * tf.random.stateless_normal(tf.shape(values), seed)
            for key, values in inputs.items()
        }
        return noisy, targets
'''


def test_an_augmentation_of_a_plugin_is_chosen_in_a_list(plugin: WritePlugin) -> None:
    before = run_id(experiment(), "data")
    plugins.use_plugins([plugin(NOISE)])
    chosen = experiment("augment.extra=[{name: noise, level: 0.2}]")
    (noise,) = chosen.augment.extras()
    assert noise.name == "noise"
    assert chosen.augment.active
    assert list(chosen.plugins) == ["mine.py"]
    assert run_id(chosen, "data") != run_id(experiment(), "data") == before
    with pytest.raises(ConfigError, match=r"augment\.extra\.0\.levle: unknown key.*'level'"):
        experiment("augment.extra=[{name: noise, levle: 1}]")
    with pytest.raises(ConfigError, match=r"augment\.extra\.0\.name: received 'nose'"):
        experiment("augment.extra=[{name: nose}]")


@pytest.mark.tensorflow
def test_an_augmentation_of_a_plugin_keeps_its_contract_or_is_told_why_not(
    plugin: WritePlugin, run_command: RunCommand
) -> None:
    assert run_command("check", "--plugin", str(plugin(NOISE))).status == 0
    drawn = NOISE.replace(
        "tf.random.stateless_normal(tf.shape(values), seed)", "tf.random.normal([])"
    )
    outcome = run_command("check", "--plugin", str(plugin(drawn.replace("noise", "nose"), "b.py")))
    assert outcome.status == 1
    assert "one seed gives two batches; use tf.random.stateless_" in outcome.out


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("absent.py", "there is no file .*absent.py; expected a Python file"),
        ("mine.txt", "expected a Python file, received"),
        (".", "expected a Python file, received"),
    ],
)
def test_what_is_no_python_file_is_refused(name: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("")
    with pytest.raises(ConfigError, match=f"--plugin: {reason}"):
        plugins.use_plugins([tmp_path / name])


def test_two_plugins_of_one_name_are_told_apart(plugin: WritePlugin, tmp_path: Path) -> None:
    first = plugin(EXAMPLES["pooled"])
    second = tmp_path / "second" / first.name
    second.parent.mkdir()
    second.write_text(EXAMPLES["pooled"].replace("pooled", "gathered"), encoding="utf-8")
    plugins.use_plugins([first, second])
    options = [MODELS["pooled"], MODELS["gathered"]]
    found = [plugins.plugin_of(option) for option in options]
    digests = [each.digest for each in found if each]
    assert len(set(digests)) == 2
    models = [experiment(f"model={name}").model for name in ("pooled", "gathered")]
    assert sorted(plugins.plugin_digests(models).values()) == sorted(digests)


def test_a_plugin_that_failed_is_not_met_again(
    plugin: WritePlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(plugins.VARIABLE, raising=False)
    with pytest.raises(ConfigError, match="cannot be imported"):
        plugins.use_plugins([plugin("import nothing_of_this_name\n")])
    assert plugins.VARIABLE not in os.environ
    assert experiment("model=cnn").model.name == "cnn"


def test_a_path_that_cannot_be_one_of_several_is_refused(tmp_path: Path) -> None:
    path = tmp_path / f"c{os.pathsep}d" / "mine.py"
    path.parent.mkdir()
    path.write_text("")
    with pytest.raises(ConfigError, match="allowed: a path without"):
        plugins.use_plugins([path])


def test_a_command_that_does_it_again_names_the_plugins(plugin: WritePlugin) -> None:
    path = plugin(EXAMPLES["pooled"])
    plugins.use_plugins([path])
    words = shlex.split(plugins.command_line("sweep", ["seed=0,1", "a b"]))
    assert words == ["genrecls", "sweep", "seed=0,1", "a b", "--plugin", str(path)]


def test_a_plugin_in_the_home_folder_of_nobody_is_one_line() -> None:
    with pytest.raises(ConfigError, match=r"--plugin: .*no such home folder"):
        plugins.use_plugins(["~no-such-user/mine.py"])


def test_configuration_files_name_no_plugins(plugin: WritePlugin, run_command: RunCommand) -> None:
    outcome = run_command("train", f"+plugin={plugin(EXAMPLES['pooled'])}", "model=cnn")
    assert outcome.status == 1
    assert "plugin: unknown key" in outcome.error


def test_installed_packages_join_by_an_entry_point(
    plugin: WritePlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = plugin(EXAMPLES["pooled"])
    entry = SimpleNamespace(name="pools", value="my_package", module="genrecls_plugin_mine")
    entry.load = lambda: plugins._import_file(path, entry.module)
    monkeypatch.setattr(plugins, "_entry_points", lambda: (entry,))
    assert "pooled" in MODELS
    assert plugins.plugin_digests([experiment("model=pooled").model]).keys() == {"pools"}


def test_what_a_package_has_beside_its_entry_point_is_in_the_identity_of_runs(
    plugin: WritePlugin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "pools_package"
    package.mkdir()
    plugin("", "pools_package/__init__.py")
    plugin("import pools_package.layers", "pools_package/entry.py")
    plugin(EXAMPLES["pooled"], "pools_package/layers.py")
    monkeypatch.syspath_prepend(tmp_path)
    entry = EntryPoint("pools", "pools_package.entry", plugins.ENTRY_POINTS)
    monkeypatch.setattr(plugins, "_entry_points", lambda: (entry,))
    before = plugins.plugin_digests([experiment("model=pooled").model])
    assert before.keys() == {"pools"}
    plugin(EXAMPLES["pooled"] + "# changed", "pools_package/layers.py")
    monkeypatch.setattr(plugins, "_plugins", {})
    assert plugins.plugin_digests([experiment("model=pooled").model]) != before


def test_checks_say_in_plain_words_what_a_plugin_breaks(
    plugin: WritePlugin, run_command: RunCommand, tmp_path: Path
) -> None:
    broken = EXAMPLES["energy"].replace(
        "10 * np.log10(np.maximum(power, 1e-10))", "np.where(power > 0, power, np.nan)"
    )
    path = plugin(broken)
    outcome = run_command("check", "--plugin", str(path))
    assert outcome.status == 1
    assert "features=energy: 1 problem" in outcome.out
    assert "expected: Silence, an impulse, noise and a tone give finite values" in outcome.out
    assert "received: energy: silence gives NaN or infinity" in outcome.out
    assert "1 option checked, 1 broken" in outcome.err


def test_a_check_without_a_plugin_says_how_to_name_one(
    plugin: WritePlugin, run_command: RunCommand
) -> None:
    assert "no --plugin FILE was given" in run_command("check").error
    path = str(plugin("x = 1"))
    assert "the plugin registers nothing" in run_command("check", "--plugin", path).error
