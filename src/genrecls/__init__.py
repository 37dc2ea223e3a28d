"""genrecls: a configurable, honest experiment runner for music genre classification."""

__version__ = "0.1.0"
