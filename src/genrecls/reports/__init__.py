"""What a finished run looks like: figures and one self-contained page, made from plain values."""
