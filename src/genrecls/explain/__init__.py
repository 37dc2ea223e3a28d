"""Looking inside a trained network: what decided, what its layers answer, what it looks for."""
