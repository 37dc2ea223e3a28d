"""Every published preset trains, one epoch on a generated stand-in of its data set."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from genrecls.config.compose import compose
from genrecls.datasets.gtzan import GENRES
from genrecls.experiment.experiment import Experiment, parse
from genrecls.experiment.reproduce import published_presets
from genrecls.experiment.train import train
from genrecls.runs.run import Run
from tests.datasets.kaggle_copy import make_copy
from tests.experiment.stand_ins import make_fma, make_gtzan

# No test reaches a network for ImageNet's weights. A few small pictures are enough to go through
# all of VGG-16; the dense layers of ImageNet, which take large ones alone, have tests of their own.
VGG16 = ("model.weights=none", "dataset.genres=[blues,rock]", "features.size=[32,32]")
LIGHTER = {
    "karam_vgg16": (*VGG16, "model.upto=conv", "segment.count=2"),
    "bahuleyan2018_vgg16": (*VGG16, "segment.count=1"),
}
# A quarter of the frames; tests/experiment/test_preset_graphs.py has all of them.
SHORTER = {"bisarahalli2021": ("segment.length=7.28",)}
MAKERS: dict[str, Callable[[Path], None]] = {
    "gtzan": lambda root: make_gtzan(root, GENRES, 1),
    "gtzan of two genres": lambda root: make_gtzan(root, ("blues", "rock"), 3),
    "gtzan_kaggle_pictures": lambda root: make_copy(root, 3),
    "gtzan_kaggle_table": lambda root: make_copy(root, 10),
    "fma": make_fma,
}
StandIn = Callable[[str], Path]
pytestmark = [pytest.mark.tensorflow, pytest.mark.usefixtures("without_figures")]


@pytest.fixture(autouse=True)
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes small batches, for a network as large as VGG-16."""
    monkeypatch.setattr("genrecls.training.frozen_outputs.BATCH", 2)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the stand-ins, and of the features that presets share."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def stand_in(data: Path) -> StandIn:
    """Makes the named stand-in when it is first asked for."""

    def make(name: str) -> Path:
        root = data / name
        if not root.exists():
            MAKERS[name](root)
        return root

    return make


@pytest.fixture
def outputs(tmp_path: Path) -> Iterator[Path]:
    """Where runs go; VGG-16 leaves half a gigabyte, which nobody wants to find later."""
    yield tmp_path / "outputs"
    shutil.rmtree(tmp_path / "outputs", ignore_errors=True)


def one_epoch(name: str, stand_in: StandIn, data: Path, outputs: Path) -> Experiment:
    own = compose("train", [f"experiment={name}"])["dataset"]["name"]
    root = stand_in("gtzan of two genres" if name in LIGHTER else own)
    words = (
        f"experiment={name}",
        f"dataset.root='{root}'",
        f"data_root='{data}'",
        f"output_root='{outputs}'",
        "trainer.epochs=1",
        *LIGHTER.get(name, ()),
        *SHORTER.get(name.partition("_")[0], ()),
    )
    return parse(compose("train", words))


@pytest.mark.parametrize("name", published_presets())
def test_a_preset_trains_and_reports_its_scores_beside_the_published_figure(
    name: str, stand_in: StandIn, data: Path, outputs: Path
) -> None:
    experiment = one_epoch(name, stand_in, data, outputs)
    run = train(experiment, f"genrecls train experiment={name}")
    assert run is not None
    assert run.finished
    metrics = run.read_metrics()
    assert metrics.published == published_presets()[name]
    for unit in ("segment", "track"):
        assert 0 <= metrics.test.of(unit).accuracy <= 1
    leaky = experiment.split.name == "segment"
    assert metrics.split.leaky == leaky
    assert metrics.rejected == ()
    _check_files(run, leaky=leaky)


def _check_files(run: Run, *, leaky: bool) -> None:
    with run.history_file.open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 1
    assert ("LEAKY" in run.report_file.read_text(encoding="utf-8")) == leaky
