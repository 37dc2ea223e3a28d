"""Models that come with genrecls, each with its card; `scripts/ship_models.py` makes them."""
