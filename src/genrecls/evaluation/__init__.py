"""Evaluation: scores of segments and of tracks, with their uncertainty."""
