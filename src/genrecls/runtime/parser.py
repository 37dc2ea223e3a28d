"""Command line arguments that are wrong are one line, like every other mistake."""

from __future__ import annotations

import argparse
from typing import NoReturn

from genrecls.errors import ConfigError


class Parser(argparse.ArgumentParser):
    """The standard parser, without its several lines of usage and its own exit status."""

    def error(self, message: str) -> NoReturn:
        """Refuse the command line.

        Raises:
            ConfigError: always.
        """
        raise ConfigError(f"{message}; see '{self.prog} --help'")
