from __future__ import annotations

import pytest

from genrecls.runtime.marks import leak_mark


@pytest.mark.parametrize(
    ("leaks", "mark"),
    [
        ((), ""),
        (("artist",), " (artists shared)"),
        (("artist", "audio", "track"), " (LEAKY)"),
    ],
)
def test_a_leak_is_named_behind_the_split(leaks: tuple[str, ...], mark: str) -> None:
    assert leak_mark(leaks) == mark
