"""Looking inside a trained network: evidence for an answer, outputs of layers, first weights."""

from genrecls import make_callable

make_callable(__name__)
