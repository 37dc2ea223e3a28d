"""Genres of audio files: the model is loaded, files are looked up, each is classified."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from genrecls.config.paths import why_no_file
from genrecls.console import progress, quiet_libraries, warn
from genrecls.datasets.audio_files import find_audio
from genrecls.dsp.audio import SUFFIXES
from genrecls.errors import ModelFileError
from genrecls.runtime.classifier import Classifier
from genrecls.runtime.result import Result

_SUFFIXES = (".keras", ".tflite")

# Fewer files are done before a progress bar could be read.
_FEW = 5


def names_model_file(path: Path) -> bool:
    """Return whether `path` means a model file, there or not, rather than a run."""
    return path.suffix.lower() in _SUFFIXES or path.is_file()


def is_exported(path: Path) -> bool:
    """Return whether a model file is a TFLite one, whatever its name, rather than one of Keras.

    Raises:
        ModelFileError: it is neither.
    """
    try:
        with path.open("rb") as file:
            tflite = file.read(8)[4:] == b"TFL3"
    except OSError:
        # Whoever reads all of it says what is the matter.
        tflite = False
    if tflite or path.suffix.lower() == ".tflite":
        return True
    # Keras itself reads files of this name alone.
    if path.suffix != ".keras":
        raise ModelFileError(
            f"{path}: not a TFLite file and its name does not end in .keras; expected a "
            "model.keras or .tflite of genrecls"
        )
    return False


def load_classifier(path: Path) -> Classifier:
    """Return the classifier in a model file: an exported one needs no TensorFlow.

    Raises:
        ModelFileError: it cannot be read.
        RunError: it takes something else than audio, or something is not installed.
    """
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
            missing.append(Result(path, error=f"empty: no audio ({' '.join(SUFFIXES)}) in it"))
        files.update(dict.fromkeys(found.files))
    return list(files), missing


def classify_files(classifier: Classifier, files: Sequence[Path]) -> list[Result]:
    """Return the result of each file, with progress where there are many."""

    def classify(file: Path) -> Result:
        with quiet_libraries():
            return classifier.classify(file)

    if len(files) < _FEW:
        return [classify(file) for file in files]
    results = []
    with progress("Classifying", total=len(files)) as advance:
        for file in files:
            results.append(classify(file))
            advance()
    return results


def predict(classifier: Classifier, paths: Sequence[Path]) -> list[Result]:
    """Return the results of all files that `paths` name, in the order of their paths.

    What cannot be classified has a result as well, with the reason.
    """
    files, missing = audio_files(paths)
    results = [*missing, *classify_files(classifier, files)]
    return sorted(results, key=lambda result: str(result.path))
