"""`genrecls data download`: the archive of a data set, fetched, checked, unpacked, verified."""

from __future__ import annotations

import argparse

from genrecls.cli.data.verify import verify_and_show
from genrecls.config.options import choices
from genrecls.config.paths import expanded
from genrecls.console import say
from genrecls.errors import ConfigError, DataError


def main(options: argparse.Namespace) -> int:
    """Fetch, check, unpack and verify an archive."""
    from genrecls.datasets.download.archive import read_archive
    from genrecls.datasets.download.download import ensure_feasible, fetch, load_dataset, serving
    from genrecls.datasets.fma_files import read_metadata

    names = options.words
    if len(names) != 1:
        raise ConfigError(
            f"received {' '.join(names) or 'no name'}; expected one of "
            f"{', '.join(choices('download'))}: genrecls data download gtzan"
        )
    archive, data_root = read_archive(names[0], options.overrides)
    given = expanded(str(options.archive), "--archive") if options.archive else None
    if serving(archive, data_root) is None:
        needs = [read_archive(name)[0] for name in archive.needs]
        ensure_feasible(archive, needs, data_root, given)
        for needed in needs:
            fetch(needed, data_root, keep=options.keep)
    fetched = fetch(archive, data_root, given, keep=options.keep)
    try:
        if archive.dataset is not None:
            return verify_and_show(load_dataset(archive.dataset, data_root))
        # The only archive without a data set is the metadata of FMA.
        file = fetched.folder / "tracks.csv"
        say(f"{file}: {len(read_metadata(file)):,} tracks")
    except DataError as error:
        if fetched.new:
            raise
        raise DataError(
            f"{error}; it was there before and nothing was fetched: move {fetched.folder} away to "
            "fetch it anew"
        ) from None
    return 0
