"""What the server of `tests.forked` imports before it forks."""

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

with suppress(ImportError):
    import optuna  # noqa: F401
