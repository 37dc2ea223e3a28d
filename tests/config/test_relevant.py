from __future__ import annotations

from genrecls.config.relevant import relevant


def test_places_and_trackers_are_left_out_and_the_given_configuration_stays_as_it_is() -> None:
    config = {
        "seed": 0,
        "output_root": "here",
        "dataset": {"name": "gtzan", "root": "there"},
        "trainer": {"epochs": 3, "checkpoint_minutes": 5},
        "logger": {"name": "csv"},
    }
    kept = {"seed": 0, "dataset": {"name": "gtzan"}, "trainer": {"epochs": 3}}
    assert relevant(config) == kept
    assert config["dataset"] == {"name": "gtzan", "root": "there"}
    assert relevant({"seed": 0}) == {"seed": 0}
