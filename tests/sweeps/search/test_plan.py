from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from genrecls.cli.sweep import parse
from genrecls.errors import ConfigError
from genrecls.files.atomic import write_text
from genrecls.sweeps.plan import Planner
from genrecls.sweeps.search.plan import SearchPlan, plan_search
from genrecls.sweeps.search.result import (
    copy_own_options,
    experiment_file,
    place_words,
    says_where_things_are,
)
from tests.runtime.packed import song
from tests.sweeps.sweeps import Place


def plan(place: Place, *words: str) -> SearchPlan:
    return plan_search(parse((*place.words, "dataset=synth_tiny", *words)))


def test_the_base_is_chosen_unless_the_command_line_chooses(place: Place) -> None:
    assert plan(place, "search=crnn").start.experiment.model.name == "crnn"
    small = plan(place, "search=crnn", "model=crnn_micro").start.experiment
    assert small.resolved()["model"]["conv"]["blocks"][0]["filters"] == 16
    both = plan(place, "search=cnn_mlp").start.experiment
    assert both.features.name == "multi_input"


def test_a_space_that_was_made_for_another_model_is_warned_of(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    plan(place, "search=crnn", "model=crnn_micro")
    assert "warning" not in capsys.readouterr().err
    plan(place, "search=mlp", "model=cnn", "features=mfcc")
    (line,) = capsys.readouterr().err.splitlines()
    assert "was made for model=mlp, but model=cnn is searched" in line


def test_a_search_of_a_preset_has_its_name_or_the_folder_that_it_has(place: Place) -> None:
    searched = plan(place, "search=crnn", "model=crnn_micro")
    assert searched.name.startswith("search-crnn_micro-")
    assert "-crnn-" in searched.start.run_name
    earlier = searched.folder.with_name(searched.name.replace("crnn_micro", "crnn"))
    earlier.mkdir(parents=True)
    assert searched.folder == earlier


def test_an_experiment_is_a_choice_of_everything(place: Place) -> None:
    words = ("search=trainer", "experiment=khamees2021_mlp", "dataset=synth_tiny", "split=track")
    assert plan(place, *words).start.experiment.model.name == "mlp"


def test_what_the_command_line_fixes_is_not_searched(place: Place) -> None:
    searched = plan(place, "search=mlp", "trainer.batch_size=8")
    assert "trainer.batch_size" not in searched.space
    assert searched.start.experiment.trainer.batch_size == 8
    job = searched.job({"model.head.units": "[16]", "model.head.dropout": "0.2"})
    assert job.experiment.resolved()["model"]["head"]["units"] == [16]
    assert job.words[-2:] == ("model.head.units=[16]", "model.head.dropout=0.2")


def test_a_dimension_is_added_changed_and_left_out_on_the_command_line(place: Place) -> None:
    added = "+search.space={trainer.epochs:{low:2,high:4},model.head.l2:null}"
    searched = plan(place, "search=mlp", added)
    assert "trainer.epochs" in searched.space
    assert "model.head.l2" not in searched.space


def test_a_dimension_of_another_kind_takes_the_place_of_that_of_the_file(place: Place) -> None:
    words = "model.head.dropout:{choices:[0.1,0.2]},trainer.batch_size:{low:8,high:32}"
    space = plan(place, "search=mlp", f"+search.space={{{words}}}").space
    assert space["model.head.dropout"].words == "0.1, 0.2"
    assert space["trainer.batch_size"].words == "8 to 32"
    kept = plan(place, "search=mlp", "+search.space={model.head.dropout:{high:0.3}}").space
    assert kept["model.head.dropout"].words == "0 to 0.3 in steps of 0.1"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("search=mlp", "seed=0,1"), "a search takes one value of each key"),
        (("search=mlp", "search.objective=[test]"), "the test part takes no part in a search"),
        (("search=mlp", "search.trials=0"), "search.trials: received 0"),
        (("search=mlp", "cluster=local"), "cluster=local: a search runs on this machine"),
        (("search=nobody",), "search=nobody: no such choice"),
        (("search=mlp", "search.target=cortexm4"), "target: received 'cortexm4'; allowed: cortex"),
        (
            ("search=sklearn", "search.target=rpi"),
            "search.target: received rpi for model=sklearn, whose size is known after its fit",
        ),
        (
            ("search=mlp", "+search.space={model.haed.l2:{low:0,high:1}}"),
            "search.space: model.haed.l2=0: model.haed: unknown key",
        ),
        (
            ("search=mlp", "+search.space={model.head.dropout:{high:3}}"),
            "search.space: model.head.dropout=3: model.head.dropout: received 3",
        ),
    ],
)
def test_an_impossible_search_is_one_line(
    place: Place, words: tuple[str, ...], expected: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        plan(place, *words)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_nothing_left_to_search_is_one_line(place: Place) -> None:
    fixed = ("optimizer.learning_rate=0.1", "optimizer.weight_decay=0", "batch_size=8")
    words = [f"trainer.{word}" for word in (*fixed, "label_smoothing=0")]
    with pytest.raises(ConfigError, match="nothing is left to search"):
        plan(place, "search=trainer", *words)


def test_other_words_or_another_space_are_another_search(place: Place) -> None:
    names = {
        plan(place, *words).name
        for words in (
            ("search=mlp",),
            ("search=mlp", "seed=1"),
            ("search=mlp", "+search.space={model.head.l2:null}"),
            ("search=mlp", "search.objective=[loss]"),
        )
    }
    assert len(names) == 4
    assert plan(place, "search=mlp", "search.trials=7").name in names


@pytest.mark.parametrize(
    "words",
    [
        ("search=mlp", "debug=smoke", "seed=3", "augment=specaugment"),
        ("search=cnn_mlp", "trainer=cosine"),
        ("search=trainer", "experiment=khamees2021_mlp", "split=track"),
        # Names of runs leave out decibels, which are not the default of these features.
        ("search=cnn", "features=musicnn_mel", "features.compression=db"),
        # Options that do not go together before the search has set them.
        ("search=vgg16",),
        ("search=mlp", "segment=30s", "dataset.seconds=30"),
    ],
)
def test_the_experiment_file_of_a_trial_leads_to_its_run(
    place: Place, words: tuple[str, ...]
) -> None:
    searched = plan(place, *words)
    chosen: dict[str, Any] = {k: d.text(d.last) for k, d in searched.space.items()}
    job = searched.job(chosen)
    folder = place.output_root / "made" / "experiment"
    folder.mkdir(parents=True)
    (folder / "best.yaml").write_text(
        experiment_file(searched, chosen, job.experiment, "the best"), encoding="utf-8"
    )
    planner = Planner(str(folder.parent))
    again = planner.job(("experiment=best", *place.words))
    assert again.run.name == job.run.name
    assert again.experiment.resolved() == job.experiment.resolved()


def test_the_best_of_a_search_with_files_of_the_user_needs_the_folder_of_the_search_alone(
    place: Place,
) -> None:
    own, music = place.output_root / "own", place.output_root / "music"
    files = {
        "experiment/mine.yaml": f"""# @package _global_
defaults: [override /model: wide, override /segment: short, override /dataset: folder]
dataset: {{root: {music}, merge: {{a: [b c, d]}}}}
output_root: {place.output_root}
""",
        "model/wide.yaml": "defaults: [base, _self_]\nhead: {dropout: 0.4}\n",
        "model/base.yaml": "defaults: [mlp, _self_]\nhead: {units: [96]}\n",
        "segment/short.yaml": "defaults: [3s, _self_]\nlength: 2.0\n",
        "features/both.yaml": "defaults: [summary_both, _self_]\n",
    }
    for name, text in files.items():
        (own / name).parent.mkdir(parents=True, exist_ok=True)
        (own / name).write_text(text, encoding="utf-8")
    for seed, genre in enumerate(("a", "b c", "d", "e", "e", "e")):
        song(music / genre / f"{seed}.wav", seconds=3, seed=seed)
    words = ("experiment=mine", "features=summary", "search=mlp")
    searched = plan_search(parse((place.words[0], "-cd", str(own), *words)))
    chosen = {"trainer.batch_size": "16"}
    job = searched.job(chosen)
    text = experiment_file(searched, chosen, job.experiment, "the best")
    write_text(searched.folder / "experiment" / "best.yaml", text)
    copy_own_options(searched)
    assert not (searched.folder / "experiment" / "mine.yaml").exists()
    planner = Planner(str(searched.folder))
    again = planner.job(("experiment=best", *place_words(searched)))
    assert again.run.name == job.run.name
    assert again.experiment.resolved() == job.experiment.resolved()


@pytest.mark.parametrize(
    ("word", "kept"),
    [
        ("data_root=d", True),
        ("dataset.root=~/music", True),
        ("dataset.genres=[jazz,rock]", True),
        ("dataset.columns.label=genre", True),
        ("+dataset.merge.rock=[rap]", True),
        ("logger.project=mine", True),
        ("dataset.limits.quietest=-60", False),
        ("trainer.epochs=3", False),
    ],
)
def test_words_that_no_experiment_file_holds_stand_in_the_command(word: str, kept: bool) -> None:
    assert says_where_things_are(word) == kept


def test_the_experiment_file_holds_nothing_that_is_usual(place: Place) -> None:
    searched = plan(place, "search=mlp")
    chosen = {"model.head.dropout": "0.2"}
    text = experiment_file(searched, chosen, searched.job(chosen).experiment, "trial 3")
    head, _, body = text.partition("\n\n")
    assert head.splitlines()[:3] == ["# @package _global_", "# trial 3", "defaults:"]
    assert "  - override /model: mlp" in head
    assert body == "model:\n  head: {dropout: 0.2}\n"
    assert str(place.data_root) not in text


def test_the_name_of_a_search_does_not_depend_on_its_places(place: Place) -> None:
    elsewhere = replace(place, output_root=place.output_root / "other")
    assert plan(place, "search=mlp").name == plan(elsewhere, "search=mlp").name
