"""Features of categories, channels, discounts, returns and weekdays."""

from __future__ import annotations

from tests.customers.rows import of, row, table


def test_categories_are_counted_by_lines_and_ties_are_resolved_by_name() -> None:
    found = table(
        *(row("ann", 0, 1.0, category=name) for name in ("tea", "tea", "cups", None)),
        *(row("bob", 0, 1.0, category=name) for name in ("tea", "cups")),
        row("bob", 1, -1.0, "return", category="pots"),
        row("cho", 0, 1.0),
    )
    assert of(found, "ann", "categories", "category_main") == (2, "tea")
    assert of(found, "bob", "categories", "category_main") == (2, "cups")
    assert of(found, "cho", "categories", "category_main") == (0, None)


def test_channels_are_counted_by_purchase_days() -> None:
    found = table(
        *(row("ann", 0, 1.0, channel="web") for _ in range(9)),
        *(row("ann", day, 1.0, channel="till") for day in (1, 2, 2)),
        row("ann", 3, 1.0),
        row("bob", 0, 1.0),
    )
    names = ("channels", "channel_main", "channel_share_till", "channel_share_web")
    assert of(found, "ann", *names) == (2, "till", 0.666666666667, 0.333333333333)
    assert of(found, "bob", *names) == (0, None, None, None)
    assert "channel_share_other" not in found.frame.columns


def test_channels_beyond_the_eight_most_common_share_a_column() -> None:
    rows = [row("ann", day, 1.0, channel=f"c{day % 10}") for day in range(18)]
    found = table(*rows, row("bob", 0, 1.0, channel="other"))
    names = [name for name in found.frame.columns if name.startswith("channel_share_")]
    assert names == [*(f"channel_share_c{number}" for number in range(8)), "channel_share_other"]
    assert of(found, "ann", "channel_share_c0", "channel_share_other") == (0.111111111111, 0.111111111111)
    assert of(found, "bob", "channel_share_c0", "channel_share_other") == (0.0, 1.0)


def test_discounts_and_returns_are_shares_of_purchases() -> None:
    found = table(
        row("ann", 0, 80.0, discount=20.0),
        row("ann", 1, 100.0),
        row("ann", 2, -18.0, "return", discount=-2.0),
        row("bob", 0, 0.0),
        row("bob", 1, -5.0, "return"),
    )
    assert of(found, "ann", "discount_share", "return_share") == (0.1, 0.1)
    assert of(found, "bob", "discount_share", "return_share", "monetary") == (None, 0.0, -5.0)


def test_weekdays_are_those_of_purchase_days_and_ties_go_to_the_first() -> None:
    found = table(*(row("ann", day, 1.0) for day in (0, 1, 1, 7)), row("bob", 2, 1.0), row("bob", 3, 1.0))
    assert of(found, "ann", "weekday_main", "weekday_main_share", "weekend_share") == (
        5,
        0.666666666667,
        0.333333333333,
    )
    assert of(found, "bob", "weekday_main", "weekday_main_share", "weekend_share") == (1, 0.5, 0.5)
