from __future__ import annotations

import subprocess
import sys

import pytest

# It comes while the library that prints is imported, if that is still to be done.
_SIGNAL_DURING_THE_FIRST_MESSAGE = """
import signal, sys
from genrecls.console import say
from genrecls.training.interrupts import stop_request

class SignalAtImport:
    def find_spec(self, name, *_):
        if name == "rich.highlighter":
            signal.raise_signal(signal.SIGTERM)

with stop_request("stopping") as request:
    sys.meta_path.insert(0, SignalAtImport())
    say("first")
    if request.received is None:
        signal.raise_signal(signal.SIGTERM)
print(request.received.name)
"""


@pytest.mark.process
def test_a_signal_during_the_first_message_is_received_and_answered() -> None:
    command = [sys.executable, "-c", _SIGNAL_DURING_THE_FIRST_MESSAGE]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.stdout == "SIGTERM\n", result.stderr
    assert result.stderr == "first\nstopping\n"
