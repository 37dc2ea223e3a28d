"""Threads decide the last digits of weights, so that they are known and can be fixed."""

from __future__ import annotations

import hashlib
import logging
import os
import platform
import subprocess
import sys

import pytest

from genrecls.environment import cores
from genrecls.errors import RunError
from genrecls.models import tensorflow_setup

_ON_ONE_CORE = """
import sys
from genrecls.training.distribution import devices_for
from tests.models.test_tensorflow_setup import gradient
devices_for("single", int(sys.argv[1]))
sys.stdout.write(gradient())
"""


def gradient() -> str:
    """A digest of a sum over so many places that threads share it."""
    import tensorflow as tf

    x = tf.random.stateless_normal((64, 64, 16, 8), (1, 2))
    kernel = tf.Variable(tf.random.stateless_normal((3, 3, 8, 32), (3, 4)))
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(tf.square(tf.nn.conv2d(x, kernel, 1, "SAME")))
    values = tape.gradient(y, kernel).numpy().tobytes()
    return f"{tensorflow_setup.threads()} threads: {hashlib.sha256(values).hexdigest()}"


@pytest.mark.tensorflow
def test_tensorflow_writes_to_no_stream_that_it_found_on_import(tensorflow: None) -> None:
    import tensorflow as tf

    # An ensemble of six networks made it warn, into a stream that was closed long ago.
    assert tf.get_logger().handlers == []
    assert not tf.get_logger().isEnabledFor(logging.WARNING)


def test_as_many_threads_as_cores_are_used_unless_something_else_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    assert tensorflow_setup.threads() == cores()
    for nonsense in ("0", "many"):
        monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", nonsense)
        assert tensorflow_setup.threads() == cores()
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "61")
    assert tensorflow_setup.threads() == 61


@pytest.mark.tensorflow
@pytest.mark.process
@pytest.mark.skipif(platform.machine() != "x86_64", reason="left to TensorFlow on other processors")
@pytest.mark.parametrize(("said", "recorded"), [(None, "on"), ("0", "off")])
def test_onednn_computes_on_every_x86_unless_something_else_is_said(
    said: str | None, recorded: str
) -> None:
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "0"}
    environment.pop("TF_ENABLE_ONEDNN_OPTS", None)
    if said:
        environment["TF_ENABLE_ONEDNN_OPTS"] = said
    code = (
        "from genrecls.models import tensorflow_setup as setup\n"
        "setup.quiet_libraries = __import__('contextlib').nullcontext\n"
        "setup.load()\n"
        "print(setup.numerics()['onednn'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.strip() == recorded
    assert ("oneDNN custom operations are on" in done.stderr) == (recorded == "on")


@pytest.mark.tensorflow
def test_what_learns_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    import tensorflow as tf

    tensorflow_setup.configure_tensorflow()
    monkeypatch.setattr(tensorflow_setup, "threads", lambda: 1)
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: [])
    assert tensorflow_setup.device_title(1) == "the CPU, 1 thread"
    gpus = {"GPU:0": {"device_name": "H200"}, "GPU:1": {"device_name": "H200"}, "GPU:2": {}}
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: list(gpus))
    monkeypatch.setattr(tf.config.experimental, "get_device_details", gpus.__getitem__)
    assert tensorflow_setup.device_title(1) == "H200"
    assert tensorflow_setup.device_title(3) == "2 x H200, a GPU"


@pytest.mark.tensorflow
def test_threads_that_cannot_be_fixed_any_more_are_one_line() -> None:
    tensorflow_setup.configure_tensorflow()
    now = tensorflow_setup.threads()
    tensorflow_setup.fix_threads(now)
    with pytest.raises(
        RunError, match=rf"expected {now + 1} threads, but TensorFlow computes with"
    ):
        tensorflow_setup.fix_threads(now + 1)


@pytest.mark.tensorflow
@pytest.mark.process
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores cannot be assigned here")
def test_as_many_fixed_threads_give_the_same_bits_on_one_core() -> None:
    tensorflow_setup.configure_tensorflow()
    one = min(os.sched_getaffinity(0))
    done = subprocess.run(
        [sys.executable, "-c", _ON_ONE_CORE, str(tensorflow_setup.threads())],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, [one]),
    )
    assert done.stdout == gradient()
