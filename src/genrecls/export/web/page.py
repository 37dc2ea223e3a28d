"""Writes the folder of a page: its own files, an exported file, and LiteRT.js."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

from genrecls import __version__
from genrecls.config.paths import expanded
from genrecls.errors import ConfigError, ExportError
from genrecls.export.formats import INPUTS, Input, Mode
from genrecls.export.settings import ExportSettings, without_places
from genrecls.export.web.litertjs import LiteRtJs
from genrecls.export.web.page_model import page_model, reason_not_to_play
from genrecls.files.atomic import replacing_folder
from genrecls.files.tables import read_json
from genrecls.files.templates import templates
from genrecls.runs.export_facts import EXPORT, ExportFacts, read_export
from genrecls.runs.find import find_run
from genrecls.runs.run import Run
from genrecls.runtime.abstention import HeldOutAnswers, abstention_for
from genrecls.runtime.container import unpack
from genrecls.runtime.description import ModelDescription
from genrecls.runtime.marks import is_leaky, pretraining_warning

WEB = "web"
"""Folder of a run in which its page is."""

SITE = (
    "audio.js",
    "breaks.js",
    "chart.js",
    "classifier.js",
    "fft.js",
    "front_end.js",
    "microphone.js",
    "network.js",
    "page.js",
    "recorder.js",
    "resample.js",
    "segments.js",
    "style.css",
    "wasm_utils.js",
)
"""Files of the page that are the same for every model."""

MODEL, FACTS = "model.tflite", "model.json"

# The modes of files, the most exact first.
_EXACT: tuple[Mode, ...] = ("float32", "float16", "dynamic", "mixed", "int8")

# What a reader chooses from, where `genrecls predict` takes any share.
_ACCURACIES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
_COVERAGES = (0.8, 0.9, 0.95, 0.99)

# What stands for the bare names of packages: our own module for the one that LiteRT.js imports.
_IMPORTS = json.dumps({"imports": {"@litertjs/wasm-utils": "./wasm_utils.js"}})


@dataclass(frozen=True, eq=False)
class WebModel:
    """An exported file that a page can run.

    Attributes:
        content: the whole file.
        card: what it says of itself.
    """

    content: bytes
    card: Mapping[str, Any]


def read_web_model(path: Path) -> WebModel:
    """Return an exported file for a page.

    Raises:
        ModelFileError: it cannot be read.
        ExportError: no page can run it.
    """
    flatbuffer, card = unpack(path)
    if reason := reason_not_to_play(card, flatbuffer):
        raise ExportError(f"{path}: {reason}")
    return WebModel(path.read_bytes(), card)


def choose_web_model(
    run: Run,
    facts: ExportFacts,
    modes: Sequence[Mode] | None = None,
    inputs: Sequence[Input] | None = None,
) -> WebModel:
    """Return the most exact exported file of a run that a page can run.

    Args:
        run: the run.
        facts: its export.
        modes: those that it may have; None for all.
        inputs: what it may take; None for all.

    Raises:
        ModelFileError: a file cannot be read.
        ExportError: there is none; says why not, once for each reason.
    """
    kept = sorted(facts.kept, key=lambda one: (_EXACT.index(one.mode), INPUTS.index(one.input)))
    modes, inputs = modes or _EXACT, inputs or INPUTS
    wanted = [file for file in kept if file.mode in modes and file.input in inputs]
    if kept and not wanted:
        raise ExportError(
            f"run {run.name}: expected an exported file with one of the modes {', '.join(modes)} "
            f"that takes {' or '.join(inputs)}, received {', '.join(file.file for file in kept)}; "
            "--tflite beside --web makes it, in place of these"
        )
    reasons: dict[str, str] = {}
    for file in wanted:
        path = run.folder / EXPORT / file.file
        try:
            return read_web_model(path)
        except ExportError as error:
            reasons.setdefault(str(error).removeprefix(f"{path}: "), file.file)
    why = "; ".join(f"{file}: {reason}" for reason, file in reasons.items()) or "none was kept"
    raise ExportError(f"run {run.name} has no exported file that a page can run ({why})")


def export_page(
    settings: ExportSettings,
    words: Sequence[str],
    file: Path | None,
    folder: Path | None,
    runtime: LiteRtJs,
) -> Path:
    """Write a page with an exported file, or with one of a run, which is made if there is none.

    Args:
        settings: name the run, and the formats of a run that was not exported.
        words: overrides that they were made of, but for those of an export that was just made.
        file: an exported file; None for the run.
        folder: where the page goes; None for `web` in the run, or beside here with the file's name.
        runtime: what runs the network in a browser.

    Returns:
        The folder of the page.

    Raises:
        ConfigError: a word says how files are made, and none is made.
        ExportError: no page can run the file or any of the run, or the folder holds something else.
        RunError: there is no such run.
    """
    from genrecls.export.export import export, require_files

    words = without_places(words)
    made = [word for word in words if not word.startswith(("modes=", "inputs="))]
    if file:
        if words:
            raise ConfigError(
                f"--web: received '{words[0]}' beside it, but the file says all that the page is "
                "made of; leave it out"
            )
        model, place = read_web_model(file), Path(f"{file.stem}_web")
    else:
        run = find_run(expanded(settings.output_root, "output_root"), settings.run)
        facts = read_export(run)
        if facts is None:
            # The one file that a page takes first, unless others are asked for.
            modes, inputs = settings.modes or ("float32",), settings.inputs or ("features",)
            settings = replace(settings, run=str(run.folder), modes=modes, inputs=inputs)
            named = [f"modes=[{','.join(modes)}]", f"inputs=[{','.join(inputs)}]"]
            facts = export(settings, [*made, *named]).facts
            require_files(settings, facts)
        elif made:
            raise ConfigError(
                f"run {run.name} is exported, and '{made[0]}' says how files are made: "
                "--tflite beside --web makes them anew"
            )
        model = choose_web_model(run, facts, settings.modes, settings.inputs)
        place = run.folder / WEB
    write_page(folder or place, model, runtime)
    return folder or place


def write_page(folder: Path, model: WebModel, runtime: LiteRtJs) -> None:
    """Write a page into `folder`, whole or not at all; it takes the place of an earlier page.

    Args:
        folder: what a static server is to show.
        model: what hears.
        runtime: what runs it.

    Raises:
        ExportError: the folder holds something else.
    """
    if folder.exists() and not _is_page(folder):
        raise ExportError(f"{folder}: expected no such folder, or a page that genrecls wrote there")
    with replacing_folder(folder) as beside:
        for name, content in _files(model, runtime).items():
            path = beside / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def _is_page(folder: Path) -> bool:
    """Return whether a folder is empty or a page that was written before."""
    if not folder.is_dir():
        return False
    if not any(folder.iterdir()):
        return True
    try:
        return "litertjs" in read_json(folder / FACTS)
    except Exception:  # noqa: BLE001 - whatever else is there, it is no page
        return False


def _choices(held_out: HeldOutAnswers) -> dict[str, list[tuple[float, float | None, str]]]:
    """Return what there is to choose: the share, the least probability, and what that rests on."""
    accuracies = [(share, *abstention_for(held_out, share, None)) for share in _ACCURACIES]
    coverages = [(share, *abstention_for(held_out, None, share)) for share in _COVERAGES]
    return {
        "accuracy": [(share, chosen.least, line) for share, chosen, (line,) in accuracies],
        "coverage": [(share, chosen.in_set, line) for share, chosen, (line,) in coverages],
    }


def _files(model: WebModel, runtime: LiteRtJs) -> dict[str, bytes]:
    """Return the contents of all files of a page by their names."""
    card = model.card
    litertjs = {"version": runtime.version, "sha256": runtime.digest}
    facts = {**page_model(card), "genrecls": __version__, "litertjs": litertjs}
    description = ModelDescription.of(card, f"{card['input']} {card['mode']}")
    values = {
        "model": description,
        "card": card,
        "leaky": is_leaky(card["leaks"]),
        "caveat": pretraining_warning(description.pretraining),
        "bytes": len(model.content),
        "choices": description.held_out and _choices(description.held_out),
        "litertjs": litertjs,
        "version": __version__,
        "imports": _IMPORTS,
        "imports_digest": base64.b64encode(sha256(_IMPORTS.encode()).digest()).decode(),
    }
    site = files("genrecls.export.web") / "site"
    page = templates("genrecls.export.web", "site", {}, html=True)
    text = templates("genrecls.export.web", "site", {}, html=False)
    return {
        **{name: (site / name).read_bytes() for name in SITE},
        "page.css": (files("genrecls.reports") / "templates" / "page.css").read_bytes(),
        "index.html": page.get_template("index.html.j2").render(values).encode(),
        "README.md": text.get_template("README.md.j2").render(values).encode(),
        FACTS: json.dumps(facts, allow_nan=False, ensure_ascii=False).encode(),
        MODEL: model.content,
        "litert/LICENSE.txt": (site / "litert" / "LICENSE.txt").read_bytes(),
        **{f"litert/{name.removeprefix('dist/')}": data for name, data in runtime.files.items()},
    }
