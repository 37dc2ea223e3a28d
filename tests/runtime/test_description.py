from __future__ import annotations

import pytest

from genrecls.runtime.description import ModelDescription, leak_mark
from tests.runtime.handmade import FACTS


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


def test_what_a_model_had_learned_before_stands_beside_its_score() -> None:
    before = ModelDescription.of({**FACTS, "pretraining": "Million Song Dataset"})
    assert str(before).endswith("; pretraining: Million Song Dataset")
    assert before.about.endswith(" · pretraining: Million Song Dataset")
    # Files of before do not tell it.
    assert "pretraining" not in str(ModelDescription.of(FACTS))
