"""One thread per numeric library, also in libraries that are imported later."""

from __future__ import annotations

import subprocess
import sys

import pytest
import sklearn.ensemble  # noqa: F401 - loads OpenMP and BLAS
import threadpoolctl

from ckm.models.threads import one_thread

IMPORTED_LATER = """
import threadpoolctl
from ckm.models.threads import find_libraries, one_thread
find_libraries()
searches = []
search = threadpoolctl.ThreadpoolController
threadpoolctl.ThreadpoolController = lambda: searches.append(1) or search()
import scipy.linalg, scipy.optimize, scipy.sparse.linalg, scipy.special, scipy.stats
import sklearn.cluster, sklearn.decomposition, sklearn.ensemble, sklearn.isotonic, sklearn.linear_model, sklearn.tree
with search().limit(limits=2), one_thread():
    assert not searches, "a search while another thread imports can wait for ever"
    print(sorted({library["num_threads"] for library in threadpoolctl.threadpool_info()}))
"""


def counts() -> set[int]:
    return {library["num_threads"] for library in threadpoolctl.threadpool_info()}


def test_every_library_has_one_thread_inside_the_context_and_as_many_as_before_outside() -> None:
    with threadpoolctl.threadpool_limits(2):
        with one_thread():
            assert counts() == {1}
        assert 2 in counts()


@pytest.mark.slow
def test_modules_that_are_imported_after_the_search_have_one_thread_without_another_search() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORTED_LATER], capture_output=True, text=True)
    assert done.stdout == "[1]\n", done.stderr
