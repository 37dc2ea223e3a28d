"""What was called otherwise before is still understood, and said once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from genrecls.config import aliases
from genrecls.config.aliases import current_config, current_word, original_config
from genrecls.config.compose import compose


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(aliases, "_told", set())
    yield


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("segment.cut=samples", "segment.source=audio"),
        ("segment.cut=frames", "segment.source=spectrogram"),
        ("segment.cut=samples,frames", "segment.source=audio,spectrogram"),
        ("entrances=[audio,features]", "inputs=[audio,features]"),
        ("features=picture", "features=mel_image"),
        ("features=mel,picture", "features=mel,mel_image"),
        ("features=picture_summary", "features=mel_image_summary"),
        ("features=published_picture", "features=kaggle_picture"),
        ("features=published_table", "features=kaggle_table"),
        ("features=published_both", "features=kaggle_both"),
        ("features.name=joint", "features.name=multi_input"),
        ("features.picture.name=picture", "features.picture.name=mel_image"),
        ("++segment.cut=frames", "++segment.source=spectrogram"),
    ],
)
def test_an_old_word_is_read_as_the_new_one_and_told_once(
    old: str, new: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [current_word(old), current_word(old)] == [new, new]
    expected = f"warning: {old} is called {new} now; this version still accepts the old name\n"
    assert capsys.readouterr().err == expected


@pytest.mark.parametrize(
    "word",
    ["features=mel_image", "features.picture.n_mels=64", "output_root=picture", "model=cnn", "x"],
)
def test_other_words_are_left_alone(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert current_word(word) == word
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"segment": {"cut": "frames"}}, {"segment": {"source": "spectrogram"}}),
        ({"features": {"name": "published_table"}}, {"features": {"name": "kaggle_table"}}),
        (
            {"features": {"name": "joint", "picture": {"name": "picture"}}, "seed": 1},
            {"features": {"name": "multi_input", "picture": {"name": "mel_image"}}, "seed": 1},
        ),
        ({"segment": None, "features": "picture"}, {"segment": None, "features": "picture"}),
    ],
)
def test_a_stored_configuration_is_read_without_a_word_and_can_be_turned_back(
    old: dict[str, Any], new: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert current_config(old) == new
    assert current_config(new) == new
    assert original_config(new) == old
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (["features=picture", "segment.cut=frames"], ["features=mel_image"]),
        (["features=published_both"], ["features=kaggle_both"]),
    ],
)
def test_old_words_compose_what_the_new_ones_do(old: list[str], new: list[str]) -> None:
    if "segment.cut=frames" in old:
        new = [*new, "segment.source=spectrogram"]
    assert compose("train", old) == compose("train", new)
