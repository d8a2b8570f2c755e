"""Returns have negative amounts, whichever sign the export has."""

import polars as pl
import pytest

from ckm.io.mapping.return_sign import returned_net


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([("a", "return", 5.0)], [-5.0]),
        ([("a", "return", -5.0)], [-5.0]),
        ([(None, "return", 5.0), (None, "return", -2.0)], [-5.0, -2.0]),
        ([("a", "return", -20.0), ("a", "return", 2.0)], [-20.0, 2.0]),
        ([("a", "return", 20.0), ("a", "return", -2.0)], [-20.0, 2.0]),
        ([("a", "sale", 40.0), ("a", "return", 20.0)], [None, -20.0]),
        ([("a", "return", -20.0), ("b", "return", 2.0)], [-20.0, -2.0]),
    ],
)
def test_a_return_is_negative_and_a_returned_discount_is_positive(
    lines: list[tuple[str | None, str, float]], expected: list[float | None]
) -> None:
    frame = pl.DataFrame(lines, schema={"order_id": pl.String, "type": pl.String, "net": pl.Float64}, orient="row")
    is_return = pl.col("type") == "return"
    found = frame.select(pl.when(is_return).then(returned_net(is_return)))
    assert found.to_series().to_list() == expected
