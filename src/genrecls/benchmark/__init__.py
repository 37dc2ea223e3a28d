"""Latency of a model and its exported files on this machine."""
