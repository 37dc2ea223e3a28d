"""Trackers: what a training tells other programs while it runs."""
