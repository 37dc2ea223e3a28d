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


def test_settings_that_came_later_do_not_count_while_they_change_nothing() -> None:
    mel = {"name": "mel", "compression": "db", "log_gain": 10_000.0}
    config = {"features": {"name": "multi_input", "picture": mel}}
    assert relevant(config) == {"features": {"name": "multi_input", "picture": {"name": "mel"}}}
    assert relevant({"features": mel}) == {"features": {"name": "mel"}}
    other = {"features": {**mel, "compression": "pcen"}}
    assert relevant(other)["features"]["compression"] == "pcen"
