"""Trackers: what a training tells other programs while it goes on."""
