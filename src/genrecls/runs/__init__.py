"""Run folders: what is in them, and how it is read back."""

from genrecls import make_callable

make_callable(__name__)
