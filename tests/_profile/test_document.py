"""Values of a profile are formatted with their units."""

from __future__ import annotations

from datetime import date

import pytest

from ckm._profile.document import shown_value


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (1234.5, "EUR", "1,234.50 EUR"),
        (1234, "EUR", "1,234 EUR"),
        (0.833, "%", "83.3 %"),
        (1, "days", "1 day"),
        (42, "days", "42 days"),
        (True, "", "yes"),
        (1970, "", "1970"),
        (date(2026, 6, 30), "", "2026-06-30"),
        (None, "", ""),
    ],
)
def test_a_value_is_written_with_its_unit(value: object, unit: str, expected: str) -> None:
    assert shown_value(value, unit) == expected
