"""Single-threaded computation, so that results do not depend on the number of processors."""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


def one_thread() -> AbstractContextManager[Any]:
    """Return a context in which the loaded BLAS and OpenMP libraries use one thread.

    Finding the loaded libraries takes milliseconds, as long as a small prediction. The search is repeated only if
    modules have been imported since, because only an import loads another library.
    """
    controller: AbstractContextManager[Any] = _controller(len(sys.modules)).limit(limits=1)
    return controller


@lru_cache(maxsize=1)
def _controller(modules: int) -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
