"""The drawings, one a file."""
