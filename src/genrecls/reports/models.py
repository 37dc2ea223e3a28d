"""Tables of the models that there are without a training, and of the card of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from genrecls.console import several
from genrecls.inference.tagger import PARAMETERS, TAGGER_LICENCE, TAGGERS
from genrecls.models.musicnn_weights import CORPORA, TAGS
from genrecls.reports.emulation import emulation_table
from genrecls.reports.numbers import DASH, kilobytes
from genrecls.reports.tables import Column, Table
from genrecls.runtime.marks import leak_mark, pretraining_caveat, pretraining_mark

_NOTE = (
    "The accuracy is the mean over runs of the same settings, each tested on tracks that it had "
    "not heard; the model itself learnt from all tracks. The tags have no score here: their "
    "weights are in the package musicnn, see docs/how_to/pretrained.md."
)


def shipped_facts(card: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the list says of a model that comes with genrecls, from its card."""
    return {
        "name": card["name"],
        "answers": f"{len(card['data']['genres'])} genres",
        "data": f"{card['data']['name']}, {card['data']['tracks']} tracks",
        "split": f"{card['split']['name']}{leak_mark(card['split']['leaks'])}",
        "pretraining": card["pretraining"],
        "accuracy": card["scores"]["accuracy"],
        "interval": card["scores"]["interval"],
        "runs": card["split"]["runs"],
        "parameters": card["model"]["parameters"],
        "bytes": {file["mode"]: file["bytes"] for file in card["files"]},
        "licence": card["licence"],
    }


def tagger_facts(name: str) -> dict[str, Any]:
    """Return what the list says of a published tagger; what is not known of it is None."""
    family, corpus = TAGGERS[name]
    return {
        "name": name,
        "answers": f"{len(TAGS['msd'])} tags",
        "data": CORPORA["msd" if corpus == "msd" else "mtt"],
        "split": None,
        "pretraining": "",
        "accuracy": None,
        "interval": None,
        "runs": None,
        "parameters": PARAMETERS[family],
        "bytes": {"float32": 4 * PARAMETERS[family]},
        "licence": TAGGER_LICENCE,
    }


def models_table(models: Sequence[Mapping[str, Any]]) -> Table:
    """Return the list of models, from the facts of each."""
    rows = []
    for model in models:
        accuracy = DASH
        if model["accuracy"] is not None:
            low, high = model["interval"]
            accuracy = f"{model['accuracy']:.3f}\n[{low:.2f}, {high:.2f}]"
        sizes = "\n".join(f"{mode} {kilobytes(size)}" for mode, size in model["bytes"].items())
        rows.append(
            [
                model["name"],
                model["answers"],
                "\n".join(
                    filter(
                        None,
                        (model["data"], model["split"], pretraining_mark(model["pretraining"])),
                    )
                ),
                accuracy,
                f"{sizes}\n{model['licence']}",
            ]
        )
    return Table(
        columns=(
            "model",
            "answers",
            "data, split",
            Column("accuracy\nper track", "number"),
            "size, licence",
        ),
        rows=rows,
        notes=(_NOTE,),
        ruled=True,
    )


def card_tables(card: Mapping[str, Any]) -> list[Table]:
    """Return the tables of a card, in their order."""
    scores, split, data = card["scores"], card["split"], card["data"]
    low, high = scores["interval"]
    mark = leak_mark(split["leaks"])
    unknown = card["artists"]["tracks_of_unknown_artists"]
    rows = [
        ("licence", card["licence"]),
        ("data", f"{data['title']} ({data['licence']}): all {data['tracks']} tracks"),
        (
            "artists",
            f"{card['artists']['known']} known ones; those of {unknown} tracks are not known",
        ),
        (
            "score",
            (
                f"accuracy {scores['accuracy']:.3f} [{low:.3f}, {high:.3f}] per track, macro-F1 "
                f"{scores['macro_f1']:.3f}; always the most frequent genre has "
                f"{scores['majority_baseline']:.3f}"
            ),
        ),
        (
            "how",
            (
                f"the mean of {split['runs']} runs (split {split['name']}{mark}, "
                f"{len(split['folds'])} folds, {several(len(split['seeds']), 'seed')}), each "
                "tested on tracks that it had not heard; the model itself learnt from all"
            ),
        ),
        ("caveat", split["caveat"]),
        ("pretraining", pretraining_caveat(card["pretraining"])),
        (
            "size",
            (
                f"{card['model']['parameters']:,} parameters, {card['model']['macs']:,} "
                "multiply-accumulates a segment"
            ),
        ),
        (
            "robustness",
            "noise, MP3 and the like: not measured" if card["robustness"] is None else "below",
        ),
        ("for", card["use"]["for"]),
        *(("not for", line) for line in card["use"]["not_for"]),
        ("made by", card["command"]),
    ]
    about = Table(
        columns=("card", ""),
        rows=[row for row in rows if row[1]],
        title=f"{card['name']}: {card['about']}",
    )
    genres = [*card["genres"]]
    files = Table(
        columns=("file", *(Column(name, "number") for name in ("bytes", "accuracy", "arena"))),
        rows=[
            [
                file["file"],
                f"{file['bytes']:,}",
                f"{file['accuracy']:.3f}",
                DASH if file["arena"] is None else f"{file['arena']:,}",
            ]
            for file in card["files"]
        ],
        title="files: accuracy per track as above, arena of a microcontroller in bytes",
    )
    confusion = Table(
        columns=("true", *(Column(genre[:5], "number") for genre in genres)),
        rows=[
            [genre, *(f"{count:.1f}".removesuffix(".0") for count in row)]
            for genre, row in zip(genres, card["confusion"], strict=True)
        ],
        title="confusion: tracks of one seed in the mean; rows are true genres",
    )
    tables = [about, files, confusion]
    for file in card["files"]:
        if counted := file.get("emulated"):
            title = f"{file['file']} on an emulated Cortex-M4"
            tables.insert(2, emulation_table(counted, title))
    if card["robustness"] is not None:
        from genrecls.evaluation.robustness import RobustnessScore
        from genrecls.reports.robustness import robustness_table

        scores = {
            mode: {name: RobustnessScore.of(values) for name, values in by_name.items()}
            for mode, by_name in card["robustness"].items()
        }
        tables.append(robustness_table(scores, "robustness: the same runs on degraded tracks"))
    return tables
