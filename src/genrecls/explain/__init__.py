"""Looking inside a trained network: evidence for an answer, outputs of layers, first weights."""
