"""`genrecls publish`: a finished run on the Hugging Face Hub."""

from __future__ import annotations

from collections.abc import Sequence

from genrecls.cli.arguments import parser_of
from genrecls.console import show
from genrecls.errors import ConfigError
from genrecls.inference.hub import HubAddress
from genrecls.runs.find import find_run


def main(words: Sequence[str]) -> int:
    """Upload the run, and print the address of its page."""
    options = parser_of("publish").read(words)
    if len(options.words) != 2:
        raise ConfigError(
            f"publish: expected RUN hf:USER/NAME, received {len(options.words)} words"
        )
    wanted, address = options.words
    target = HubAddress.parse(address)
    from genrecls.export.publish import publish

    show(publish(find_run(options.output_root, wanted), target, public=options.public))
    return 0
