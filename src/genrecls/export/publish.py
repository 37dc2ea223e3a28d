"""A finished run on the Hugging Face Hub: its model, its exported files, and a card."""

from __future__ import annotations

import shlex
from pathlib import Path

from genrecls.config.paths import PATH_KEYS
from genrecls.console import say, several
from genrecls.errors import RunError, first_line
from genrecls.export.bundle.card import score_warnings
from genrecls.files.templates import templates
from genrecls.inference.hub import HubAddress, hub_client
from genrecls.reports.numbers import bounds, count, decimal
from genrecls.runs.export_facts import EXPORT, read_export
from genrecls.runs.run import Run
from genrecls.runtime.marks import leak_mark
from genrecls.safe_text import one_line

_PLACE_FLAGS = frozenset({"--plugin", "-cd", "--config-dir"})


def publish(run: Run, address: HubAddress, *, public: bool = False) -> str:
    """Upload a run in one commit and return the address of its page.

    Args:
        run: finished; exported files that were kept go along.
        address: where to; what is there already stays, files of the same names are replaced.
        public: whether a new repository may be seen by everybody. One that is there stays as it is.

    Raises:
        ConfigError: the library is not installed.
        RunError: the run is not finished or an ensemble, or the hub does not take it.
    """
    if run.is_ensemble:
        raise RunError(
            f"run {run.name} is an ensemble, without a model of its own; publish its runs"
        )
    card, files = published_card(run, address), published_files(run)
    client = hub_client()
    import huggingface_hub as hub

    size = sum(file.stat().st_size for file in files)
    say(f"uploading {several(len(files) + 1, 'file')}, {size:,} bytes, to {address}")
    additions = [
        hub.CommitOperationAdd("README.md", card.encode()),
        *(hub.CommitOperationAdd(file.name, file) for file in files),
    ]
    try:
        client.create_repo(address.repository, private=not public, exist_ok=True)
        done = client.create_commit(
            address.repository,
            additions,
            commit_message=f"genrecls run {run.name}",
            revision=address.revision or None,
        )
    except Exception as error:
        # Libraries below it have errors of their own, which change with its versions.
        reason = first_line(error)
        raise RunError(
            f"{address}: the hub does not take it ({reason}); HF_TOKEN, or 'hf auth login', says "
            "who you are"
        ) from error
    return str(done.repo_url)


def published_files(run: Run) -> list[Path]:
    """Return what of a run is uploaded beside its card."""
    exported = read_export(run)
    kept = exported.kept if exported else ()
    return [run.model_file, *(run.folder / EXPORT / file.file for file in kept)]


def published_card(run: Run, address: HubAddress) -> str:
    """Return the page of a model in Markdown; its first line says the split beside the score.

    Raises:
        RunError: the run is not finished.
    """
    metrics = run.read_metrics()
    filters = {"decimal": decimal, "bounds": bounds, "amount": count}
    return (
        templates("genrecls.export.bundle", "templates", filters, html=False)
        .get_template("published.md.j2")
        .render(
            run=run,
            command=without_places(str(run.state.get("command") or "")),
            address=address,
            metrics=metrics,
            test=metrics.test.track,
            mark=leak_mark(metrics.split.leaks),
            warnings=score_warnings(
                metrics.split.leaks,
                metrics.model.pretraining,
                generated=metrics.dataset.generated,
            ),
        )
    )


def without_places(command: str) -> str:
    """Return a command in one line, without the words that say where things lie on a machine."""
    kept, words = [], iter(shlex.split(command))
    for word in words:
        key, _, value = word.partition("=")
        if word in _PLACE_FLAGS:
            next(words, None)
        elif key not in PATH_KEYS | _PLACE_FLAGS and not value.startswith(("/", "~")):
            kept.append(word)
    return one_line(shlex.join(kept))
