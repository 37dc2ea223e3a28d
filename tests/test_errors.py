"""What an error says of itself, as it stands inside a message."""

from __future__ import annotations

import pytest

from genrecls.errors import first_line


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError("full"), "full"),
        (RuntimeError("\n  bad offset \nat node 3\n"), "bad offset "),
        (MemoryError(), "MemoryError"),
        (ValueError(" \n"), "ValueError"),
    ],
)
def test_the_first_line_of_an_error_is_never_empty(error: Exception, line: str) -> None:
    assert first_line(error) == line
