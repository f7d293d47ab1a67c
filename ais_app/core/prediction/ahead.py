"""Compute the next items of an iteration while the current one is being used."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")
_END: Any = object()


def ahead(items: Generator[T, None, None], count: int = 2) -> Generator[T, None, None]:
    """Yield the items of a generator that runs in a thread of its own, at most `count` items ahead.

    An error of the generator is raised where its item would have come. Closing this one waits for the item being
    computed and closes the generator, so that nothing is computed for nobody.
    """
    worker = ThreadPoolExecutor(1, thread_name_prefix="ahead")
    try:
        coming = deque(worker.submit(next, items, _END) for _ in range(count))
        while (item := coming.popleft().result()) is not _END:
            coming.append(worker.submit(next, items, _END))
            yield item
    finally:
        worker.shutdown(wait=True, cancel_futures=True)
        items.close()
