"""Help texts, made from the configuration files alone: they answer at once."""

from __future__ import annotations

from genrecls.config.options import choices, groups, keys

VERBS = {
    "train": "train and evaluate one configuration",
    "sweep": "train many configurations, each in its own process, and rank them",
    "evaluate": "compute the scores of a finished run again",
    "predict": "classify audio files or folders",
    "explain": "draw what in a file decided, and what the layers look for",
    "export": "write TFLite files and everything a device needs",
    "benchmark": "measure latency of a run's model and its exported files",
    "data": "list, download, verify and audit data sets; look after the feature cache",
    "reproduce": "train the published systems and set their numbers beside ours",
    "runs": "list what is in outputs/, newest first, with its scores",
    "compare": "rank finished runs and test each against the best",
    "check": "try the models, features, data sets and splits of a plugin",
}

_GENERAL = """\
genrecls: honest music genre classification experiments

usage: genrecls VERB [...]

{verbs}

  genrecls VERB --help                   what a verb takes
  genrecls VERB --plugin FILE.py         with models, features, data sets, splits of your own
  genrecls --completion bash|zsh|fish    print completions for your shell
  genrecls --version

examples
  genrecls train                         a CNN on the built-in (generated) data
  genrecls train model=crnn features=mel
  genrecls train dataset=gtzan dataset.root=~/gtzan split=artist
  genrecls sweep model=cnn,rnn,crnn 'seed=range(0,3)' jobs=2
  genrecls predict song.mp3
  genrecls export --tflite               the newest run as files for small devices
"""

_TRAIN = """\
genrecls train [group=choice ...] [key=value ...] [flags]

Trains, evaluates and reports one configuration. The same command again shows the finished run, or
goes on with an interrupted one.

groups (the default is marked *)
{groups}

keys
{keys}

  Any value inside a group: trainer.epochs=5, features.n_mels=96, model.head.dropout=0.5

flags (Hydra's own)
  --cfg job            print the composed configuration and stop
  --info               how Hydra composes it
  -m, --multirun       one run for each of model=cnn,rnn and so on, in this process; better:
                       'genrecls sweep', where one that fails or is killed stops no other
  -cd DIR, -cn NAME    configurations of your own
  --hydra-help         all of Hydra's flags
"""

_SWEEP = """\
genrecls sweep [-m] [group=choice,choice ...] [key=value,value ...] [-cd DIR]
genrecls sweep search=SPACE [search.trials=30] [group=choice ...] [key=value ...]

Trains one configuration for every combination of values, each in its own process, and ranks the
finished runs. What several need (data, features) is made once. A training that fails, is killed or
takes too much memory is recorded with its reason, and the others continue; the exit status is then
1. The same command again trains what is missing, and continues where a training was interrupted.

values
  model=cnn,rnn            a list
  'seed=range(0,5)'        0 to 4
  'experiment=glob(kha*)'  all choices whose names match

{groups}

keys
{keys}

  search.trials=50, search.objective=[accuracy,parameters] and so on set up a search, and
  cluster.partition=gpu, cluster.timeout_min=240 and so on a cluster. Everything else is a group or
  a key of 'genrecls train'. Runs that differ only in seed and split.fold are one system in the
  table, which lies in <output_root>/sweeps with what every training has printed.

flags
  -m                   for Hydra's habit; it changes nothing
  -cd DIR              configurations of your own
"""

_EVALUATE = """\
genrecls evaluate [RUN] [key=value ...] [flags]

Loads the model of a finished run (folder, name, end of a name; without one the newest) and scores
it again on a part of the data it was trained on.

keys
{keys}

flags: Hydra's own, as for 'genrecls train'
"""

_EXPORT = """\
genrecls export --tflite [RUN] [key=value ...] [flags]

Writes a finished run (folder, name, end of a name; without one the newest) as TFLite files, each
compared with the model on held-out tracks before it is kept, with C sources, a model card and a
program that needs no TensorFlow, into the folder 'export' of the run.

keys
{keys}
  gate.MODE.BOUND          what a file must keep of its model: difference, decisions, accuracy

flags: Hydra's own, as for 'genrecls train'
"""


def general() -> str:
    """Return the text of `genrecls --help`."""
    verbs = "\n".join(f"  {verb:<10} {line}" for verb, line in VERBS.items())
    return _GENERAL.format(verbs=verbs)


def train() -> str:
    """Return the text of `genrecls train --help`, with every choice of every group."""
    width = max(len(choice) for group in groups() for choice in choices(group))
    blocks = [
        f"  {group}: {purpose}\n{_choices(group, default, width)}"
        for group, (default, purpose) in groups().items()
    ]
    return _TRAIN.format(groups="\n".join(blocks), keys=_keys("train"))


def sweep() -> str:
    """Return the text of `genrecls sweep --help`."""
    blocks = [
        f"{group}: {purpose}\n{_choices(group, default)}"
        for group, (default, purpose) in groups("sweep").items()
    ]
    return _SWEEP.format(keys=_keys("sweep"), groups="\n\n".join(blocks))


def evaluate() -> str:
    """Return the text of `genrecls evaluate --help`."""
    return _EVALUATE.format(keys=_keys("evaluate"))


def export() -> str:
    """Return the text of `genrecls export --help`."""
    return _EXPORT.format(keys=_keys("export"))


def _choices(group: str, default: str, width: int = 10) -> str:
    return "\n".join(
        f"    {'*' if choice == default else ' '} {choice:<{width}}  {line}"
        for choice, line in choices(group).items()
    )


def _keys(root: str) -> str:
    rows = (line.partition(" # ") for line in keys(root))
    return "\n".join(
        f"  {setting.strip().replace(': ', '='):<24} {purpose}" for setting, _, purpose in rows
    )
