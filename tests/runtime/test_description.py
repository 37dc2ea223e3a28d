from __future__ import annotations

from genrecls.runtime.description import ModelDescription
from tests.runtime.handmade import FACTS


def test_what_a_model_had_learned_before_stands_beside_its_score() -> None:
    before = ModelDescription.of({**FACTS, "pretraining": "Million Song Dataset"})
    assert str(before).endswith("; pretraining: Million Song Dataset")
    assert before.about.endswith(" · pretraining: Million Song Dataset")
    # Files of before do not tell it.
    assert "pretraining" not in str(ModelDescription.of(FACTS))
