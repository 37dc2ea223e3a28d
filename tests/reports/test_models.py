"""The list of models without a training, and the card of one, as tables."""

from __future__ import annotations

from genrecls.reports.models import card_tables, models_table, shipped_facts
from genrecls.shipped.models import read_card


def test_what_degraded_music_costs_stands_in_the_card_once_it_was_measured() -> None:
    gap = {"mean": -0.125, "interval": [-0.25, -0.0625], "p": 0.01}
    scores = {
        "clean": {"accuracy": 0.625, "interval": [0.5, 0.75], "difference": None},
        "noise": {"accuracy": 0.5, "interval": [0.25, 0.75], "difference": gap},
    }
    card = {**read_card("best_tiny"), "robustness": {"float32": scores, "int8": scores}}
    shown = "\n".join(table.to_markdown() for table in card_tables(card))
    assert "not measured" not in shown
    assert "noise at 20 dB" in shown
    assert "0.500 [0.25, 0.75]" in shown
    assert "-0.125 [-0.25, -0.06]*" in shown


def test_what_a_model_or_its_teacher_had_heard_stands_beside_its_score() -> None:
    card = {**read_card("best_small"), "pretraining": "Million Song Dataset"}
    listed = models_table([shipped_facts(card)]).to_markdown()
    assert "pretraining: Million Song Dataset" in listed
    about = card_tables(card)[0].to_markdown()
    assert "trained on Million Song Dataset, which may hold artists" in about
