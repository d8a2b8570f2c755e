"""One thread for a calculation, so that its result does not depend on how many processors there are."""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


def one_thread() -> AbstractContextManager[Any]:
    """Return a context in which the loaded BLAS and OpenMP libraries use one thread.

    Finding these libraries takes milliseconds, as long as a small prediction. They are searched for again only after
    an import, which is how another one comes in.
    """
    controller: AbstractContextManager[Any] = _controller(len(sys.modules)).limit(limits=1)
    return controller


@lru_cache(maxsize=1)
def _controller(modules: int) -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
