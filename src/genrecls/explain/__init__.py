"""Looking inside a trained network: what decided, what its layers answer, what it looks for."""

from genrecls import make_callable

make_callable(__name__)
