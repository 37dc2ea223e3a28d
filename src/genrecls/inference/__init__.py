"""Genres of audio files that nobody has labelled."""
