from __future__ import annotations

from pathlib import Path

import pytest

from genrecls.export.web.litertjs import FILES, LiteRtJs
from genrecls.shipped.models import FOLDER
from tests.conftest import RunCommand
from tests.runs.finished_runs import Made, finished_run
from tests.runtime.handmade import CARD, exported_file

LITERTJS = LiteRtJs("2.5.3", dict.fromkeys(FILES, b""))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """Where LiteRT.js was looked for."""
    places: list[str | None] = []

    def find(place: str | None) -> LiteRtJs:
        places.append(place)
        return LITERTJS

    monkeypatch.setattr("genrecls.export.web.litertjs.find_litertjs", find)
    return places


def test_a_page_is_made_of_a_file_alone(
    tmp_path: Path,
    asked: list[str | None],
    run_command: RunCommand,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    file = exported_file(tmp_path / "my model.tflite")
    outcome = run_command("export", "--web", str(file), "litertjs=download")
    assert outcome.err.splitlines() == [
        "page in my model_web; to look at it: python -m http.server -d 'my model_web'"
    ]
    assert outcome.status == 0
    assert asked == ["download"]
    outcome = run_command("export", str(file), "--web", "--output", str(tmp_path / "site"))
    assert (tmp_path / "site" / "index.html").is_file()
    assert asked == ["download", None]


@pytest.mark.parametrize("words", [["--web"], ["--web", "--tflite"]])
def test_what_runs_a_page_is_looked_for_before_files_are_made(
    words: list[str], run_command: RunCommand, tmp_path: Path
) -> None:
    finished_run(tmp_path / "outputs", "here-cnn-1")
    places = (f"output_root={tmp_path / 'outputs'}", f"litertjs={tmp_path / 'absent'}")
    outcome = run_command("export", "cnn-1", *words, *places)
    assert outcome.error.startswith("litertjs: ")


def test_a_file_that_no_page_can_run_is_refused(
    tmp_path: Path, asked: list[str | None], run_command: RunCommand
) -> None:
    file = exported_file(tmp_path / "toy.tflite", {**CARD, "features": {"name": "summary"}})
    assert run_command("export", "--web", str(file)).error == (
        f"{file}: a page does not compute features=summary; train on features=mel, mfcc or "
        "mel_image"
    )


def test_words_that_do_not_go_together_are_refused(run_command: RunCommand) -> None:
    assert run_command("export", "latest", "--output", "site").error == (
        "--output: it goes with --web and --micro; a bundle lies in the folder of its run"
    )
    for words in (["toy.tflite"], ["--tflite", "--web", "toy.tflite"]):
        assert run_command("export", *words).error == (
            "received the model file toy.tflite; expected a run, for TFLite files are made of its "
            "model and its data; --web and --micro take a file"
        )


def test_a_word_on_how_files_are_made_is_refused_where_a_page_takes_one_that_is_there(
    tmp_path: Path, asked: list[str | None], run_command: RunCommand
) -> None:
    file = exported_file(tmp_path / "toy.tflite")
    assert run_command("export", "--web", str(file), "target=phone").error == (
        "--web: received 'target=phone' beside it, but the file says all that the page is made of; "
        "leave it out"
    )
    finished_run(tmp_path / "outputs", "here-cnn-1", Made(int8=1))
    words = ("gate.int8.decisions=0.9", f"output_root={tmp_path / 'outputs'}")
    assert run_command("export", "--web", "cnn-1", *words).error == (
        "run here-cnn-1 is exported, and 'gate.int8.decisions=0.9' says how files are made: "
        "--tflite beside --web makes them anew"
    )


def test_a_shipped_model_has_a_page_too(
    tmp_path: Path, asked: list[str | None], run_command: RunCommand
) -> None:
    run_command("export", "--web", "best_small", "--output", str(tmp_path / "site"))
    html = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert "all 160 tracks of gtzan" in html


def test_what_cannot_be_made_of_a_shipped_model_says_what_can_be_done_with_it(
    run_command: RunCommand,
) -> None:
    assert run_command("export", "--web", "best_small_int8").error == (
        "best_small_int8: LiteRT.js takes no int8 input; take best_small"
    )
    assert run_command("export", "--tflite", "best_small").error == (
        "best_small comes with genrecls as a TFLite file, which predict takes by that name and "
        f"which lies in {FOLDER / 'best_small.tflite'}; --web and --micro take it, too"
    )


def test_a_shipped_model_becomes_a_project_for_microcontrollers(
    tmp_path: Path, run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("genrecls.export.verify.micro.available", lambda: False)
    outcome = run_command("export", "--micro", "best_tiny_int8")
    assert outcome.status == 0
    assert outcome.err.splitlines()[-1] == (
        "C++ project in best_tiny_int8_micro; its README.md says how to build and run it"
    )
    assert (tmp_path / "best_tiny_int8_micro" / "README.md").is_file()
    run_command("export", "--micro", "best_tiny_int8", "--output", str(tmp_path / "other"))
    assert (tmp_path / "other" / "src" / "genrecls.h").is_file()


def test_a_project_alone_is_made_of_a_file_and_nothing_else(run_command: RunCommand) -> None:
    assert run_command("export", "--micro", "latest").error == (
        "--micro: expected a .tflite or the name of a shipped model, such as best_small_int8; of a "
        "run, --tflite writes it with the files, as micro/"
    )
    assert run_command("export", "--micro", "best_small_int8", "target=cortex-m4").error == (
        "--micro: received 'target=cortex-m4' beside it, but the file says all that it is made of; "
        "leave it out"
    )
    assert run_command("export", "--micro", "--web", "best_small").error == (
        "--micro: expected neither --tflite, which writes it too, nor --web"
    )
