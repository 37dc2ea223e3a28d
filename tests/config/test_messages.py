"""Every mistake in a configuration is one line: the key, what was received, what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from genrecls.config.options import choices, groups
from tests.conftest import RunCommand
from tests.registries import SELECTED

TOP = (
    "allowed: augment, backend, data_root, dataset, debug, distill, experiment, features, "
    "figures, force, logger, memory_gb, model, output_root, seed, segment, show, split, "
    "teacher, trainer, vote"
)
TRAINER = (
    "allowed: epochs, batch_size, optimizer, schedule, monitor, keep, patience, "
    "label_smoothing, class_weights, batches, checkpoint_minutes, strategy, deterministic, "
    "threads, ema, crops, crop_hop, calibration, refit, int8_epochs, keep_checkpoint"
)
# Whoever adds an option adds one file, and need not edit what stands here.
CHOICES = {group: ", ".join(choices(group)) for group in groups()}
FAMILIES, MODELS = ", ".join(SELECTED["model"]), CHOICES["model"]
# A choice that does not exist, and the one that looks like it.
MISSPELT = {
    "features=mffc": "mfcc",
    "split=trak": "track",
    "dataset=gtzn": "gtzan",
    "segment=31s": "3s",
    "trainer=cosin": "cosine",
    "augment=mixip": "mixup",
    "debug=smok": "smoke",
}
MESSAGES = {
    **{
        word: f"{word}: no such choice; allowed: {CHOICES[word.partition('=')[0]]}; "
        f"did you mean '{meant}'?"
        for word, meant in MISSPELT.items()
    },
    # unknown keys
    "modl=cnn": f"modl: unknown key; {TOP}; did you mean 'model'?",
    "trainer.epoch=3": f"trainer.epoch: unknown key; {TRAINER}; did you mean 'epochs'?",
    "trainer.optimizer.lr=3": (
        "trainer.optimizer.lr: unknown key; allowed: name, learning_rate, weight_decay, momentum, "
        "clip_norm; did you mean 'trainer.optimizer.learning_rate=3'?"
    ),
    # keys without their group
    "epochs=3": f"epochs: unknown key; {TOP}; did you mean 'trainer.epochs=3'?",
    "epoch=3": f"epoch: unknown key; {TOP}; did you mean 'trainer.epochs=3'?",
    "lr=0.1": f"lr: unknown key; {TOP}; did you mean 'trainer.optimizer.learning_rate=0.1'?",
    "units=[8]": f"units: unknown key; {TOP}; did you mean 'model.head.units=[8]'?",
    "units=8": f"units: unknown key; {TOP}; did you mean 'model.head.units=[8]'?",
    "patience=3": (
        f"patience: unknown key; {TOP}; did you mean 'trainer.patience=3' or "
        "'trainer.schedule.patience=3'?"
    ),
    "trainer.n_mels=20": (
        f"trainer.n_mels: unknown key; {TRAINER}; did you mean 'features.n_mels=20'?"
    ),
    "name=3": f"name: unknown key; {TOP}",
    "model.conv.blocks.0.kernl=[3,3]": (
        "model.conv.blocks.0.kernl: unknown key; allowed: filters, kernel, stride, pool, "
        "pool_stride; did you mean 'kernel'?"
    ),
    "model.conv.blocks.9.kernel=[3,3]": "model.conv.blocks.9: no such item; allowed: 0 to 2",
    "trainer.epochs.foo=3": "trainer.epochs: is a single value; it has no key 'foo'",
    "dataset.rot=x": (
        "dataset.rot: unknown key; allowed: name, root, bad_audio, bands_per_genre, "
        "tracks_per_band, seconds, replicas, seed; did you mean 'root'?"
    ),
    "segment.lenght=3": (
        "segment.lenght: unknown key; allowed: length, hop, count, min_fill, source, short_tracks; "
        "did you mean 'length'?"
    ),
    "augment.mixpu=1": (
        "augment.mixpu: unknown key; allowed: mixup, mixup_chance, time_masks, time_mask_share, "
        "frequency_masks, frequency_mask_share, crop, roll, gain, mixstyle, mixstyle_chance, "
        "extra, audio; did you mean 'mixup'?"
    ),
    "trainer.crop_hop=0": "trainer.crop_hop: received 0; allowed: greater than 0",
    "augment.mixup=1e-300": (
        "augment.mixup: received 1e-300; allowed: 0, which is off, or from 0.001 to 1000"
    ),
    "augment.mixup=1e300": (
        "augment.mixup: received 1e+300; allowed: 0, which is off, or from 0.001 to 1000"
    ),
    "augment.mixstyle=1e-300": (
        "augment.mixstyle: received 1e-300; allowed: 0, which is off, or from 0.001 to 1000"
    ),
    "split.ration=[1,1,1]": (
        "split.ration: unknown key; allowed: name, ratio, seed; did you mean 'ratio'?"
    ),
    "foo.bar=1": f"foo: unknown key; {TOP}",
    "hydra.foo=1": (
        "hydra.foo: settings of Hydra have no effect here; -cd FOLDER names a folder of yours with "
        "configurations, 'genrecls sweep --help' says how many are trained"
    ),
    # additions and deletions
    "+new=1": (
        "new: unknown key; allowed: dataset, features, split, model, logger, segment, trainer, "
        "augment, distill, figures, seed, vote, force, show, memory_gb, backend, data_root, "
        "output_root, teacher"
    ),
    "+trainer.new=1": f"trainer.new: unknown key; {TRAINER}",
    "++trainer.nope=1": f"trainer.nope: unknown key; {TRAINER}",
    "+model=rnn": "+model=rnn: there is a model already; write it without '+'",
    "~nope": f"nope: unknown key; {TOP}",
    "~model": f"model: missing; allowed: {MODELS}",
    "~trainer": f"trainer: missing; allowed: {CHOICES['trainer']}",
    "~seed": "seed: missing; give it a value",
    "~trainer.epochs": "trainer.epochs: missing; give it a value",
    "~trainer.optimizer": "trainer.optimizer: missing; give it a value",
    # wrong choices
    "experiment=nope": f"experiment=nope: no such choice; allowed: {CHOICES['experiment']}",
    "model=cn": f"model=cn: no such choice; allowed: {MODELS}; did you mean 'cnn'?",
    "model=CNN": f"model=CNN: no such choice; allowed: {MODELS}; did you mean 'cnn'?",
    "model=5": f"model=5: no such choice; allowed: {MODELS}",
    "model=null": f"model=null: no such choice; allowed: {MODELS}",
    "model=": f"model=: no such choice; allowed: {MODELS}",
    "model.name=xxx": f"model.name: received 'xxx'; allowed: {FAMILIES}",
    "model.name=null": f"model.name: received null; allowed: {FAMILIES}",
    "model.name=[a]": f"model.name: received ['a']; allowed: {FAMILIES}",
    "trainer.optimizer.name=adm": (
        "trainer.optimizer.name: received 'adm'; allowed: adam, adamw, sgd, rmsprop, nadam; "
        "did you mean 'adam'?"
    ),
    "vote=men": "vote: received 'men'; allowed: mean, majority; did you mean 'mean'?",
    "features.power=3": "features.power: received 3; allowed: 1, 2",
    # wrong types and values
    "trainer.epochs=abc": "trainer.epochs: received 'abc'; allowed: a whole number",
    "trainer.epochs=": "trainer.epochs: received ''; allowed: a whole number",
    "trainer.epochs=null": "trainer.epochs: received null; allowed: a whole number",
    "trainer.epochs=2.5": "trainer.epochs: received 2.5; allowed: a whole number",
    "trainer.epochs=true": "trainer.epochs: received true; allowed: a whole number",
    "trainer.epochs=0": "trainer.epochs: received 0; allowed: greater than 0",
    "trainer.patience=0": "trainer.patience: received 0; allowed: greater than 0 or null",
    "trainer.optimizer=adam": (
        "trainer.optimizer: received 'adam'; allowed: a group of the keys name, learning_rate, "
        "weight_decay, momentum, clip_norm"
    ),
    "trainer.optimizer.learning_rate=inf": (
        "trainer.optimizer.learning_rate: received inf; allowed: a finite number"
    ),
    "seed='3'": "seed: received '3'; allowed: a whole number",
    "seed=null": "seed: received null; allowed: a whole number",
    "seed=-1": "seed: received -1; allowed: greater than or equal to 0",
    "seed=9223372036854775808": (
        "seed: received 9223372036854775808; allowed: less than or equal to 9223372036854775807"
    ),
    "show=maybe": "show: received 'maybe'; allowed: true or false",
    "output_root=null": (
        "output_root: received null; allowed: a text (in quotes inside the shell's quotes where "
        "it looks like a number)"
    ),
    "model.conv.blocks.0.kernel=3": "model.conv.blocks.0.kernel: received 3; allowed: a list",
    "model.conv.blocks.0.pool=[1,2,3]": (
        "model.conv.blocks.0.pool: received [1, 2, 3]; allowed: at most 2 items, not 3 or null"
    ),
    "model.conv.blocks=[{filters: 3}]": (
        "model.conv.blocks.0.kernel: missing; give it a value (and 3 more)"
    ),
    "model.head.units=[a]": "model.head.units.0: received 'a'; allowed: a whole number",
    "features.ref=maxx": (
        "features.ref: received 'maxx'; allowed: a number or max; did you mean 'max'?"
    ),
    "features.fmax=x": "features.fmax: received 'x'; allowed: a number or null",
    "features.n_fft=3": "features.n_fft: received 3; allowed: a multiple of 2",
    "features.fmin=20000": "features.fmin: received 20000; allowed: below fmax (11025 Hz)",
    "segment.length=0": "segment.length: received 0; allowed: greater than 0",
    "split.ratio=[3,1]": "split.ratio: expected 3 values, received [3, 1]",
    "augment.crop=0": "augment.crop: received 0; allowed: greater than 0",
    "dataset.bad_audio=skp": (
        "dataset.bad_audio: received 'skp'; allowed: error, skip; did you mean 'skip'?"
    ),
    # impossible combinations
    "segment=30s": (
        "segment.length: received 30 s, but tracks of dataset=synth are 15 s long; "
        "choose at most 15"
    ),
    "split=fault_filtered": (
        "split=fault_filtered: dataset=synth has no published partition 'fault_filtered'; it has "
        "none of its own; split=track works for any data set"
    ),
    "model.conv.blocks.0.kernel=[99,99]": (
        "model.conv.blocks.0: a kernel of 99 x 99 does not fit a picture of 65 x 64 (frames x "
        "coefficients); use padding same, fewer blocks, longer segments or more coefficients"
    ),
    # words that are no overrides
    "=3": "'=3': expected key=value or group=choice",
    "a b": "'a b': expected key=value or group=choice",
    "cnn": "'cnn': expected key=value; did you mean 'model=cnn'?",
    "model": f"'model': expected model=choice; allowed: {MODELS}",
    "dataset.root": "'dataset.root': expected dataset.root=value, without a space",
    "seeds": "'seeds': expected key=value or group=choice; did you mean 'seed'?",
    "seed=[1,2": (
        "seed: cannot read '[1,2'; quote a text with special characters for the shell and once "
        "more inside: \"seed='...'\""
    ),
    "seed=1,2": (
        "seed=1,2: several values need 'genrecls sweep', which trains one run for each; a list is "
        "written [a,b]"
    ),
    # references
    "seed=${nope}": "seed: cannot be resolved: Interpolation key 'nope' not found",
    "seed=${oc.env:GENRECLS_ABSENT}": (
        "seed: cannot be resolved: KeyError raised while resolving interpolation: "
        "\"Environment variable 'GENRECLS_ABSENT' not found\""
    ),
    # flags
    "--nope": "unknown flag --nope; see 'genrecls train --help'; did you mean '--info'?",
    "--epochs=5": (
        "unknown flag --epochs=5; see 'genrecls train --help'; did you mean 'trainer.epochs=5'?"
    ),
    "--batch-size=5": (
        "unknown flag --batch-size=5; see 'genrecls train --help'; "
        "did you mean 'trainer.batch_size=5'?"
    ),
    "--force": "unknown flag --force; see 'genrecls train --help'; did you mean 'force=true'?",
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("word", MESSAGES)
def test_a_mistake_on_the_command_line_is_one_line_that_says_it_all(
    word: str, run_command: RunCommand, tmp_path: Path
) -> None:
    # show=true as a safety net: what slips through must not start to train.
    outcome = run_command("train", "show=true", word)
    assert outcome.error == MESSAGES[word]
    assert (outcome.status, outcome.out) == (1, "")
    assert not list(tmp_path.iterdir())


COMBINATIONS: dict[tuple[str, ...], str] = {
    ("split=fault_filtered", "+split.seed=3"): (
        "split.seed: received 3; allowed: null, for the publication says where each track is; "
        "'seed' varies the training"
    ),
    ("split=segment", "trainer.crops=5"): (
        "trainer.crops: received 5, but split=segment divides tracks, and a crop would hold what "
        "tests; use null, or a split of whole tracks"
    ),
    ("split=kfold", "split.fold=9"): "split.fold: received 9; allowed: 1 to 5 (split.k)",
    ("features.fmin=5000", "features.fmax=100"): (
        "features.fmin: received 5000; allowed: below fmax (100 Hz)"
    ),
    ("dataset=gtzan", "dataset.genres=[blus,rock]"): (
        "dataset.genres: received 'blus'; allowed: blues, classical, country, disco, hiphop, "
        "jazz, metal, pop, reggae, rock; did you mean 'blues'?"
    ),
    ("dataset=gtzan", "dataset.genres=[rock,rock]"): (
        "dataset.genres: at least two different genres are needed"
    ),
    ("dataset=gtzan", "dataset.genres=rock"): (
        "dataset.genres: received 'rock'; allowed: a list or null; "
        "did you mean 'dataset.genres=[rock]'?"
    ),
    ("features=kaggle_picture",): (
        "features=kaggle_picture: needs picture, but dataset=synth has audio; choose features "
        "that are made of that, or another dataset"
    ),
    ("features=kaggle_both", "dataset=gtzan_kaggle_table"): (
        "features=kaggle_picture: needs picture, but dataset=gtzan_kaggle_table has "
        "table; choose features that are made of that, or another dataset"
    ),
    ("features=mfcc", "augment.gain=6"): (
        "augment.gain: received 6, but the values of features=mfcc as they are set are no "
        "decibels; allowed: 0; augment.audio.gain changes the audio of any features"
    ),
    ("dataset=gtzan_kaggle_pictures",): (
        "features=mel: needs audio, but dataset=gtzan_kaggle_pictures has picture and table; "
        "choose features that are made of that, or another dataset"
    ),
    ("features=kaggle_table", "dataset=gtzan_kaggle_table", "segment=3s"): (
        "segment.length: received about 3 s, but a row of features=kaggle_table describes a "
        "whole track; choose segment=30s"
    ),
    ("features=kaggle_table", "dataset=gtzan_kaggle_table", "segment.length=31"): (
        "segment.length: received 31 s, but tracks of dataset=gtzan_kaggle_table are 30 s long; "
        "choose at most 30"
    ),
    (
        "features=kaggle_table",
        "dataset=gtzan_kaggle_table",
        "segment=30s",
        "segment.source=spectrogram",
    ): (
        "segment.source: received 'spectrogram', but 'summary' of features=kaggle_table has no "
        "frames to cut; use segment.source=audio"
    ),
    ("-cn", "trian"): (
        "-cn: received 'trian'; allowed: data, download, drawing, evaluate, export, split_report, "
        "sweep, train, or a file in the folder that -cd names; did you mean 'train'?"
    ),
}


@pytest.mark.parametrize("words", COMBINATIONS, ids=" ".join)
def test_a_mistake_of_several_words_is_one_line_too(
    words: tuple[str, ...], run_command: RunCommand
) -> None:
    outcome = run_command("train", *words)
    assert outcome.error == COMBINATIONS[words]
    assert outcome.status == 1


BOMBS: dict[tuple[str, ...], str] = {
    ("features.n_fft=1073741824",): "features.n_fft: received 1073741824; allowed: at most ",
    ("features.n_mels=1000000000",): "features.n_mels: received 1000000000, which with n_fft=",
    ("features.n_mels=1e9",): "features.n_mels: received 1000000000.0; allowed: a whole number",
    ("features.sample_rate=1000000000",): "features.sample_rate: received 1000000000; allowed: ",
    ("features.hop_length=1",): "features.hop_length: received 1; allowed: at least 8 with n_fft=",
    ("dataset=folder", "features=mel", "features.hop_length=8", "segment.length=600"): (
        "segment.length: received 600 s, which features=mel make 211,"
    ),
    ("features=mel_image", "features.size=[100000,100000]"): "segment.length: received 3 s, which ",
    ("features=summary", "features.n_fft=1073741824"): "features.n_fft: received 1073741824; ",
    ("trainer.crops=3", "trainer.crop_hop=1e-9"): (
        "trainer.crop_hop: received 1e-09 s; allowed: at least 0.03 s with segments of 3 s"
    ),
    ("segment.count=2", "trainer.crops=3", "trainer.crop_hop=1e-320"): (
        "trainer.crop_hop: received 9.99989e-321 s; allowed: at least 0.03 s"
    ),
    ("segment.hop=1e-5",): "segment.hop: received 1e-05 s; allowed: at least ",
    ("dataset=folder", "segment.length=30", "segment.hop=0.3"): (
        "segment.hop: received 0.3 s, which makes 1,901 segments of a track of 600 s, 5.0 GB "
        "together; allowed: at most 4.3 GB; use a larger hop"
    ),
    ("segment.length=1e12",): "segment.length: received 1e+12 s, but tracks of dataset=synth are",
    ("dataset=folder", "segment.length=1e12"): "segment.length: received 1e+12 s; allowed: at most",
    ("trainer.batch_size=10000000",): (
        "trainer.batch_size: received 10000000, of segments of 4,160 numbers each; allowed: at "
        "most 258111 (4.3 GB)"
    ),
    ("model.head.units=[1000000000]",): "model.head.units.0: received 1000000000; allowed: ",
    ("model.conv.blocks.0.filters=1000000000",): "model.conv.blocks.0.filters: received 1000000000",
    ("model.conv.blocks.0.kernel=[1000000000,1]",): "model.conv.blocks.0.kernel.0: received 1000",
    (
        "model=rnn",
        "model.recurrent.units=[1000000000]",
    ): "model.recurrent.units.0: received 1000000000; ",
    ("features=mel_summary", "features.picture.n_fft=1073741824"): "features.picture.n_fft: ",
    (
        "features=mfcc",
        "augment.gain=6",
    ): "augment.gain: received 6, but the values of features=mfcc as they are set",
    ("augment=audio", "augment.audio.copies=1000000000"): "augment.audio.copies: received 1000000",
    ("augment.time_masks=1000000000",): "augment.time_masks: received 1000000000; allowed: ",
    ("dataset.tracks_per_band=1000000000",): "dataset.seconds: received 15 for each of ",
}


@pytest.mark.parametrize("words", BOMBS, ids=" ".join)
def test_sizes_that_would_fill_the_memory_are_refused_before_anything_is_computed(
    words: tuple[str, ...], run_command: RunCommand, tmp_path: Path
) -> None:
    outcome = run_command("train", *words)
    assert outcome.error.startswith(BOMBS[words])
    assert outcome.status == 1
    assert not list(tmp_path.iterdir())


FILES = {
    "broken": ("a: [1\n", "no valid configuration file: while parsing"),
    "latin": ("é: 1\n", "no valid configuration file: 'utf-8' codec"),
    "twice": (
        "# @package _global_\na: 1\na: 2\n",
        "a configuration file is no valid UTF-8 YAML: while constructing",
    ),
    "missing": (
        "# @package _global_\ndefaults:\n  - /model: nope\n",
        "model=nope: no such choice; allowed: boosting, cnn",
    ),
    "loop": (
        "# @package _global_\ndefaults:\n  - loop\n",
        "the configuration cannot be composed: a defaults list leads back to its own file",
    ),
    "nolist": (
        "# @package _global_\ndefaults: 5\n",
        "the configuration cannot be composed: Invalid defaults list",
    ),
    "group": (
        "# @package _global_\ndefaults:\n  - override /modl: cnn\n",
        f"modl: unknown key; {TOP}; did you mean 'model'? (in experiment/group.yaml)",
    ),
    "typo": (
        "# @package _global_\ntrainer:\n  epoch: 3\n",
        f"trainer.epoch: unknown key; {TRAINER}; did you mean 'epochs'?",
    ),
    "code": (
        "a: !!python/object/apply:pathlib.Path.touch [pwned]\n",
        "no valid configuration file: could not determine a constructor",
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_a_broken_file_of_the_users_own_is_one_line(
    name: str, run_command: RunCommand, tmp_path: Path
) -> None:
    text, expected = FILES[name]
    folder = tmp_path / "own" / "experiment"
    folder.mkdir(parents=True)
    encoding = "latin-1" if name == "latin" else "utf-8"
    (folder / f"{name}.yaml").write_text(text, encoding=encoding)
    # Flags may stand between overrides.
    outcome = run_command("train", "show=true", "-cd", str(tmp_path / "own"), f"experiment={name}")
    file = folder / f"{name}.yaml"
    assert outcome.error.removeprefix(f"{file}: ").startswith(expected)
    assert outcome.status == 1
    assert not (tmp_path / "pwned").exists()


def test_an_unknown_key_is_named_although_another_file_is_only_in_the_users_folder(
    run_command: RunCommand, tmp_path: Path
) -> None:
    folder = tmp_path / "own" / "experiment"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text("# @package _global_\nseed: 3\n")
    outcome = run_command("train", "-cd", "own", "experiment=mine", "trainer.epoch=3")
    assert outcome.error == f"trainer.epoch: unknown key; {TRAINER}; did you mean 'epochs'?"


@pytest.mark.parametrize(
    "folder", ["2024", "true", "1e3", "~", "a b", "a,b", "a (b)", "müsik", "it's", "a=b", "#1"]
)
def test_a_folder_may_have_any_name(
    folder: str, run_command: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    outcome = run_command("train", "dataset=gtzan", f"dataset.root={folder}")
    looked_in = tmp_path / ("home" if folder == "~" else folder)
    assert outcome.error.startswith(f"dataset=gtzan: there is no folder {looked_in} (looked for ")


def test_the_home_folder_of_nobody_is_one_line(run_command: RunCommand) -> None:
    outcome = run_command("train", "data_root=~no-such-user/x")
    assert outcome.error.startswith("data_root: received '~no-such-user/x'; there is no such home")


@pytest.mark.parametrize(
    ("verb", "words"), [("evaluate", ()), ("export", ()), ("train", ("continue=cnn-1",))]
)
def test_the_home_folder_of_nobody_in_a_configuration_of_ones_own_is_one_line(
    verb: str, words: tuple[str, ...], run_command: RunCommand, tmp_path: Path
) -> None:
    own = f"defaults: [{verb}, _self_]\noutput_root: ~no-such-user/x\n"
    (tmp_path / "mine.yaml").write_text(own, encoding="utf-8")
    outcome = run_command(verb, *words, "-cd", str(tmp_path), "-cn", "mine")
    assert outcome.error.startswith("output_root: received '~no-such-user/x'; there is no such")


def test_an_absent_folder_of_the_users_own_is_named(
    run_command: RunCommand, tmp_path: Path
) -> None:
    outcome = run_command("train", "-cd", "absent")
    assert outcome.error == f"-cd: there is no folder {tmp_path / 'absent'}"


def test_a_wrong_value_of_a_flag_is_one_line(run_command: RunCommand) -> None:
    # The list of choices is Python's, which words it differently from version to version.
    outcome = run_command("train", "--cfg", "jb")
    assert outcome.error.startswith("argument --cfg/-c: invalid choice: 'jb' (choose from ")
    assert outcome.error.endswith("); see 'genrecls train --help'")
    assert outcome.status == 1


@pytest.mark.parametrize("word", ["modes=[int4]", "inputs=[sound]"])
def test_a_list_is_not_called_too_short_for_its_wrong_value(
    word: str, run_command: RunCommand
) -> None:
    error = run_command("export", "latest", word).error
    key, _, values = word.partition("=")
    assert error.startswith(f"{key}.0: received '{values[1:-1]}'; allowed: ")
    assert "more)" not in error
