"""Signal processing that a device shares with training: NumPy and soundfile only."""
