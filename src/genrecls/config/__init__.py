"""Configuration: composition with Hydra, validation by dataclasses, identity of a run."""
