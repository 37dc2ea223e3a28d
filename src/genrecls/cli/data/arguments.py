"""What can stand behind each action of `genrecls data`."""

from __future__ import annotations

from pathlib import Path

from genrecls.cli.parser import VerbParser
from genrecls.cli.verbs import ACTIONS
from genrecls.config.options import choices


def data_parser(action: str) -> VerbParser:
    """Return what an action of `genrecls data` takes."""
    about = f"{ACTIONS[action][0].upper()}{ACTIONS[action][1:]}."
    if action == "download":
        parser = VerbParser(
            "data download",
            f"{about}\nNAME is one of {', '.join(choices('download'))}; the keys of its "
            "conf/download file can be set,\nsuch as sources=[https://...].",
            words="NAME",
            also="download",
        )
        parser.candidates = lambda: choices("download")
        parser.add_argument("--archive", type=Path, metavar="FILE", help="unpack one that you have")
        parser.add_argument("--keep", action="store_true", help="keep the fetched archive")
        return parser
    root = "split_report" if action == "split-report" else "data"
    parser = VerbParser(f"data {action}", about, root=root)
    if action == "verify":
        parser.add_argument(
            "--format", choices=("table", "json"), default="table", help="of the findings (table)"
        )
        parser.add_argument(
            "--accept",
            action="store_true",
            help="record files anew that are not what they were when last verified",
        )
    elif action == "cache":
        parser.add_argument("--prune", action="store_true", help="delete instead of listing")
        parser.add_argument(
            "--older", type=float, metavar="DAYS", help="only what was not used for so many days"
        )
    elif action == "split-report":
        parser.add_output_folder("outputs/split-report/<data set>", old="--out")
        parser.epilog = (
            "split=track,artist shows these two; without it every possible split is shown"
        )
    return parser
