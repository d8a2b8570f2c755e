"""Whatever well-formed and odd input a command gets, it ends with a documented exit code.

A few cases of each kind run here; ``python bench/fuzz.py KIND --minutes 10`` runs as many as there is time for.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.conftest import examples
from tests.fuzz.case import Case
from tests.fuzz.kinds import KINDS

EXAMPLES = examples(3)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_odd_input_ends_with_a_documented_exit_code(kind: str) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(KINDS[kind])
    def check(case: Case) -> None:
        case.run()

    check()


@pytest.mark.slow
def test_an_exit_code_that_is_not_documented_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case((("check",),))
    assert case.run() == [0]
    monkeypatch.setattr("tests.fuzz.case.DOCUMENTED", frozenset({2}))
    with pytest.raises(AssertionError, match="check"):
        case.run()
