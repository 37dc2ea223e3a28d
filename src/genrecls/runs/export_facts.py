"""What `export.json` says of an export: every file with its size, scores and operators, typed.

`genrecls export` writes it into the folder `export` of a run; comparisons, benchmarks, figures and
model cards read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from genrecls.config.ranges import Bounds, Count, Distance, Proportion
from genrecls.errors import ConfigError, DamagedFile, RunError
from genrecls.files.tables import read_mapping
from genrecls.models.cost import ModelCost
from genrecls.runs.ensemble_card import KERAS_FILE
from genrecls.runtime.marks import is_leaky

if TYPE_CHECKING:
    from genrecls.evaluation.metrics import Scores
    from genrecls.runs.run import Run

EXPORT = "export"
"""Folder of a run in which its exported files are."""

VERSION = 2
"""Of the keys of `export.json`. Version 1 has no number and older names, and is still read."""

Mode = Literal["float32", "float16", "dynamic", "int8", "mixed"]
Input = Literal["features", "audio"]
Status = Literal["kept", "rejected", "refused", "crashed"]
TargetRuntime = Literal["micro", "litert"]


@dataclass(frozen=True)
class ScorePair:
    """Two scores, each between 0 and 1."""

    accuracy: Proportion
    macro_f1: Proportion


@dataclass(frozen=True)
class PartScores:
    """Scores on one part of the split, per segment and per track."""

    segment: ScorePair
    track: ScorePair

    @classmethod
    def of(cls, segment: Scores, track: Scores) -> PartScores:
        """Return those that an export has, out of all scores."""
        return cls(*(ScorePair(each.accuracy, each.macro_f1) for each in (segment, track)))


@dataclass(frozen=True)
class Agreement:
    """How a file compares with Keras on the same segments.

    Attributes:
        parts: parts of the split that the segments belong to.
        difference: largest difference of any probability; None where an output is not a number.
        decisions: share of segments with equal decisions.
        track_accuracy_lost: accuracy per track of Keras less that of the file.
        finite: whether all outputs are numbers.
        constant: whether the file answers the same to every segment, unlike Keras.
    """

    parts: tuple[str, ...]
    segments: Count
    tracks: Count
    difference: Distance | None
    decisions: Proportion
    track_accuracy_lost: Annotated[float, Bounds(ge=-1, le=1)]
    finite: bool = True
    constant: bool = False


@dataclass(frozen=True)
class OperatorUse:
    """How a file uses one operator of TensorFlow Lite.

    Attributes:
        name: as the schema calls it, such as `CONV_2D`; of a custom operator, its own name.
        count: operators of this name in all subgraphs.
        micro: whether TensorFlow Lite Micro runs it as it is used here.
        note: why not, or what there is to know; may be empty.
        method: what adds it to a resolver of TensorFlow Lite Micro; None where nothing can.
    """

    name: str
    count: Count
    micro: bool
    note: str
    method: str | None = None


@dataclass(frozen=True)
class MicroSupport:
    """Whether a file gives its golden answers on TensorFlow Lite Micro.

    Attributes:
        runs: None where that could not be tried.
        reason: why not, or what was done; one line.
    """

    runs: bool | None
    reason: str


@dataclass(frozen=True)
class ArenaSize:
    """The tensor arena, all the memory that TensorFlow Lite Micro works in.

    Attributes:
        bytes: its size.
        source: `tflite-micro` where its interpreter reported the size, else `estimate`.
        cmsis_nn: bytes that the kernels of CMSIS-NN take besides, at most.
    """

    bytes: Count
    source: str
    cmsis_nn: Count = 0


@dataclass(frozen=True)
class ExportedFile:
    """What became of one format of an export.

    Attributes:
        file: name of the file.
        input: `features` takes what the model takes, `audio` raw samples.
        mode: how the weights are stored.
        status: `kept`; else there is no such file: the comparison with Keras failed (`rejected`),
            the model cannot be had in this format (`refused`), the converter failed (`crashed`).
        reason: why there is no file, in one line.
        gate: how it compares with Keras on the held-out parts; None where there was nothing to
            compare. This and all below are known of kept files alone, `gate` and `bounds` of
            rejected ones too.
        bounds: what it was held to, by `difference`, `decisions` and `accuracy`; None is no
            condition.
        bytes: size of the file.
        flatbuffer: bytes of the network alone, which is all that a microcontroller stores.
        test: scores of this file.
        inputs: shape (without the batch axis), dtype, scale and zero point of each input tensor,
            with int8 also the mean and deviation that normalise it.
        macs: multiply-accumulates of one segment.
        lstm_macs: those of fused LSTMs among them; 0 where it was not counted.
        front_end: bytes of RAM that the C++ front end keeps beside the arena; None where there is
            none.
    """

    file: str
    input: Input
    mode: Mode
    status: Status
    reason: str | None = None
    gate: Agreement | None = None
    bounds: Mapping[str, float | None] | None = None
    bytes: Count | None = None
    flatbuffer: Count | None = None
    test: PartScores | None = None
    inputs: Mapping[str, Mapping[str, Any]] | None = None
    macs: Count | None = None
    lstm_macs: Count = 0
    operators: tuple[OperatorUse, ...] = ()
    micro: MicroSupport | None = None
    arena: ArenaSize | None = None
    front_end: Count | None = None


@dataclass(frozen=True)
class KerasFile:
    """The trained model that the files are exported from.

    Attributes:
        test: its scores.
        bytes: size of the file.
        interval: 95 % interval of its accuracy per test track; None where it is not known.
    """

    test: PartScores
    bytes: Count
    file: str = KERAS_FILE
    interval: tuple[Proportion, Proportion] | None = None


@dataclass(frozen=True)
class DataSource:
    """The data set of a model; what is not known of it is None."""

    name: str
    title: str | None = None
    tracks: Count | None = None
    fingerprint: str | None = None
    citation: str | None = None
    licence: str | None = None


@dataclass(frozen=True)
class ModelFiles:
    """A model and its exported files, and what their scores are scores of.

    Attributes:
        run: name of the run that trained the model.
        split: name of the split.
        leaks: kinds of leak between its parts.
        generated: whether the data are generated and no recordings.
        keras: the model itself; None where only an exported file is there.
        files: of an export, every format that was asked for, kept or not.
        pretraining: what the weights had been trained on before; empty for nothing.
    """

    run: str
    dataset: DataSource
    split: str
    leaks: tuple[str, ...]
    generated: bool
    keras: KerasFile | None
    files: tuple[ExportedFile, ...]
    pretraining: str = ""

    @property
    def leaky(self) -> bool:
        """Whether segments of one track are on both sides."""
        return is_leaky(self.leaks)

    @property
    def kept(self) -> tuple[ExportedFile, ...]:
        """The files that there are."""
        return tuple(file for file in self.files if file.status == "kept")

    @property
    def int8_bytes(self) -> int | None:
        """Size of the int8 file, of the one that takes features if there are two."""
        sizes = {file.input: file.bytes for file in self.kept if file.mode == "int8"}
        return sizes.get("features", sizes.get("audio"))


@dataclass(frozen=True)
class CalibrationData:
    """The segments that set the scales of int8, and the tracks that they come from."""

    part: str
    segments: Count
    tracks: tuple[str, ...]


@dataclass(frozen=True)
class TargetVerdict:
    """Whether a file fits a class of devices, and why or why not."""

    file: str
    fits: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class TargetVerdicts:
    """For every file that passed its comparison whether it fits a class of devices.

    Attributes:
        runtime: what runs networks there; None in exports from before it was recorded.
    """

    name: str
    title: str
    verdicts: tuple[TargetVerdict, ...]
    runtime: TargetRuntime | None = None


@dataclass(frozen=True, kw_only=True)
class ExportFacts(ModelFiles):
    """All that `export.json` holds.

    Attributes:
        labels: genres in the order of the outputs.
        vote: how the segments of a track decide.
        features, segment: what the model takes, and how tracks are cut: the keys of `config.yaml`.
        approximation: why the files that take audio cannot equal Keras; None where they can.
        target: what fits the class of devices that was asked for; None where none was.
        command: what made the export.
        versions: of Python, genrecls and the libraries.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "ignore", "allow_inf_nan": False}

    model: ModelCost
    labels: tuple[str, ...]
    vote: str
    features: Mapping[str, Any]
    segment: Mapping[str, Any]
    approximation: str | None
    calibration: CalibrationData
    versions: Mapping[str, str]
    command: str = ""
    target: TargetVerdicts | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the content of `export.json`."""
        return {"version": VERSION, **asdict(self)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> ExportFacts:
        """Return the facts in the content of an `export.json`.

        Raises:
            RunError: it is of another version.
            ConfigError: its keys are not those of an export, or a value is out of its range.
        """
        values = dict(content)
        version = values.pop("version", 1)
        from genrecls.config.aliases import current_config
        from genrecls.config.validation import validate

        if version is True or version not in (1, VERSION):
            raise RunError(
                f"expected version 1 or {VERSION}, received version {version!r}; update genrecls, "
                "or export the run again"
            )
        if version == 1:
            files = values.get("files")
            values["files"] = [
                {"input" if key == "entrance" else key: value for key, value in file.items()}
                if isinstance(file, Mapping)
                else file
                for file in (files if isinstance(files, list) else [])
            ]
            values = current_config(values)
        return validate(cls, values, "")


def export_file(run: Run) -> Path:
    """Return where the `export.json` of a run is, or would be."""
    return run.folder / EXPORT / "export.json"


def read_export(run: Run) -> ExportFacts | None:
    """Return what `export.json` says of a run's export; None where it was never exported.

    Raises:
        RunError: the file is damaged or of another version.
    """
    path = export_file(run)
    try:
        return ExportFacts.from_json(read_mapping(path))
    except FileNotFoundError:
        return None
    except RunError as error:
        raise RunError(f"{path}: {error}") from None
    except (DamagedFile, ConfigError) as error:
        damage = error if isinstance(error, DamagedFile) else DamagedFile(path, str(error))
        raise RunError(f"{damage}; run 'genrecls export --tflite' again") from None


def model_files_of_run(run: Run) -> ModelFiles:
    """Return the model of a finished run with its exported files, if it has any.

    Raises:
        RunError: the run is not finished, or a file is damaged.
    """
    if exported := read_export(run):
        return exported
    metrics = run.read_metrics()
    test = PartScores.of(metrics.test.segment, metrics.test.track)
    return ModelFiles(
        run=run.name,
        dataset=DataSource(metrics.dataset.name),
        split=metrics.split.name,
        leaks=metrics.split.leaks,
        generated=metrics.dataset.generated,
        pretraining=metrics.model.pretraining,
        keras=KerasFile(
            test,
            run.model_file.stat().st_size,
            interval=metrics.test.track.accuracy_interval,
        ),
        files=(),
    )


def model_files_of_card(path: Path, card: Mapping[str, Any]) -> ModelFiles:
    """Return what a model file says of itself.

    Args:
        path: a `.tflite` or `.keras` file.
        card: what it holds; that of a `.tflite` has the key `input`.
    """
    units = (card["test"][unit] for unit in ("segment", "track"))
    test = PartScores(*(ScorePair(each["accuracy"], each["macro_f1"]) for each in units))
    size = path.stat().st_size
    exported = "input" in card
    return ModelFiles(
        run=card["run"],
        dataset=DataSource(card["dataset"]),
        split=card["split"],
        leaks=tuple(card["leaks"]),
        generated=card["generated"],
        pretraining=card.get("pretraining", ""),
        keras=None if exported else KerasFile(test, size, path.name),
        files=(
            (ExportedFile(path.name, card["input"], card["mode"], "kept", bytes=size, test=test),)
            if exported
            else ()
        ),
    )


@dataclass(frozen=True)
class Export:
    """What an export has left.

    Attributes:
        folder: the bundle: files, card, C++ project and program for devices.
        facts: content of `export.json`.
    """

    folder: Path
    facts: ExportFacts

    @property
    def files(self) -> dict[str, Path]:
        """The files that passed their checks, by name."""
        return {file.file: self.folder / file.file for file in self.facts.kept}
