"""The command line answers at once, in one line, and with the right status."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from genrecls import __version__
from genrecls.cli import main
from genrecls.cli.verbs import ACTIONS, VERBS
from genrecls.config.options import settable
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
_END = "-- end of a command --"
_PROBES = f"""
import sys
from genrecls.cli.main import main
for words in sys.argv[1:]:
    main(words.split())
    loaded = [name for name in {HEAVY} if name in sys.modules]
    assert not loaded, (words, loaded)
    for stream in (sys.stdout, sys.stderr):
        print({_END!r}, file=stream)
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


class ResourceExhaustedError(Exception):
    """What TensorFlow raises, by its name."""


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "out of memory;"),
        (MemoryError("Unable to allocate\n16 GiB"), "out of memory (Unable to allocate 16 GiB);"),
        (ResourceExhaustedError("OOM " + "x" * 999), "out of memory (OOM xxx"),
    ],
)
def test_memory_that_does_not_suffice_is_one_line(
    run_command: RunCommand, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    def fill(_: object) -> None:
        raise error

    monkeypatch.setattr("genrecls.cli.runs.main", fill)
    outcome = run_command("runs")
    assert outcome.status == 1
    assert outcome.error.startswith(reason)
    assert outcome.error.endswith("; use a machine with more memory")
    assert len(outcome.error) < 500


@pytest.mark.process
@pytest.mark.parametrize(
    "words",
    [
        "train model=cn",
        "train modl=cnn",
        "train trainer.epoch=3",
        "train --epochs 5",
    ],
)
def test_a_misspelt_word_is_answered_without_what_computes_or_validates(words: str) -> None:
    code = _PROBE.replace(repr(HEAVY), repr((*HEAVY, "numpy", "pydantic")))
    done = genrecls(*words.split(), code=code)
    assert "did you mean" in done.stderr
    assert "AssertionError" not in done.stderr


@pytest.mark.process
@pytest.mark.parametrize(
    "words",
    [
        "train trainer.epochs=-1",
        "train vote=all",
        "train augment.crop=2",
        "train split.ratio=3",
        "train model.standardise=maybe",
        "train segment.length=-1",
        *(
            f"train features={name} features.n_fft=maybe"
            for name in ("mel", "mfcc", "mel_image", "summary", "summary_rich")
        ),
        "train features=kaggle_picture features.table=perhaps",
    ],
)
def test_a_wrong_value_is_answered_without_what_computes(words: str) -> None:
    code = _PROBE.replace(repr(HEAVY), repr((*HEAVY, "numpy", "genrecls.runs.run")))
    code += "ours = [name for name in sys.modules if name.startswith('genrecls')]\n"
    code += "assert len(ours) < 90, ours\n"
    done = genrecls(*words.split(), code=code)
    assert done.stderr.startswith("genrecls: error: "), done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


@pytest.mark.process
def test_what_needs_no_training_imports_nothing_heavy() -> None:
    """All of them in one process: what one of them imports stays."""
    commands = (
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
    )
    done = genrecls(*commands, code=_PROBES)
    assert "AssertionError" not in done.stderr
    assert "Traceback" not in done.stderr
    answers = done.stdout.split(_END)
    assert len(answers) == len(commands) + 1
    errors = done.stderr.split(_END)
    for command, *answer in zip(commands, answers, errors, strict=False):
        assert answer[0].strip() or "genrecls: error: " in answer[1], command


@pytest.mark.process
def test_general_help_does_not_even_wait_for_hydra_or_the_registries() -> None:
    code = _PROBE.replace("for name in (", "for name in ('hydra', 'numpy', 'pydantic', ")
    assert genrecls("--help", code=code).returncode == 0


@pytest.mark.process
@pytest.mark.parametrize(
    "word", ["model=c", "trainer.ep", "features.picture.power=", "vote=", "--c", ""]
)
def test_completion_does_not_wait_for_hydra_or_the_registries(word: str) -> None:
    code = _PROBE.replace("for name in (", "for name in ('hydra', 'numpy', 'pydantic', ")
    done = genrecls("--complete", "train", "features=mel_summary", word, code=code)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(line.startswith(word) for line in done.stdout.split())
    assert done.stdout.strip()


def test_help_names_every_verb(run_command: RunCommand) -> None:
    for words in (("--help",), ("-h",), ("help",), ()):
        outcome = run_command(*words)
        assert outcome.status == 0
        assert not outcome.err
        for verb, line in VERBS.items():
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
                "unknown verb 'trin'; allowed: train, sweep, ensemble, refit, evaluate, predict, "
                "models, explain, export, publish, benchmark, data, reproduce, runs, compare, "
                "config, check; did you mean 'train'?"
            ),
        ),
        (
            ("report", "latest"),
            (
                "unknown verb 'report'; allowed: train, sweep, ensemble, refit, evaluate, predict, "
                "models, explain, export, publish, benchmark, data, reproduce, runs, compare, "
                "config, check; did you mean 'runs open'?"
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
            "unknown flag --fromat; see 'genrecls data verify --help'; did you mean '--format'?",
        ),
        (
            ("data", "info", "dataset.rot=1"),
            (
                "dataset.rot: unknown key; allowed: name, root, bad_audio, bands_per_genre, "
                "tracks_per_band, seconds, replicas, seed; did you mean 'root'?"
            ),
        ),
        (
            ("data", "info", "foo=1"),
            "foo: unknown key; allowed: data_root, dataset, features, segment",
        ),
        (("runs", "--nope"), "unknown flag --nope; see 'genrecls runs --help'"),
        (
            ("evaluate", "part=tset"),
            "part: received 'tset'; allowed: train, validation, test; did you mean 'test'?",
        ),
        (
            ("evaluate", "prt=test"),
            (
                f"prt: unknown key; allowed: {', '.join(sorted(settable('evaluate')))}; "
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
    outcome = run_command("data", "verfy")
    assert outcome.error == (
        "unknown action 'verfy' of 'genrecls data'; allowed: list, info, download, verify, "
        "split-report, cache; did you mean 'verify'?"
    )
    assert outcome.status == 1


@pytest.mark.parametrize("words", [*VERBS, *(f"data {action}" for action in ACTIONS)])
def test_every_verb_has_help(words: str, run_command: RunCommand) -> None:
    outcome = run_command(*words.split(), "--help")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.startswith(f"usage: genrecls {words} ")
    assert outcome == run_command(*words.split(), "-h", "whatever")


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

    @pytest.mark.parametrize(("verb", "trains"), [("train", True), ("predict", False)])
    def test_too_little_memory_names_settings_that_the_verb_has(
        self, verb: str, trains: bool, failing: list[BaseException], run_command: RunCommand
    ) -> None:
        failing.append(MemoryError("8 GiB"))
        error = run_command(verb).error
        assert error.startswith("out of memory (8 GiB); use ")
        assert error.endswith("a machine with more memory")
        assert ("trainer.batch_size" in error) == trains

    @pytest.mark.parametrize("words", [*VERBS, *(f"data {action}" for action in ACTIONS)])
    def test_an_interrupt_promises_to_continue_only_where_that_is_so(
        self, words: str, failing: list[BaseException], run_command: RunCommand
    ) -> None:
        failing.append(KeyboardInterrupt())
        outcome = run_command(*words.split(), "whatever")
        continues = words in {"train", "refit", "sweep", "reproduce", "data download"}
        promise = "; nothing is lost, the same command continues" if continues else ""
        assert (outcome.status, outcome.error) == (130, f"interrupted{promise}")

    def test_a_plugin_in_front_of_the_verb_does_not_hide_it(
        self, failing: list[BaseException], run_command: RunCommand
    ) -> None:
        failing.append(KeyboardInterrupt())
        assert "the same command continues" in run_command("--plugin", "a.py", "train").error

    @pytest.mark.parametrize(
        ("words", "settings"),
        [
            ("train", "data_root=<folder> or output_root=<folder>"),
            ("evaluate", "data_root=<folder> or output_root=<folder>"),
            ("runs", "output_root=<folder>"),
            ("explain", "output_root=<folder> or --output"),
            ("data verify", "data_root=<folder>"),
            ("config list", ""),
            ("--help", ""),
            ("data", ""),
        ],
    )
    def test_a_full_disk_names_the_place_and_settings_that_the_verb_has(
        self,
        words: str,
        settings: str,
        failing: list[BaseException],
        run_command: RunCommand,
    ) -> None:
        failing.append(OSError(28, "No space left on device", "outputs/a"))
        choice = f", or choose another one with {settings}" if settings else ""
        assert run_command(*words.split()).error == (
            "cannot read or write outputs/a: No space left on device; check the place, its "
            f"permissions and its free space{choice}"
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
    assert done.stderr.startswith("genrecls: error: cannot read or write standard output: No ")
    assert done.stderr.endswith("; send it to a place where there is space\n")
    assert len(done.stderr.splitlines()) == 1


class TestConfigurationFlags:
    def test_cfg_job_prints_the_configuration_and_stops(
        self, run_command: RunCommand, tmp_path: Path
    ) -> None:
        outcome = run_command("train", "--cfg", "job", "trainer.epochs=7", "model=rnn")
        assert outcome.status == 0
        assert not outcome.err
        assert "  epochs: 7\n" in outcome.out
        assert "  name: rnn\n" in outcome.out
        assert "hydra" not in outcome.out
        assert not list(tmp_path.iterdir())

    def test_a_part_of_the_configuration_can_be_printed_with_its_references_resolved(
        self, run_command: RunCommand
    ) -> None:
        words = ("train", "features=mel_summary", "model=cnn_mlp", "--cfg", "job")
        part = ("-p", "features.summary")
        assert "sample_rate: ${" in run_command(*words, *part).out
        outcome = run_command(*words, *part, "--resolve")
        assert outcome.out.startswith("# @package features.summary\n")
        assert "sample_rate: 22050\n" in outcome.out
        assert run_command(*words, "-p", "nope").error == (
            "--package: 'nope' is no group of the configuration"
        )

    @pytest.mark.parametrize("words", [("--info",), ("--info", "defaults")])
    def test_info_shows_where_everything_comes_from(
        self, words: tuple[str, ...], run_command: RunCommand
    ) -> None:
        outcome = run_command("train", *words, "model=rnn")
        assert outcome.status == 0
        row = next(line for line in outcome.out.splitlines() if "model/rnn" in line)
        assert row.endswith(f"conf{os.sep}model{os.sep}rnn.yaml")

    def test_a_configuration_of_the_users_own_is_found(
        self, run_command: RunCommand, tmp_path: Path
    ) -> None:
        own = tmp_path / "own"
        own.mkdir()
        (own / "mine.yaml").write_text("defaults: [train, _self_]\nseed: 42\n")
        outcome = run_command("train", "-cd", "own", "-cn", "mine", "--cfg", "job")
        assert "seed: 42\n" in outcome.out

    @pytest.mark.parametrize(
        ("flag", "advice"),
        [
            ("--hydra-help", "'genrecls train --help' lists all flags"),
            ("-cp=x", "use -cd FOLDER"),
            ("--run", "leave it out"),
            ("--experimental-rerun=x", "run.json in the folder of a run holds its command"),
        ],
    )
    def test_a_flag_of_hydra_that_is_gone_names_what_to_use(
        self, flag: str, advice: str, run_command: RunCommand
    ) -> None:
        outcome = run_command("train", flag)
        name = flag.partition("=")[0]
        assert outcome.error == f"{name}: this flag is gone; {advice}"

    @pytest.mark.parametrize("verb", ["evaluate", "export"])
    def test_only_train_hands_several_over_to_sweep(
        self, verb: str, run_command: RunCommand
    ) -> None:
        assert run_command(verb, "-m").error == (
            "-m: this flag is gone; 'genrecls sweep' trains several; here repeat the command for "
            "each"
        )

    @pytest.mark.parametrize(
        ("words", "handed_on", "written"),
        [
            (("model=cnn,rnn", "-m", "seed=1"), ["model=cnn,rnn", "seed=1"], "-m"),
            (("model=cnn,rnn", "--multirun", "seed=1"), ["model=cnn,rnn", "seed=1"], "-m"),
            (("model=cnn", "seeds=3"), ["model=cnn", "seeds=3"], "seeds=3"),
        ],
    )
    def test_several_runs_are_a_sweep(
        self,
        words: tuple[str, ...],
        handed_on: list[str],
        written: str,
        run_command: RunCommand,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        started: list[list[str]] = []

        def sweep(words: list[str]) -> int:
            started.append(list(words))
            return 0

        monkeypatch.setattr("genrecls.cli.sweep.main", sweep)
        outcome = run_command("train", *words)
        assert started == [handed_on]
        assert outcome.status == 0
        assert outcome.err == (
            f"train {written} is 'genrecls sweep': every training runs in a process of its own\n"
        )


@pytest.mark.parametrize(
    ("largest", "advice"),
    [
        (2**63 - 1, "a device that only predicts with an exported file needs genrecls[litert]"),
        (2**31 - 1, "on a 32-bit ARMv7 system it comes with apt install python3-numpy"),
    ],
)
def test_a_package_that_is_not_there_is_one_line_with_what_brings_it(
    largest: int, advice: str, run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_: object) -> None:
        raise ModuleNotFoundError("No module named 'numpy'", name="numpy")

    monkeypatch.setattr(sys, "maxsize", largest)
    monkeypatch.setattr("genrecls.cli.predict.main", missing)
    outcome = run_command("predict", "song.wav")
    assert outcome.status == 1
    assert outcome.error.startswith(f"the package numpy is not installed; {advice}")
