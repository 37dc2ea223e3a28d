"""The samples for phones are parsed, and ask an export for what it has."""

from __future__ import annotations

import plistlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.export.exported_facts import export_facts

EXAMPLES = Path(__file__).parents[1] / "examples"
ANDROID = "{http://schemas.android.com/apk/res/android}name"
SOURCES = sorted(path for path in EXAMPLES.rglob("*") if path.suffix in {".kt", ".kts", ".swift"})
KOTLIN = (EXAMPLES / "android/app/src/main/kotlin/org/genrecls/sample/GenreModel.kt").read_text()
SWIFT = (EXAMPLES / "ios/Genre/GenreModel.swift").read_text()


def _faults(node: Any) -> Iterator[str]:
    if node.type == "ERROR" or node.is_missing:
        yield f"line {node.start_point[0] + 1}: {node.text.decode()[:60]}"
    for child in node.children:
        yield from _faults(child)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_a_source_of_a_sample_is_kotlin_or_swift(path: Path) -> None:
    sitter = pytest.importorskip("tree_sitter")
    name = "tree_sitter_swift" if path.suffix == ".swift" else "tree_sitter_kotlin"
    language = sitter.Language(pytest.importorskip(name).language())
    tree = sitter.Parser(language).parse(path.read_bytes())
    assert list(_faults(tree.root_node)) == []


def test_both_systems_are_asked_for_the_microphone() -> None:
    manifest = ET.parse(EXAMPLES / "android/app/src/main/AndroidManifest.xml").getroot()  # noqa: S314
    asked = [each.get(ANDROID) for each in manifest.iter("uses-permission")]
    assert asked == ["android.permission.RECORD_AUDIO"]
    (activity,) = manifest.iter("activity")
    assert f"class {str(activity.get(ANDROID))[1:]} : Activity()" in "".join(
        path.read_text() for path in SOURCES
    )
    info = plistlib.loads((EXAMPLES / "ios/Genre/Info.plist").read_bytes())
    assert list(info) == ["NSMicrophoneUsageDescription"]


def test_the_model_is_not_packed_by_android_and_the_runtime_has_a_version() -> None:
    build = (EXAMPLES / "android/app/build.gradle.kts").read_text()
    assert 'noCompress += "tflite"' in build
    assert re.search(
        r'implementation\("com\.google\.ai\.edge\.litert:litert:\d+\.\d+\.\d+"\)', build
    )
    assert re.search(
        r"pod 'TensorFlowLiteSwift', '\d+\.\d+\.\d+'", (EXAMPLES / "ios/Podfile").read_text()
    )


def test_the_samples_ask_an_export_for_keys_that_it_has() -> None:
    facts = export_facts().to_json()
    known = {*facts, *facts["features"], *facts["segment"], *facts["files"][0], "audio", "shape"}
    asked = set(re.findall(r'(?:get|opt)\w+\("(\w+)"', KOTLIN))
    assert asked >= {"labels", "features", "sample_rate", "segment", "hop", "length", "files"}
    assert asked <= known
    # Swift writes sample_rate as sampleRate; what is behind Facts is no key.
    declared = re.findall(
        r"let (\w+): (?:\[?\w+\]?\??|\[String: Input\]\?)$", SWIFT.partition("final class")[0], re.M
    )
    assert {re.sub(r"(?=[A-Z])", "_", name).lower() for name in declared} == asked - {"audio"}


@pytest.mark.parametrize("folder", ["android", "ios"])
def test_a_page_names_the_files_that_its_sample_has(folder: str) -> None:
    page = (EXAMPLES / folder / "README.md").read_text()
    named = re.findall(r"^\| `([\w/.]+)` \|", page, re.M)
    sources = {path for path in SOURCES if folder in path.parts and path.suffix != ".kts"}
    assert {EXAMPLES / folder / name for name in named} == sources
    assert "export.json" in page
    assert "audio_float32.tflite" in page
