"""Features: one file a representation, cut into segments, extracted in parallel, cached."""
