"""Genres of audio files: the model is loaded, files are looked up, each is classified."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from types import MappingProxyType

from genrecls.config.paths import expanded, why_no_file
from genrecls.console import progress, quiet_libraries, say, warn
from genrecls.datasets.audio_files import find_audio
from genrecls.dsp.audio_limits import readable_suffixes
from genrecls.dsp.content import HEAD_BYTES, kind_of
from genrecls.errors import ModelFileError, RunError, nearest
from genrecls.inference.hub import PREFIX, HubAddress, hub_model
from genrecls.runs.ensemble_card import ENSEMBLE, refuse_ensemble
from genrecls.runtime.classifier import Classifier
from genrecls.runtime.result import Result
from genrecls.shipped.models import DEFAULT, FOLDER, file_name, names_with_modes, shipped_file

_SUFFIXES = (".keras", ".tflite")

# Fewer files are done before a progress bar could be read.
_FEW = 5


def names_model_file(path: Path) -> bool:
    """Return whether `path` means a model file, there or not, rather than a run."""
    return path.suffix.lower() in _SUFFIXES or path.is_file()


def named_model_file(word: str) -> Path | None:
    """Return the model file that a word means, a path or a shipped name; None if it means a run."""
    path = expanded(word, "RUN")
    shipped = None if path.exists() else shipped_file(word)
    return shipped or (path if names_model_file(path) else None)


def find_model_file(word: str | None, output_root: Path) -> Path:
    """Return the file of the model that a word means, or of the one that answers without a word.

    That is the newest run on real music. Where there is none, or where runs cannot be read for want
    of `genrecls[train]`, a shipped model answers, which is said.

    Args:
        word: a model file, a shipped name, a run, the folder of a refit or an address on the hub;
            None for no word.
        output_root: where runs are looked for.

    Raises:
        RunError: there is no such run, or the hub does not give the model.
    """
    if word is not None and word.startswith(PREFIX):
        return hub_model(HubAddress.parse(word), output_root)
    if word is not None and (file := named_model_file(word)) is not None:
        return file
    reason = f"there is no run in {output_root.absolute()}"
    if word is not None or any(output_root.glob("*/run.json")):
        try:
            # Not before: a device has nothing that reads runs.
            from genrecls.runs.find import find_run, refit_file

            if word is not None and (file := refit_file(output_root, word)) is not None:
                return file
            return find_run(output_root, word).model_file
        except RunError as error:
            if word is not None:
                raise RunError(f"{error}{nearest(word, names_with_modes())}") from None
            reason = str(error)
        except ModuleNotFoundError:
            if word is not None:
                raise
            reason = f"runs, as in {output_root.absolute()}, need genrecls[train]"
    say(f"{reason}; {DEFAULT}, which comes with genrecls, answers instead")
    return FOLDER / file_name(DEFAULT, "float32")


def is_exported(path: Path) -> bool:
    """Return whether a model file is a TFLite one, whatever its name, rather than one of Keras.

    Raises:
        ModelFileError: it is neither.
    """
    refuse_ensemble(path)
    if path.exists() and not path.is_file():
        raise ModelFileError(
            f"{path}: a folder, pipe or device; expected a model.keras or .tflite of genrecls"
        )
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError:
        # Whoever reads all of it says what is the matter.
        head = b""
    if head[4:8] == b"TFL3" or path.suffix.lower() == ".tflite":
        return True
    # Keras itself reads files of this name alone.
    if path.suffix != ".keras":
        kind, _ = kind_of(head)
        what = f"it is {kind}" if head and kind else "not a TFLite file"
        raise ModelFileError(
            f"{path}: {what} and its name does not end in .keras; expected a model.keras or "
            ".tflite of genrecls"
        )
    return False


def load_classifier(path: Path) -> Classifier:
    """Return the classifier in a model file: an exported one needs no TensorFlow.

    Raises:
        ModelFileError: it cannot be read.
        RunError: it takes something else than audio, or something is not installed.
    """
    if path.name == ENSEMBLE:
        from genrecls.inference.ensemble import EnsembleClassifier

        return EnsembleClassifier.load(path)
    if is_exported(path):
        from genrecls.inference.front_end import feature_front_end
        from genrecls.runtime.tflite_predictor import load_tflite

        return load_tflite(path, other=feature_front_end)
    from genrecls.inference.keras_predictor import KerasPredictor

    return Classifier(KerasPredictor.load(path))


def audio_files(paths: Sequence[Path]) -> tuple[list[Path], list[Result]]:
    """Return the files that `paths` name, folders searched for audio, and what was not there.

    What is left out of a folder is told as by a data set of one's own music.
    """
    files: dict[Path, None] = {}
    missing: list[Result] = []
    for path in paths:
        if not path.is_dir():
            if (reason := why_no_file(str(path))) and not path.exists():
                missing.append(Result(path, error=f"missing: there is no such file{reason}"))
            else:
                files[path] = None
            continue
        found = find_audio(path)
        for remark in found.remarks:
            warn(remark)
        if not found.files:
            known = " ".join(readable_suffixes())
            missing.append(Result(path, error=f"empty: no audio ({known}) in it"))
        files.update(dict.fromkeys(found.files))
    return list(files), missing


def classify_files(
    classifier: Classifier,
    files: Sequence[Path],
    known: Mapping[Path, Result] = MappingProxyType({}),
    *,
    show_progress: bool = True,
) -> Iterator[Result]:
    """Yield the result of each file, in the order of their paths, as soon as it is there.

    What cannot be classified has a result as well, with the reason. No result is kept here, so that
    memory does not grow with the number of files.

    Args:
        classifier: the model.
        files: the files.
        known: results that need no model, such as those of files that are not there.
        show_progress: show it where there are many files.
    """
    shown = show_progress and len(files) >= _FEW
    with progress("Classifying", len(files)) if shown else nullcontext(lambda: None) as advance:
        for file in sorted(files, key=str):
            if (result := known.get(file)) is None:
                with quiet_libraries():
                    result = classifier.classify(file)
            advance()
            yield result
