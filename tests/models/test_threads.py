"""One thread per numeric library, also in libraries that are imported later."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
import sklearn.ensemble  # noqa: F401 - loads OpenMP and BLAS
import threadpoolctl

from ckm.models.threads import one_thread


def counts() -> set[int]:
    return {library["num_threads"] for library in threadpoolctl.threadpool_info()}


def test_every_library_has_one_thread_inside_the_context_and_as_many_as_before_outside() -> None:
    with threadpoolctl.threadpool_limits(2):
        with one_thread():
            assert counts() == {1}
        assert 2 in counts()


def test_libraries_are_searched_for_again_after_an_import_and_only_then(monkeypatch: pytest.MonkeyPatch) -> None:
    searches = []
    found = threadpoolctl.ThreadpoolController

    def searched() -> threadpoolctl.ThreadpoolController:
        searches.append(1)
        return found()

    monkeypatch.setattr(threadpoolctl, "ThreadpoolController", searched)
    for number in range(2):
        monkeypatch.setitem(sys.modules, f"another module {number}", ModuleType("another"))
        for _ in range(3):
            with one_thread():
                pass
    assert len(searches) == 2
