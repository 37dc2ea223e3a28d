"""Classification with an exported file alone: NumPy, soundfile and the TFLite runtime."""
