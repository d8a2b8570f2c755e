"""Prefetch the next item in a thread while the caller processes the current one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")


def prefetched(items: Iterator[T]) -> Iterator[T]:
    """Yield ``items`` in order, and compute the next one in a thread.

    Reading a block and converting the previous one take about equally long, and both mostly release the GIL. One more
    item is held in memory than without prefetching.
    """
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item
