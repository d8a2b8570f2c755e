"""Single-threaded computation, so that results do not depend on the number of processors."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


def one_thread() -> AbstractContextManager[Any]:
    """Return a context in which the BLAS and OpenMP libraries of NumPy, SciPy and scikit-learn use one thread."""
    controller: AbstractContextManager[Any] = _controller().limit(limits=1)
    return controller


def find_libraries() -> None:
    """Load and find the libraries of :func:`one_thread`; for callers that are about to start a thread.

    The search for loaded libraries runs Python code while it has the lock of the dynamic loader. Another thread that
    imports an extension module waits for this lock and does not release the interpreter: neither thread would ever
    continue. So the search is done once, before there is another thread, and no later import repeats it.
    """
    _controller()


@cache
def _controller() -> Any:
    import sklearn  # noqa: F401  # loads all of these libraries
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
