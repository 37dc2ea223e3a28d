"""What the splits of a data set would give, and what a score made with each of them is worth."""
