"""Whatever well-formed and odd input a command gets, it ends with a documented exit code.

A few cases of each kind run here; ``python bench/fuzz.py KIND --minutes 10`` runs as many as there is time for.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fuzz.case import Case
from tests.fuzz.kinds import KINDS

EXAMPLES = 6


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


def test_an_undocumented_exit_code_is_found() -> None:
    with pytest.raises(AssertionError):
        Case((("check", "--fail-on", "warning"), ("--version",))).run() and Case((("check", "--fail-on"),)).run() == [0]
    assert isinstance(KINDS["json"], st.SearchStrategy)
