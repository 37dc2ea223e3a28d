"""Sweeps: many trainings planned, prepared, run in processes of their own, and compared."""
