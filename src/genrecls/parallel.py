"""One function on many tracks at once: in threads of this process, or in other processes by joblib.

Decoding, resampling, transforming and hashing release the interpreter lock, so threads do as well
as processes for them; they need no start-up time and share nothing by copying. Distorting audio
holds the lock, and a cluster has no threads of this process: that is what processes are for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from functools import cache
from typing import Any, Literal, TypeVar

from genrecls.environment import cores
from genrecls.errors import ConfigError, DataError

Backend = Literal["threads", "loky", "dask", "ray"]
"""Where the work is done: here, or in processes of this machine (loky) or of a cluster."""

_EXTRAS = {"dask": "distributed", "ray": "ray"}

# Long enough for the next copy of the same tracks; afterwards the memory is the training's.
_IDLE_SECONDS = 20

T = TypeVar("T")
R = TypeVar("R")


def require_backend(backend: Backend) -> None:
    """Refuse a backend whose library is not installed.

    Raises:
        ConfigError: names the extra to install.
    """
    from importlib.util import find_spec

    if backend in _EXTRAS and find_spec(_EXTRAS[backend]) is None:
        raise ConfigError(
            f"backend={backend}: needs a library that is not installed; "
            f"pip install 'genrecls[{backend}]', or choose backend=loky"
        )


def in_threads(work: Callable[[T], R], items: Sequence[T], title: str) -> list[R]:
    """Return the outcome of `work` for each item, done in threads, as many as there are cores.

    Each holds one decoded track at a time. After Ctrl-C the items in work are finished.

    Args:
        work: function of one item.
        items: what it is given.
        title: what is going on, for the progress bar.
    """
    found: dict[int, R] = {}
    with _working(title, len(items)) as advance:
        executor = ThreadPoolExecutor(cores())
        try:
            running = {executor.submit(work, item): index for index, item in enumerate(items)}
            for done in as_completed(running):
                found[running[done]] = done.result()
                advance()
        finally:
            executor.shutdown(cancel_futures=True)
    return [found[index] for index in range(len(items))]


def in_processes(
    work: Callable[[T], R], items: Sequence[T], title: str, backend: Backend
) -> list[R]:
    """Return the outcome of `work` for each item, done in processes that joblib reaches.

    Function, items and outcomes travel by pickle. After Ctrl-C the items in work are given up.

    Raises:
        ConfigError: the library that reaches them is not installed.
        DataError: a process was killed.
    """
    require_backend(backend)
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky.process_executor import BrokenProcessPool

    found: dict[int, R] = {}
    # The processes of Ray cannot hand over one outcome after the other.
    order = "list" if backend == "ray" else "generator_unordered"
    with (
        _working(title, len(items)) as advance,
        _reached(backend) as settings,
        parallel_config(backend, **settings),
    ):
        tasks = (delayed(_numbered)(work, index, item) for index, item in enumerate(items))
        try:
            for index, outcome in Parallel(return_as=order)(tasks):
                found[index] = outcome
                advance()
        except BrokenProcessPool as error:
            raise DataError(
                f"{title}: a process of backend={backend} was killed, as happens where memory "
                f"runs out; run the same command again, with backend=threads if it comes back "
                f"({' '.join(str(error).split())[:200]})"
            ) from None
    return [found[index] for index in range(len(items))]


@contextmanager
def _working(title: str, total: int) -> Iterator[Callable[[], None]]:
    """Show progress, and keep libraries from talking and from starting threads of their own.

    A matrix product on several threads in each worker would only make them wait for each other.
    """
    import scipy.fft  # noqa: F401 - the limit reaches only libraries that are loaded
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    from genrecls.console import progress, quiet_libraries

    with (
        threadpool_limits(1, user_api="blas"),
        quiet_libraries(),
        progress(title, total=total) as advance,
    ):
        yield advance


def _numbered(work: Callable[[T], R], index: int, item: T) -> tuple[int, R]:
    _one_thread_each()
    return index, work(item)


@cache
def _one_thread_each() -> None:
    """Do in a worker what `_working` does here, for good: several tasks may share the worker."""
    import scipy.fft  # noqa: F401 - as above
    from threadpoolctl import threadpool_limits

    threadpool_limits(1, user_api="blas")


@contextmanager
def _reached(backend: Backend) -> Iterator[dict[str, Any]]:
    """Yield the settings for joblib of a backend that is up during the block."""
    if backend == "loky":
        yield {"n_jobs": cores(), "idle_worker_timeout": _IDLE_SECONDS}
        return
    with _dask() if backend == "dask" else _ray():
        yield {"n_jobs": -1}


@contextmanager
def _dask() -> Iterator[None]:
    """Use the cluster that Dask's own configuration names, else one of this machine's cores."""
    import dask
    from distributed import Client

    address = dask.config.get("scheduler-address", None)
    local = {"n_workers": cores(), "threads_per_worker": 1, "dashboard_address": None}
    with Client(address) if address else Client(**local):
        yield


@contextmanager
def _ray() -> Iterator[None]:
    """Use the cluster that RAY_ADDRESS names, else one of this machine's cores."""
    import ray
    from ray.util.joblib import register_ray

    register_ray()
    ours = not ray.is_initialized()
    if ours:
        address = os.environ.get("RAY_ADDRESS")
        local = {} if address else {"num_cpus": cores(), "include_dashboard": False}
        # Nothing is reported to anybody on the network unless the user wants it.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(address or "local", log_to_driver=False, logging_level="ERROR", **local)
    try:
        yield
    finally:
        if ours:
            ray.shutdown()
