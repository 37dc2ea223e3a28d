"""What the server of `tests.forked` imports and makes before it forks."""

import gc
from contextlib import suppress

from genrecls.models import tensorflow_setup

tensorflow_setup.load()

# What nearly every command imports.
import keras  # noqa: E402, F401
import matplotlib.figure  # noqa: E402, F401
import sklearn.metrics  # noqa: E402, F401

import genrecls.cli.sweep  # noqa: E402
import genrecls.experiment.train  # noqa: E402
import genrecls.sweeps.sweep  # noqa: E402, F401
import tests.runs.finished_runs  # noqa: E402, F401
from genrecls.experiment.experiment import parse  # noqa: E402
from tests.composed import composed  # noqa: E402
from tests.sqlite import hurry  # noqa: E402

with suppress(ImportError):
    import optuna  # noqa: F401

    hurry()

# Parsers, schemas and the files that most of them compose.
parse(composed("train", "debug=smoke"))
parse(composed("train", "debug=smoke", "model=mlp", "features=summary"))
# What is there by now is left alone by the collector of garbage, so that forks share it.
gc.freeze()
