"""One map over threads of this process, or over other processes by joblib.

Decoding, resampling, transforming and hashing release the interpreter lock, so threads do as well
as processes for them; they need no start-up time and share nothing by copying. Distorting audio
holds the lock, and a cluster has no threads of this process: that is what processes are for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing, contextmanager, nullcontext
from functools import cache
from typing import Any, Literal, TypeVar

from genrecls.console import progress, quiet_libraries
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


def parallel_map(
    work: Callable[[T], R],
    items: Sequence[T],
    title: str = "",
    *,
    backend: Backend = "threads",
    threads: int | None = None,
    on_done: Callable[[], None] | None = None,
) -> list[R]:
    """Return the result of `work` for each item, in the order of the items.

    After Ctrl-C or an error, threads finish the items that they have begun, and processes give
    theirs up; no further item is begun.

    Args:
        work: function of one item. For processes, it, the items and the results are pickled.
        items: what it is called with.
        title: description of the progress bar; empty shows none.
        backend: what does the work.
        threads: how many threads; None is one for each core.
        on_done: called after each item, in the calling thread.

    Raises:
        ConfigError: the library of the backend is not installed.
        DataError: a process was killed.
    """
    require_backend(backend)
    results: dict[int, R] = {}
    pool = (
        _in_threads(work, items, threads)
        if backend == "threads"
        else _in_processes(work, items, title, backend)
    )
    with (
        quiet_libraries(),
        progress(title, len(items)) if title else nullcontext(lambda: None) as advance,
        closing(pool),
    ):
        for index, result in pool:
            results[index] = result
            advance()
            if on_done is not None:
                on_done()
    return [results[index] for index in range(len(items))]


@contextmanager
def single_threaded_libraries() -> Iterator[None]:
    """Keep libraries from starting threads of their own during the block.

    A matrix product on several threads in each worker would only make them wait for each other.
    """
    import scipy.fft  # noqa: F401 - the limit reaches only libraries that are loaded
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(1, user_api="blas"):
        yield


def _in_threads(
    work: Callable[[T], R], items: Sequence[T], threads: int | None
) -> Generator[tuple[int, R]]:
    executor = ThreadPoolExecutor(threads or cores())
    try:
        running = {executor.submit(work, item): index for index, item in enumerate(items)}
        for future in as_completed(running):
            yield running[future], future.result()
    finally:
        executor.shutdown(cancel_futures=True)


def _in_processes(
    work: Callable[[T], R], items: Sequence[T], title: str, backend: Backend
) -> Generator[tuple[int, R]]:
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky.process_executor import BrokenProcessPool

    # The processes of Ray cannot hand over one result after the other.
    order = "list" if backend == "ray" else "generator_unordered"
    with _joblib_backend(backend) as settings, parallel_config(backend, **settings):
        tasks = (delayed(_numbered)(work, index, item) for index, item in enumerate(items))
        try:
            yield from Parallel(return_as=order)(tasks)
        except BrokenProcessPool as error:
            raise DataError(
                f"{title}: a process of backend={backend} was killed, as happens where memory "
                f"runs out; run the same command again, with backend=threads if it comes back "
                f"({' '.join(str(error).split())[:200]})"
            ) from None


def _numbered(work: Callable[[T], R], index: int, item: T) -> tuple[int, R]:
    _one_thread_for_good()
    return index, work(item)


@cache
def _one_thread_for_good() -> None:
    """Limit the libraries of this process, once: several tasks may share it."""
    import scipy.fft  # noqa: F401 - as above
    from threadpoolctl import threadpool_limits

    threadpool_limits(1, user_api="blas")


@contextmanager
def _joblib_backend(backend: Backend) -> Iterator[dict[str, Any]]:
    """Yield the settings for joblib of a backend that runs during the block.

    Of a cluster it is the one that Dask's own configuration or RAY_ADDRESS names, else one of this
    machine's cores.
    """
    if backend == "loky":
        yield {"n_jobs": cores(), "idle_worker_timeout": _IDLE_SECONDS}
    elif backend == "dask":
        import dask
        from distributed import Client

        address = dask.config.get("scheduler-address", None)
        local = {"n_workers": cores(), "threads_per_worker": 1, "dashboard_address": None}
        with Client(address) if address else Client(**local):
            yield {"n_jobs": -1}
    else:
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
            yield {"n_jobs": -1}
        finally:
            if ours:
                ray.shutdown()
