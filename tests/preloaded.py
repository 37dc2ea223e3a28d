"""What the server of `tests.forked` imports before it forks."""

from genrecls.models import tensorflow_setup

tensorflow_setup.load()
