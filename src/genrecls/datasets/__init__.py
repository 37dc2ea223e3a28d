"""Data sets: one file each, plus what they share and how they are verified."""
