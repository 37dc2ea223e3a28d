"""One experiment: its configuration, and the way from data to a finished run."""
