"""Splits: which tracks train, which select, which test; and the check that nothing leaks."""
