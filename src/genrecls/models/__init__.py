"""Models: one file a family, each a configuration that can build its network."""
