from __future__ import annotations

import base64
import json
import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from genrecls.errors import ExportError
from genrecls.export.formats import ExportFormat
from genrecls.export.web.litertjs import FILES, LiteRtJs
from genrecls.export.web.page import SITE, choose_web_model, read_web_model, write_page
from genrecls.runs.run import Run
from tests.export.exported_facts import export_facts, kept
from tests.runtime.handmade import CARD, exported_file

LITERTJS = LiteRtJs("2.5.3", {name: f"content of {name}".encode() for name in FILES})


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """An exported file."""
    return exported_file(tmp_path / "toy.tflite")


def page(folder: Path, **card: Any) -> str:
    """Write the page of a toy whose card says something else too; return its HTML."""
    changed = exported_file(folder.parent / "changed.tflite", {**CARD, **card})
    write_page(folder, read_web_model(changed), LITERTJS)
    return (folder / "index.html").read_text(encoding="utf-8")


def test_the_folder_has_all_that_a_server_shows(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "below" / "web"
    write_page(folder, read_web_model(model), LITERTJS)
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files == {
        *SITE,
        "README.md",
        "index.html",
        "litert/LICENSE.txt",
        "litert/index.js",
        "litert/wasm/litert_wasm_compat_internal.js",
        "litert/wasm/litert_wasm_compat_internal.wasm",
        "litert/wasm/litert_wasm_internal.js",
        "litert/wasm/litert_wasm_internal.wasm",
        "model.json",
        "model.tflite",
        "page.css",
    }
    assert (folder / "model.tflite").read_bytes() == model.read_bytes()
    assert (folder / "litert/index.js").read_bytes() == LITERTJS.files["dist/index.js"]
    facts = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    assert facts["litertjs"] == {"version": "2.5.3", "sha256": LITERTJS.digest}
    assert list(tmp_path.rglob(".web-*")) == []


def test_every_module_that_is_imported_is_there(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "web"
    write_page(folder, read_web_model(model), LITERTJS)
    for path in folder.glob("*.js"):
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r'(?:from |URL\()"(\.[^"]+)"', text):
            assert (folder / name).exists(), f"{path.name}: {name}"


def test_nothing_in_it_names_a_place_of_this_machine(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "web"
    write_page(folder, read_web_model(model), LITERTJS)
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix != ".tflite":
            text = path.read_text(encoding="utf-8")
            assert str(tmp_path) not in text
            assert str(Path.home()) not in text


def test_the_page_says_what_the_network_is(tmp_path: Path) -> None:
    html = page(tmp_path / "web")
    for said in (
        "toy-mel-dense-01234567",
        "toy, generated data",
        "0.750",
        "0.500",
        "Not real music",
    ):
        assert said in html
    assert "Its score is too high" not in html
    refit = {"runs": 5, "tracks": 160, "interval": [0.7, 0.8]}
    shipped = page(tmp_path / "web", refit=refit)
    assert "all 160 tracks of toy" in shipped
    assert "accuracy of its settings per test track, 5 runs" in shipped
    assert "0.750 [0.700, 0.800]" in shipped
    leaky = page(tmp_path / "web", leaks=["track"], generated=False, pretraining="a million songs")
    assert "Its score is too high" in leaky
    assert "track (LEAKY)" in leaky
    assert "a million songs" in leaky
    assert "Not real music" not in leaky


def test_a_reader_chooses_when_not_to_answer_where_the_network_says_what_it_got_right(
    tmp_path: Path,
) -> None:
    assert "When not to answer" not in page(tmp_path / "web")
    answers = {"part": "validation", "confidence": [0.6, 0.9], "right": [False, True]}
    html = page(tmp_path / "web", held_out={**answers, "true": [0.3, 0.9]})
    above = "at least 80% of the answers above it were right on 2 tracks"
    assert re.search(rf'<option value="0\.8999\d+" data-about="unknown below [^"]+{above}', html)
    assert re.search(r'<option value="0.0" data-about="sets have every genre: 2 tracks', html)
    none = {**answers, "right": [False, False], "true": [0.3, 0.1]}
    assert '<option value="Infinity" data-about="unknown, always' in page(
        tmp_path / "web", held_out=none
    )


def test_names_from_a_file_are_text_and_no_markup(tmp_path: Path) -> None:
    html = page(tmp_path / "web", run="<script>alert(1)</script>")
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_the_only_script_in_the_page_is_the_one_that_its_policy_names(tmp_path: Path) -> None:
    html = page(tmp_path / "web")
    (imports,) = re.findall(r'<script type="importmap">(.*?)</script>', html, flags=re.DOTALL)
    digest = base64.b64encode(sha256(imports.encode()).digest()).decode()
    assert f"script-src 'self' 'wasm-unsafe-eval' 'sha256-{digest}'" in html
    assert json.loads(imports)["imports"] == {"@litertjs/wasm-utils": "./wasm_utils.js"}
    assert "connect-src 'self'" in html


def test_a_page_takes_the_place_of_an_earlier_one_and_of_nothing_else(
    model: Path, tmp_path: Path
) -> None:
    folder, own = tmp_path / "web", tmp_path / "own"
    for _ in range(2):
        write_page(folder, read_web_model(model), LITERTJS)
        (folder / "left over.txt").touch()
    write_page(folder, read_web_model(model), LITERTJS)
    assert not (folder / "left over.txt").exists()
    own.mkdir()
    write_page(own, read_web_model(model), LITERTJS)
    for place in (tmp_path, model):
        with pytest.raises(ExportError, match="expected no such folder, or a page"):
            write_page(place, read_web_model(model), LITERTJS)
    assert model.is_file()


def test_of_a_run_the_most_exact_file_that_a_page_can_run_is_chosen(tmp_path: Path) -> None:
    run = Run(tmp_path / "a-run")
    (run.folder / "export").mkdir(parents=True)
    files = [
        kept(ExportFormat(*of))
        for of in (("features", "int8"), ("audio", "float32"), ("features", "dynamic"))
    ]
    int8 = {"mel": {**CARD["inputs"]["mel"], "dtype": "int8"}}
    exported_file(run.folder / "export/features_int8.tflite", {**CARD, "inputs": int8})
    exported_file(run.folder / "export/features_dynamic.tflite", {**CARD, "mode": "dynamic"})
    audio = {"audio": {**CARD["inputs"]["mel"], "shape": [4000]}}
    exported_file(
        run.folder / "export/audio_float32.tflite", {**CARD, "input": "audio", "inputs": audio}
    )
    chosen = choose_web_model(run, export_facts(files))
    assert (chosen.card["input"], chosen.card["mode"]) == ("audio", "float32")
    chosen = choose_web_model(run, export_facts(files[::2]))
    assert (chosen.card["input"], chosen.card["mode"]) == ("features", "dynamic")
    with pytest.raises(ExportError) as told:
        choose_web_model(run, export_facts(files[:1]))
    assert str(told.value) == (
        "run a-run has no exported file that a page can run (features_int8.tflite: LiteRT.js takes "
        "no int8 input; export the mode float32)"
    )
    with pytest.raises(ExportError, match="none was kept"):
        choose_web_model(run, export_facts(()))
    chosen = choose_web_model(run, export_facts(files), modes=("dynamic", "int8"))
    assert (chosen.card["input"], chosen.card["mode"]) == ("features", "dynamic")
    with pytest.raises(ExportError) as told:
        choose_web_model(run, export_facts(files[::2]), inputs=("audio",))
    assert str(told.value) == (
        "run a-run: expected an exported file with one of the modes float32, float16, dynamic, "
        "mixed, int8 that takes audio, received features_dynamic.tflite, features_int8.tflite; "
        "--tflite beside --web makes it, in place of these"
    )


def test_a_file_of_mixed_precision_has_a_page_too(tmp_path: Path) -> None:
    run = Run(tmp_path / "a-run")
    (run.folder / "export").mkdir(parents=True)
    exported_file(run.folder / "export/features_mixed.tflite", {**CARD, "mode": "mixed"})
    facts = export_facts([kept(ExportFormat("features", "mixed"))])
    assert choose_web_model(run, facts).card["mode"] == "mixed"
