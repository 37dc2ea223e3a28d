"""The verbs of the command line and their actions, each with what it does."""

from __future__ import annotations

VERBS = {
    "train": "train and evaluate one configuration",
    "sweep": "train many configurations, each in its own process, and rank them",
    "ensemble": "average finished runs into one",
    "refit": "train the settings of finished runs on all tracks, to use",
    "evaluate": "compute the scores of a finished run again",
    "predict": "classify audio files or folders",
    "models": "list the models that need no training, with scores and licences",
    "explain": "draw which parts of a file decided, and what the layers respond to",
    "export": "write TFLite files and everything a device needs, or a page that hears music",
    "publish": "upload a run, its exported files and a card to the Hugging Face Hub",
    "benchmark": "measure the latency of a run's model and its exported files",
    "data": "list, download, verify and audit data sets; manage the feature cache",
    "reproduce": "train the published systems and compare their numbers with ours",
    "runs": "list the runs in outputs/, newest first, with their scores",
    "compare": "rank finished runs and test each against the best",
    "config": "list, show or copy the configuration files that there are",
    "check": "try the models, features, data sets and splits of a plugin",
}
ACTIONS = {
    "list": "list the data sets and whether they are here",
    "info": "show genres, tracks, artists, partitions and the source of one",
    "download": "fetch one, check its digest, unpack and verify it; repeat to continue",
    "verify": "check every file of one; the exit status is 1 if some are unusable",
    "split-report": "show what each split would give: genres, shared artists, copies, scores",
    "cache": "list the cached features, or delete some",
}
CONFIG_ACTIONS = {"list": (0, 1), "show": (1, 1), "copy": (2, 3)}
"""What can stand behind `config`, with the least and the largest number of words behind it."""
RUN_ACTIONS = ("show", "open", "remove", "filter")
"""What can stand behind `runs`; without any of them it is `filter`."""
REMOVABLE = ("failed", "interrupted", "pruned", "checkpoints")
"""What can stand behind `runs remove` beside runs; `runs.removal` knows what it means."""
CONTINUING = ("train", "refit", "sweep", "reproduce", "data download")
"""What an interrupted command of continues when it is repeated; the others begin again."""
