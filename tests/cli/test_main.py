"""The command line answers at once, in one line, and with the right status."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from genrecls import __version__
from genrecls.cli import help as usage
from genrecls.cli import main
from tests.conftest import RunCommand

HEAVY = ("tensorflow", "keras", "librosa", "matplotlib", "sklearn")
_PROBE = f"""
import sys
from genrecls.cli.main import main
try:
    main(sys.argv[1:])
finally:
    loaded = [name for name in {HEAVY} if name in sys.modules]
    assert not loaded, loaded
"""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def genrecls(*words: str, code: str = _PROBE) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
    )


@pytest.mark.process
@pytest.mark.parametrize(
    "words",
    [
        "--help",
        "--version",
        "--completion bash",
        "train --help",
        "evaluate --help",
        "export --help",
        "sweep --help",
        "sweep model=cn,rnn",
        "benchmark --help",
        "predict --help",
        "data --help",
        "runs --help",
        "train --cfg job",
        "train --info defaults",
        "train model=cn",
        "train trainer.epoch=3",
        "train segment=30s",
        "train dataset=gtzan",
        "train -m segment=30s,60s",
        "evaluate nope",
        "data info dataset=gtzan",
        "runs",
    ],
)
def test_what_needs_no_training_imports_nothing_heavy(words: str) -> None:
    done = genrecls(*words.split())
    assert "AssertionError" not in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout or done.stderr.startswith("genrecls: error: ")


@pytest.mark.process
def test_general_help_does_not_even_wait_for_hydra_or_the_registries() -> None:
    code = _PROBE.replace("for name in (", "for name in ('hydra', 'numpy', 'pydantic', ")
    assert genrecls("--help", code=code).returncode == 0


def test_help_names_every_verb(run_command: RunCommand) -> None:
    for words in (("--help",), ("-h",), ("help",), ()):
        outcome = run_command(*words)
        assert outcome.status == 0
        assert not outcome.err
        for verb, line in usage.VERBS.items():
            assert f"  {verb}" in outcome.out
            assert line in outcome.out


def test_the_version_is_one_line(run_command: RunCommand) -> None:
    assert run_command("--version").out == f"genrecls {__version__}\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            ("trin",),
            (
                "'trin' is no verb; allowed: train, sweep, evaluate, predict, explain, export, "
                "benchmark, data, reproduce, runs, compare; did you mean 'train'?"
            ),
        ),
        (
            ("--completion", "bsh"),
            (
                "--completion: received 'bsh'; allowed: bash, zsh, fish; did you mean 'bash'?; "
                'for example: eval "$(genrecls --completion bash)"'
            ),
        ),
        (
            ("data", "verify", "--fromat", "json"),
            "unknown flag --fromat; see 'genrecls data verify --help'",
        ),
        (
            ("data", "info", "dataset.rot=1"),
            (
                "dataset.rot: unknown key; allowed: name, root, bad_audio, bands_per_genre, "
                "tracks_per_band, seconds, replicas, seed; did you mean 'root'?"
            ),
        ),
        (("data", "info", "foo=1"), "foo: unknown key; allowed: data_root, dataset"),
        (("runs", "--nope"), "unrecognized arguments: --nope; see 'genrecls runs --help'"),
        (
            ("evaluate", "part=tset"),
            "part: received 'tset'; allowed: train, validation, test; did you mean 'test'?",
        ),
        (
            ("evaluate", "prt=test"),
            (
                "prt: unknown key; allowed: data_root, dataset_root, output_root, part, run, vote; "
                "did you mean 'part'?"
            ),
        ),
    ],
)
def test_a_mistake_is_one_line(
    words: tuple[str, ...], expected: str, run_command: RunCommand
) -> None:
    outcome = run_command(*words)
    assert outcome.error == expected
    assert outcome.status == 1


def test_an_unknown_action_is_one_line(run_command: RunCommand) -> None:
    # The list of choices is Python's, which words it differently from version to version.
    outcome = run_command("data", "nope")
    assert outcome.error.startswith(
        "argument list|info|download|verify|split-report|cache: invalid choice: 'nope' ("
    )
    assert outcome.error.endswith("); see 'genrecls data --help'")
    assert outcome.status == 1


def test_every_verb_has_help(run_command: RunCommand) -> None:
    for verb in usage.VERBS:
        if verb in {"train", "sweep", "evaluate", "export"}:
            assert f"genrecls {verb}" in run_command(verb, "--help").out
        else:
            with pytest.raises(SystemExit) as ended:
                main.main([verb, "--help"])
            assert ended.value.code == 0


class TestErrors:
    @pytest.fixture
    def failing(self, monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
        raised: list[BaseException] = []

        def fail(_words: list[str]) -> int:
            raise raised[0]

        monkeypatch.setattr(main, "_dispatch", fail)
        return raised

    def test_a_defect_is_one_line_that_asks_for_a_report(
        self, failing: list[BaseException], run_command: RunCommand
    ) -> None:
        failing.append(RuntimeError("first\nsecond"))
        outcome = run_command("runs")
        assert outcome.error == (
            "unexpected RuntimeError: first second; this is a defect of genrecls: please report "
            "it with the output of the same command under GENRECLS_DEBUG=1"
        )
        assert outcome.status == 1

    def test_debugging_shows_where_a_defect_is(
        self,
        failing: list[BaseException],
        run_command: RunCommand,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        failing.append(RuntimeError("here"))
        monkeypatch.setenv("GENRECLS_DEBUG", "1")
        with pytest.raises(RuntimeError, match="here"):
            run_command("runs")

    def test_an_interrupt_has_the_status_that_shells_expect(
        self, failing: list[BaseException], run_command: RunCommand
    ) -> None:
        failing.append(KeyboardInterrupt())
        assert run_command("runs").status == 130

    def test_a_full_disk_names_the_place_and_what_to_do(
        self, failing: list[BaseException], run_command: RunCommand
    ) -> None:
        failing.append(OSError(28, "No space left on device", "outputs/a"))
        assert run_command("runs").error == (
            "cannot read or write outputs/a: No space left on device; check the place, its "
            "permissions and its free space, or choose another one with data_root=<folder> or "
            "output_root=<folder>"
        )


@pytest.mark.process
def test_a_reader_that_has_gone_is_no_error_message() -> None:
    read, write = os.pipe()
    os.close(read)
    code = "import sys; from genrecls.cli.main import main; sys.exit(main(['train', '--help']))"
    with os.fdopen(write, "wb") as gone:
        done = subprocess.run(
            [sys.executable, "-c", code],
            stdout=gone,
            check=False,
            stderr=subprocess.PIPE,
            text=True,
            timeout=600,
        )
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.process
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device /dev/full")
def test_output_that_cannot_be_written_is_one_line() -> None:
    code = "import sys; from genrecls.cli.main import main; sys.exit(main(['--help']))"
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", code],
            stdout=full,
            check=False,
            stderr=subprocess.PIPE,
            text=True,
            timeout=600,
        )
    assert done.returncode == 1
    assert done.stderr.startswith("genrecls: error: cannot read or write: No space left on device")
    assert len(done.stderr.splitlines()) == 1


class TestHydraFlags:
    def test_cfg_job_prints_the_configuration_and_stops(
        self, run_command: RunCommand, tmp_path: Path
    ) -> None:
        outcome = run_command("train", "--cfg", "job", "trainer.epochs=7", "model=rnn")
        assert outcome.status == 0
        assert not outcome.err
        assert "  epochs: 7\n" in outcome.out
        assert "  name: rnn\n" in outcome.out
        assert not list(tmp_path.iterdir())

    def test_info_defaults_shows_where_everything_comes_from(self, run_command: RunCommand) -> None:
        outcome = run_command("train", "--info", "defaults")
        assert outcome.status == 0
        assert "model/cnn" in outcome.out

    def test_a_configuration_of_the_users_own_is_found(
        self, run_command: RunCommand, tmp_path: Path
    ) -> None:
        own = tmp_path / "own"
        own.mkdir()
        (own / "mine.yaml").write_text("defaults: [train, _self_]\nseed: 42\n")
        outcome = run_command("train", "-cd", "own", "-cn", "mine", "--cfg", "job")
        assert "seed: 42\n" in outcome.out

    def test_of_several_runs_the_failing_ones_are_named_and_the_others_done(
        self, run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shown: list[float] = []
        monkeypatch.setattr(
            "genrecls.cli.train.show_model", lambda e: shown.append(e.segment.length)
        )
        outcome = run_command("train", "-m", "segment=3s,30s,6s", "show=true")
        assert shown == [3.0, 6.0]
        assert outcome.status == 1
        assert outcome.err.splitlines() == [
            (
                "genrecls: error: [segment=30s show=True] segment.length: received 30 s, but "
                "tracks of dataset=synth are 15 s long; choose at most 15"
            ),
            "genrecls: error: 1 of 3 runs failed; see the lines above",
        ]

    def test_several_runs_that_work_are_no_failure(
        self, run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shown: list[str] = []
        monkeypatch.setattr("genrecls.cli.train.show_model", lambda e: shown.append(e.model.name))
        outcome = run_command("train", "-m", "model=cnn,rnn", "show=true")
        assert (outcome.status, outcome.err, shown) == (0, "", ["cnn", "rnn"])

    def test_an_interrupted_run_ends_the_others_too(
        self, run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from genrecls.errors import Interrupted

        started: list[str] = []

        def interrupted(experiment: object) -> None:
            started.append("one")
            raise Interrupted("stopped; the same command goes on")

        monkeypatch.setattr("genrecls.cli.train.show_model", interrupted)
        outcome = run_command("train", "-m", "model=cnn,rnn", "show=true")
        assert started == ["one"]
        assert (outcome.status, outcome.error) == (130, "stopped; the same command goes on")
