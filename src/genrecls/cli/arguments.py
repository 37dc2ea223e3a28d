"""What can stand behind each verb; `cli/data` has the actions of `data`.

Nothing heavy is imported, so that help and completion, which are made of these parsers, answer at
once. The file of a verb, such as `cli/export.py`, holds what it does.
"""

from __future__ import annotations

from collections.abc import Callable

from genrecls.cli.data.arguments import data_parser
from genrecls.cli.parser import (
    OUTPUT_ROOT,
    Setting,
    VerbParser,
    add_configuration_flags,
    folder,
    number,
    numbers,
    share,
)
from genrecls.cli.verbs import CONFIG_ACTIONS, REMOVABLE, RUN_ACTIONS
from genrecls.config.options import choices, groups, listed
from genrecls.runtime.command import add_live_options
from genrecls.shipped.models import names, names_with_modes

_NEWEST = (
    "Without RUN it is the newest run on real music; 'latest' is the newest of all, 'best' the\n"
    "most accurate one on the data and split of the newest on real music."
)
_A_RUN = f"RUN is a folder, a name or the end of a name.\n{_NEWEST}"


def parser_of(verb: str, action: str = "") -> VerbParser:
    """Return the parser of a verb, and of its action where the verb is `data`."""
    if verb == "data":
        return data_parser(action)
    return _PARSERS[verb]()


def train_parser() -> VerbParser:
    """Return what `genrecls train` takes."""
    parser = VerbParser(
        "train",
        "Train, evaluate and report one configuration. The same command again shows the finished\n"
        "run, or continues an interrupted one.",
        root="train",
    )
    parser.candidates = lambda: ("seeds=", "continue=")
    parser.add_argument("-m", "--multirun", action="store_true", help="same as 'genrecls sweep'")
    add_configuration_flags(parser)
    parser.epilog = (
        "Any value inside a group can be set: trainer.epochs=5, features.n_mels=96,\n"
        "model.head.dropout=0.5. seeds=3 trains with the seeds 0, 1 and 2 and compares them, as\n"
        "'genrecls sweep seeds=3' does.\n"
        "trainer.epochs=80 continue=RUN goes on from the end of a finished run, and ends as if so\n"
        "many had been asked for at once."
    )
    return parser


def sweep_parser() -> VerbParser:
    """Return what `genrecls sweep` takes."""
    parser = VerbParser(
        "sweep",
        "Train one configuration for every combination of values, each in its own process, and\n"
        "rank the finished runs. What several need (data, features) is made once. A training that\n"
        "fails, is killed or takes too much memory is recorded with its reason, and the others\n"
        "continue; the exit status is then 1. The same command again trains what is missing, and\n"
        "continues interrupted trainings.\n\n"
        "values\n"
        "  model=cnn,rnn            a list\n"
        "  'seed=range(0,5)'        0 to 4\n"
        "  'experiment=glob(kha*)'  all choices whose names match\n"
        "  'filter=model=rnn or seed<2'   of all combinations those that meet it",
        root="sweep",
        also="train",
    )
    parser.add_argument("-m", "--multirun", action="store_true", help="accepted, changes nothing")
    parser.add_argument(
        "--config-dir", "-cd", metavar="FOLDER", help="a folder with configurations of your own"
    )
    parser.epilog = (
        "search.trials=50, search.objective=[accuracy,parameters] and so on set up a search,\n"
        "cluster.partition=gpu, cluster.timeout_min=240 and so on a cluster.\n"
        "Everything else is a group or a key of 'genrecls train'. Runs that differ only in seed\n"
        "and split.fold are one system in the table, which is in <output_root>/sweeps with the\n"
        "output of every training."
    )
    return parser


def ensemble_parser() -> VerbParser:
    """Return what `genrecls ensemble` takes."""
    return VerbParser(
        "ensemble",
        "Average the probabilities of finished runs, of any model, features and segments, into a\n"
        "run of its own beside them, with scores and a report; 'predict', 'evaluate' and\n"
        "'compare' take it like others. All must have the same data, genres and tested tracks.\n"
        "RUN is a folder, a name, the end of a name or a pattern.",
        words="RUN|GLOB ...",
        settings=OUTPUT_ROOT,
    )


def refit_parser() -> VerbParser:
    """Return what `genrecls refit` takes."""
    parser = VerbParser(
        "refit",
        "Train the settings of finished runs once more, on all tracks of their data: a model to\n"
        "use. No track is left to test it, so it has no score of its own, and is no run that\n"
        "'compare' could rank: its file says the mean of the runs, which may differ in seed and\n"
        "fold alone. Where all runs were exported with 'inputs=[features]', it is, too.\n"
        "RUN is a folder, a name, the end of a name or a pattern.",
        words="RUN|GLOB ...",
        settings={
            **OUTPUT_ROOT,
            "data_root": Setting("data", "where data sets and the feature cache live"),
        },
    )
    parser.add_argument(
        "--name", default="", metavar="NAME", help="what the model is called; as its folder"
    )
    return parser


def evaluate_parser() -> VerbParser:
    """Return what `genrecls evaluate` takes."""
    parser = VerbParser(
        "evaluate",
        "Load the model of a finished run and score it again on a part of the data it was trained\n"
        "on. robustness=standard degrades the tracks first: MP3, noise, pitch, tempo, telephone.\n"
        f"{_A_RUN}",
        words="[RUN]",
        root="evaluate",
    )
    add_configuration_flags(parser)
    return parser


def export_parser() -> VerbParser:
    """Return what `genrecls export` takes."""
    parser = VerbParser(
        "export",
        "Write a finished run as TFLite files, each compared with the model on held-out tracks\n"
        "before it is kept, with C sources, a model card and a program that needs no TensorFlow,\n"
        "into the folder 'export' of the run. --web writes a page that hears music in a browser,\n"
        "with an exported file of the run (made first if there is none), or with FILE: a .tflite\n"
        "or the name of a shipped model. --micro writes the C++ project for microcontrollers of\n"
        "FILE alone.\n"
        f"{_A_RUN}",
        words="[RUN|FILE]",
        root="export",
    )
    parser.candidates = names_with_modes
    parser.add_argument("--tflite", action="store_true", help="files for devices (the default)")
    parser.add_argument("--web", action="store_true", help="a folder for any static web server")
    parser.add_argument("--micro", action="store_true", help="a C++ project of FILE")
    parser.add_argument(
        "--output",
        type=folder,
        metavar="FOLDER",
        help="of --web (RUN/web; for FILE its name_web) and --micro (name_micro)",
    )
    add_configuration_flags(parser)
    parser.epilog = (
        "gate.MODE.BOUND=... is what a file must keep of its model: difference, decisions, accuracy"
    )
    return parser


def predict_parser() -> VerbParser:
    """Return what `genrecls predict` takes."""
    parser = VerbParser(
        "predict",
        "Classify audio files of any length, or all audio files of folders.\n"
        "RUN is a run (folder, name, end of a name), a model.keras, or an exported .tflite, which\n"
        f"needs no TensorFlow.\n{_NEWEST}\n"
        "Where there is none, best_small answers, which comes with genrecls ('genrecls models').\n"
        "msd_musicnn, mtt_musicnn, msd_vgg and mtt_vgg are published taggers, which give fifty\n"
        "tags over time instead of genres (docs/how_to/pretrained.md). --model hf:USER/NAME is a\n"
        "model on the Hugging Face Hub, fetched once.",
        words="[RUN] FILE|FOLDER ...",
        settings=OUTPUT_ROOT,
    )
    parser.add_argument(
        "--format", choices=("table", "json", "csv"), help="of the answer (table, or as --output)"
    )
    parser.add_argument(
        "--output",
        type=folder,
        metavar="FILE",
        help="write to a .csv or .json; the same command adds what is missing there",
    )
    parser.add_argument(
        "--timeline", type=folder, metavar="PNG", help="draw the probabilities over time"
    )
    parser.add_argument("--model", metavar="RUN", help="the same as RUN, wherever it stands")
    parser.add_argument(
        "--accuracy",
        type=share,
        metavar="SHARE",
        help="answer 'unknown' unless so many answers are right (0.8), by held-out tracks",
    )
    parser.add_argument(
        "--coverage",
        type=share,
        metavar="SHARE",
        help="give sets of genres, so many of which hold the true one (0.9)",
    )
    parser.candidates = names_with_modes
    add_live_options(parser)
    return parser


def models_parser() -> VerbParser:
    """Return what `genrecls models` takes."""
    parser = VerbParser(
        "models",
        "List the models that answer without a training: those that come with genrecls, and\n"
        "published taggers. With NAME, show its card: data, scores, confusion, what it is for.\n"
        "'genrecls predict --model NAME FILE' classifies with it.",
        words="[NAME]",
    )
    parser.candidates = names
    parser.add_argument(
        "--format", choices=("table", "json"), default="table", help="of the answer (table)"
    )
    return parser


def explain_parser() -> VerbParser:
    """Return what `genrecls explain` takes."""
    parser = VerbParser(
        "explain",
        "Draw which parts of one segment of a file decided (integrated gradients), how the layers\n"
        "respond to it, and the filters of the first layer.\n"
        "RUN is a run (folder, name, end of a name) or a model.keras.",
        words="RUN FILE",
        root="drawing",
        settings=OUTPUT_ROOT,
    )
    parser.add_argument(
        "--layers",
        metavar="NAME,NAME",
        help="layers whose outputs are drawn; without it all convolutions, or else the recurrent "
        "layers ('genrecls train show=true' names them all)",
    )
    parser.add_argument("--genre", metavar="GENRE", help="the genre to explain; the answer")
    parser.add_argument(
        "--start",
        type=float,
        metavar="SECONDS",
        help="explain the segment at this time; without it the one that is surest of the genre",
    )
    parser.add_output_folder(
        "where the page and the figures go; without it explanations/ beside the model", old="--to"
    )
    return parser


def publish_parser() -> VerbParser:
    """Return what `genrecls publish` takes."""
    parser = VerbParser(
        "publish",
        "Upload the model of a finished run, the exported files that were kept and a card, whose\n"
        "first line says the split beside the score, to the Hugging Face Hub.\n"
        "'genrecls predict --model hf:USER/NAME song.mp3' classifies with it.\n"
        "RUN is a folder, a name or the end of a name.",
        words="RUN hf:USER/NAME",
        settings=OUTPUT_ROOT,
    )
    parser.add_argument(
        "--public", action="store_true", help="a new repository may be seen by everybody"
    )
    return parser


def benchmark_parser() -> VerbParser:
    """Return what `genrecls benchmark` takes."""
    parser = VerbParser(
        "benchmark",
        "Measure features and inference, for one segment and for a track of 30 s: of a run's\n"
        "model (Keras) beside all its exported files, or of one model file. The music is\n"
        "generated, the first calls are not counted, and each measurement is its own process.\n"
        "RUN is a run (folder, name, end of a name), a model.keras, a .tflite or the name of a\n"
        f"shipped model ('genrecls models').\n{_NEWEST}",
        words="[RUN]",
        root="drawing",
        settings=OUTPUT_ROOT,
    )
    parser.candidates = names_with_modes
    parser.add_argument(
        "--threads",
        type=numbers,
        default=(1,),
        metavar="1,2",
        help="numbers of threads, each measured (1)",
    )
    parser.add_argument(
        "--runs", type=number, default=30, metavar="N", help="counted repetitions of each (30)"
    )
    parser.add_argument(
        "--emulator",
        type=folder,
        metavar="TFLM",
        help="TensorFlow Lite Micro (get_tflm.sh): also count on an emulated Cortex-M4",
    )
    return parser


def reproduce_parser() -> VerbParser:
    """Return what `genrecls reproduce` takes."""
    parser = VerbParser(
        "reproduce",
        "Train the published systems on the data that are present, under the published\n"
        "protocol, on random tracks and under an honest split, and write their numbers beside\n"
        "ours. Finished runs are used again; after Ctrl-C the same command continues. Words such\n"
        "as data_root=<folder> or dataset.root=<folder> hold for every training.",
        words="[PAPER|PRESET|all ...]",
        also="train",
    )
    parser.candidates = _published
    parser.add_argument(
        "--seeds", type=int, default=3, metavar="N", help="seeds of every number (3)"
    )
    parser.add_argument("--finished", action="store_true", help="train nothing, show what is there")
    parser.add_output_folder(
        "where tables and figure go; <output_root>/reproduction/<what>", old="--to"
    )
    return parser


def _published() -> list[str]:
    """Return the papers and presets that have a published figure."""
    presets = [
        name
        for name, path in listed("experiment").items()
        if "\npublished:" in path.read_text(encoding="utf-8")
    ]
    return ["all", *dict.fromkeys(name.partition("_")[0] for name in presets), *presets]


def runs_parser() -> VerbParser:
    """Return what `genrecls runs` takes."""
    parser = VerbParser(
        "runs",
        "List the runs in outputs/, newest first, with their scores.\n\n"
        "actions\n"
        "  'model=rnn and seed>2'   list those that meet a condition; as --filter\n"
        "  show RUN                 settings that differ from the defaults, data, scores, files\n"
        "  open RUN                 its report in the browser, or the path of it\n"
        "  remove WHAT ...          list what would be removed; with --yes remove it. WHAT is\n"
        "                           failed, interrupted or pruned (such runs), checkpoints\n"
        "                           (unfinished runs then begin again, finished ones take no more\n"
        "                           epochs), runs or patterns\n\n"
        f"{_A_RUN}",
        words="[CONDITION ... | ACTION RUN ...]",
        settings=OUTPUT_ROOT,
    )
    parser.candidates = lambda: (*RUN_ACTIONS, *REMOVABLE)
    parser.add_argument(
        "--format", choices=("table", "json"), default="table", help="of the answer (table)"
    )
    _add_filter(parser)
    parser.add_argument("--yes", action="store_true", help="with remove: do it")
    parser.epilog = (
        "A condition compares (= != < <= > >= in [a,b]) what is known of a run (status, dataset,\n"
        "changed), settings (trainer.epochs) and scores (test.accuracy, which is per track, or\n"
        "validation.segment.macro_f1), joined by and, or, not and brackets."
    )
    return parser


def _add_filter(parser: VerbParser) -> None:
    parser.add_argument(
        "--filter", metavar="CONDITION", help="only runs such as 'model=rnn and test.accuracy>0.6'"
    )
    parser.add_argument(
        "--trials", action="store_true", help="trials of searches, too, which are left out else"
    )


def compare_parser() -> VerbParser:
    """Return what `genrecls compare` takes."""
    parser = VerbParser(
        "compare",
        "Rank finished runs by validation accuracy and test each against the best on the same\n"
        "tracks (paired bootstrap, permutation test, McNemar). Runs that differ only in seed or\n"
        "fold are one system; runs on other data or splits have a table of their own. Writes\n"
        "tables, figures and comparison.html. Without RUN all finished runs, but\n"
        "no trials of searches.",
        words="[RUN|GLOB ...]",
        root="drawing",
        settings=OUTPUT_ROOT,
    )
    _add_filter(parser)
    parts = ("validation", "test")
    parser.add_argument(
        "--rank-by",
        choices=parts,
        default="validation",
        help="the part that ranks (validation); choosing by test flatters the best",
    )
    parser.add_argument(
        "--test-on",
        choices=parts,
        default="test",
        help="the part on which runs are tested against the best (test)",
    )
    parser.add_output_folder(
        "where all is written; <output_root>/comparison, or comparison-by-test", old="--to"
    )
    parser.rename_flag("--by", "--rank-by")
    parser.rename_flag("--part", "--test-on")
    return parser


def config_parser() -> VerbParser:
    """Return what `genrecls config` takes."""
    parser = VerbParser(
        "config",
        "Read the configuration files that there are, or begin one of your own with one.\n\n"
        "actions\n"
        "  list [GROUP]                     the options of a group, or of all; without an action\n"
        "  show GROUP=NAME                  the file of an option, with its comments\n"
        "  copy GROUP=NAME FOLDER [NEW]     write it to FOLDER/GROUP/NEW.yaml, with a JSON schema\n"
        "                                   by which editors complete and check it",
        words="[ACTION ...]",
    )
    parser.candidates = lambda: (
        *CONFIG_ACTIONS,
        *(f"{group}={name}" for group in groups("train") for name in choices(group)),
    )
    parser.epilog = "genrecls train -cd FOLDER GROUP=NEW trains with it."
    return parser


def check_parser() -> VerbParser:
    """Return what `genrecls check` takes."""
    return VerbParser(
        "check",
        "Try every model, feature, data set and split that a plugin registers, and say in plain\n"
        "words what one does not do that all must do: genrecls check --plugin my_models.py.",
        settings={"data_root": Setting("data", "where a data set of a plugin looks for its files")},
    )


_PARSERS: dict[str, Callable[[], VerbParser]] = {
    "train": train_parser,
    "sweep": sweep_parser,
    "ensemble": ensemble_parser,
    "refit": refit_parser,
    "evaluate": evaluate_parser,
    "predict": predict_parser,
    "models": models_parser,
    "explain": explain_parser,
    "export": export_parser,
    "publish": publish_parser,
    "benchmark": benchmark_parser,
    "reproduce": reproduce_parser,
    "runs": runs_parser,
    "compare": compare_parser,
    "config": config_parser,
    "check": check_parser,
}
