"""`genrecls sweep`: many trainings, each in a process of its own, and one table at the end."""

from __future__ import annotations

from collections.abc import Sequence

from genrecls.sweeps.arguments import read_request


def main(words: Sequence[str]) -> int:
    """Train everything that the words mean, or search, whatever becomes of single trainings."""
    request = read_request(words)
    if request.search is not None:
        from genrecls.sweeps.search.search import search

        search(request)
    else:
        from genrecls.sweeps.sweep import sweep

        sweep(request)
    return 0
