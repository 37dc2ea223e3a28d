"""Whether an exported file answers as the trained network does."""
