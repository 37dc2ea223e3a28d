"""The general help text; that of a verb is made by its parser."""

from __future__ import annotations

from genrecls.cli.verbs import ACTIONS, VERBS

_GENERAL = """\
genrecls: honest music genre classification experiments

usage: genrecls VERB [RUN|FILE ...] [--flag ...] [key=value ...]

{verbs}

  genrecls VERB --help                   what a verb takes
  genrecls VERB --plugin FILE.py         with models, features, data sets, splits of your own
  genrecls --completion bash|zsh|fish    print completions for your shell
  genrecls --version

examples
  genrecls train                         a CNN on the built-in (generated) data
  genrecls train model=crnn features=mel
  genrecls train dataset=gtzan dataset.root=~/gtzan split=artist
  genrecls sweep model=cnn,rnn,crnn seeds=3 jobs=2
  genrecls predict song.mp3
  genrecls export --tflite latest        the newest run as files for small devices
"""


def general() -> str:
    """Return the text of `genrecls --help`."""
    return _GENERAL.format(verbs=_rows(VERBS))


def data() -> str:
    """Return the text of `genrecls data --help`."""
    return (
        "usage: genrecls data ACTION [flags] [key=value ...]\n\n"
        f"{_rows(ACTIONS)}\n\n  genrecls data ACTION --help     what an action takes\n"
    )


def _rows(lines: dict[str, str]) -> str:
    width = max(map(len, lines))
    return "\n".join(f"  {name:<{width}}  {line}" for name, line in lines.items())
