"""Models on the Hugging Face Hub, by addresses such as `hf:user/name` or `hf:user/name@v2`.

A model is fetched when its address is first asked for, and never again: beside it `hub.json` says
which commit it was and its SHA-256, to which it is held whenever it is used.
"""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from genrecls.console import say
from genrecls.errors import ConfigError, DamagedFile, ModelFileError, RunError, first_line
from genrecls.files.hashing import hex_digest
from genrecls.files.tables import read_json, write_json
from genrecls.runs.ensemble_card import KERAS_FILE

PREFIX = "hf:"
"""How an address on the hub begins."""

FOLDER = "hub"
"""Folder of fetched models in `output_root`."""

MOST_BYTES = 2 * 10**9

_NAME = r"[A-Za-z0-9][\w.-]{0,95}"
_ADDRESS = re.compile(rf"hf:(?P<repository>{_NAME}/{_NAME})(?:@(?P<revision>{_NAME}))?", re.ASCII)
_TFLITE = re.compile(r"[\w-]+\.tflite", re.ASCII)


@dataclass(frozen=True)
class HubAddress:
    """Where a model is on the hub.

    Attributes:
        repository: such as `user/name`.
        revision: branch, tag or commit; empty for the newest.
    """

    repository: str
    revision: str = ""

    @classmethod
    def parse(cls, word: str) -> HubAddress:
        """Return the address that a word means.

        Raises:
            ConfigError: it is none.
        """
        match = _ADDRESS.fullmatch(word)
        if match is None:
            raise ConfigError(f"received '{word}'; expected hf:USER/NAME or hf:USER/NAME@REVISION")
        return cls(match["repository"], match["revision"] or "")

    def __str__(self) -> str:
        return f"{PREFIX}{self.repository}" + (f"@{self.revision}" if self.revision else "")


def hub_client() -> Any:
    """Return a client of the hub, or of the server that the variable HF_ENDPOINT names.

    Raises:
        ConfigError: the library is not installed.
    """
    if find_spec("huggingface_hub") is None:
        raise ConfigError("hf: needs huggingface-hub; install it: pip install 'genrecls[hf]'")
    import huggingface_hub

    # The library reads the variable once, when it is imported.
    return huggingface_hub.HfApi(endpoint=os.environ.get("HF_ENDPOINT"))


def hub_model(address: HubAddress, output_root: Path) -> Path:
    """Return the file of a model on the hub, fetched unless it is here already.

    Args:
        address: where it is.
        output_root: folder of the runs, beside which it is kept.

    Raises:
        ConfigError: the library is not installed.
        RunError: the hub does not give it.
        ModelFileError: it has no model of genrecls, or its file here has changed since.
    """
    folder = output_root / FOLDER / str(address).removeprefix(PREFIX).replace("/", "--")
    try:
        record = read_json(folder / "hub.json")
        path = folder / str(record["file"])
        known = str(record["sha256"])
    except FileNotFoundError:
        return _fetch(address, folder)
    except (DamagedFile, KeyError, TypeError):
        raise ModelFileError(
            f"{folder}/hub.json is damaged; remove the folder to fetch again"
        ) from None
    if not path.is_file() or hex_digest(path) != known:
        raise ModelFileError(
            f"{path} is not what was fetched from {address} (SHA-256 {known[:12]}...); remove "
            f"{folder} to fetch it again"
        )
    return path


def _fetch(address: HubAddress, folder: Path) -> Path:
    client = hub_client()
    say(f"fetching {address}")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        about = client.model_info(
            address.repository, revision=address.revision or None, files_metadata=True
        )
        sizes = {file.rfilename: file.size or 0 for file in about.siblings or ()}
        name = _choose(address, sizes)
        with tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder) as aside:
            # By the commit: nobody can change the file between the two requests.
            fetched = Path(
                client.hf_hub_download(
                    address.repository, name, revision=about.sha, local_dir=aside
                )
            )
            fetched.replace(folder / name)
    except (ConfigError, ModelFileError):
        raise
    except Exception as error:
        # Libraries below it have errors of their own, which change with its versions.
        reason = first_line(error)
        raise RunError(f"{address}: the hub does not give it ({reason})") from error
    digest = hex_digest(folder / name)
    record = {"address": str(address), "commit": about.sha, "file": name, "sha256": digest}
    write_json(folder / "hub.json", record)
    say(f"{name}, {sizes[name]:,} bytes, commit {about.sha[:12]}, SHA-256 {digest}, in {folder}")
    return folder / name


def _choose(address: HubAddress, sizes: dict[str, int]) -> str:
    """Return the file to fetch: of Keras where it is installed, else an exported one.

    Raises:
        ModelFileError: there is none, or it is too large.
    """
    exported = sorted(
        filter(_TFLITE.fullmatch, sizes), key=lambda name: ("float32" not in name, name)
    )
    keras = [KERAS_FILE] if KERAS_FILE in sizes else []
    names = [*keras, *exported] if find_spec("keras") else [*exported, *keras]
    if not names:
        raise ModelFileError(f"{address} has no {KERAS_FILE} and no .tflite file at its top")
    if sizes[names[0]] > MOST_BYTES:
        raise ModelFileError(
            f"{address}: {names[0]} has {sizes[names[0]]:,} bytes; allowed: at most {MOST_BYTES:,}"
        )
    return names[0]
