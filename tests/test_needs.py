"""``ckm needs`` on small shops with planted needs."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import ckm
from ckm._kb.search_log import LoggedSearch, SearchLog
from ckm._needs.emerging import emerging
from ckm._needs.need import Need
from ckm._needs.searches import searches_without_hits
from ckm._needs.workarounds import workarounds
from ckm.errors import NotEnoughDataError, UsageError
from tests.conftest import Run

LAST = date(2025, 12, 28)
HEADER = "order_id,customer_id,ordered_at,product_id,category,quantity,net,currency,type"


def written(path: Path, rows: list[tuple[str, date, str, str, str]]) -> Path:
    """Write transactions with one line per row of customer, day, product, category and type."""
    lines = [
        f"o{number},{who},{day},{product},{category},1,{-10 if kind == 'return' else 10},EUR,{kind}"
        for number, (who, day, product, category, kind) in enumerate(rows)
    ]
    path.write_text("\n".join([HEADER, *lines]) + "\n")
    return path


def regulars(customers: int = 24) -> list[tuple[str, date, str, str, str]]:
    """Return eight orders per customer: p0 in each, p1 in every second one, p2 in the oldest."""
    return [
        (f"c{who}", LAST - timedelta(days=30 * age + who % 3), product, "cat", "sale")
        for who in range(customers)
        for age in range(8)
        for product in ("p0", *(("p1",) if age % 2 == 0 else ()), *(("p2",) if age == 7 else ()))
    ]


def pairs() -> list[tuple[str, date, str, str, str]]:
    """Return 100 buyers of tea, 60 of whom buy pots next, and 100 buyers of rugs, five of whom buy pots next."""
    begin = LAST - timedelta(days=500)
    rows = [(f"t{n}", begin + timedelta(days=n % 50), "p-tea", "tea", "sale") for n in range(100)]
    rows += [(f"t{n}", begin + timedelta(days=100 + n % 9), "p-pot", "pots", "sale") for n in range(60)]
    rows += [(f"t{n}", begin + timedelta(days=100 + n % 9), "p-tea", "tea", "sale") for n in range(60, 100)]
    for n in range(100):
        second = ("p-pot", "pots") if n < 5 else ("p-rug", "rugs")
        for day, goods in ((0, ("p-rug", "rugs")), (100, second)):
            rows.append((f"r{n}", begin + timedelta(days=day + n % 9), *goods, "sale"))
    return rows


def comments(recent: int, *, weeks: int = 60, segment: str | None = None) -> pl.DataFrame:
    """Return comments on three topics, four a week each; ``growing`` has ``recent`` a week in the last four weeks."""
    rows: list[tuple[str, date, str, str, str | None]] = []
    for week in range(weeks):
        for topic in ("steady", "other one", "growing"):
            for number in range(recent if topic == "growing" and week < 4 else 4):
                day = LAST - timedelta(days=7 * week + number % 7)
                rows.append((f"i{len(rows):05}", day, topic, f"c{len(rows)}", segment))
    return pl.DataFrame(
        rows,
        schema={
            "interaction_id": pl.String,
            "day": pl.Date,
            "topic": pl.String,
            "customer_id": pl.String,
            "segment": pl.String,
        },
        orient="row",
    ).with_columns(at=pl.col("day").cast(pl.Datetime("us", "UTC")), title=pl.col("topic"))


def rising(table: pl.DataFrame, *, as_of: date = LAST, min_group_size: int = 5) -> list[Need]:
    return list(emerging(table, as_of, per_year=1, min_group_size=min_group_size, seed=0).needs)


def test_a_topic_with_rising_comments_is_emerging_with_ratio_and_ids_of_comments() -> None:
    (need,) = rising(comments(16))
    assert (need.kind, need.subject, need.count, need.customers) == ("emerging", "growing", 64, 64)
    assert need.ratio == pytest.approx(4, rel=0.1)
    assert need.low is not None
    assert need.low > 2
    ids = comments(16).filter(pl.col("topic") == "growing")["interaction_id"].to_list()
    assert set(need.evidence.split("; ")) <= set(ids)


def test_topics_with_a_constant_rate_are_not_emerging() -> None:
    assert rising(comments(4)) == []


def test_a_topic_that_rises_in_one_segment_is_reported_for_that_segment_only() -> None:
    table = pl.concat([comments(16, segment="New"), comments(4, segment="Old")]).with_columns(
        interaction_id=pl.int_range(pl.len()).cast(pl.String)
    )
    assert ("growing", "New") in [(need.subject, need.segment) for need in rising(table)]
    assert "Old" not in [need.segment for need in rising(table)]


def test_comments_after_the_as_of_date_are_ignored() -> None:
    day = LAST - timedelta(days=28)
    table = comments(16)
    assert rising(table, as_of=day) == rising(table.filter(pl.col("day") <= day), as_of=day) == []


def test_a_rising_topic_of_one_customer_is_not_reported() -> None:
    table = comments(16).with_columns(
        customer_id=pl.when(pl.col("topic") == "growing").then(pl.lit("c1")).otherwise(pl.col("customer_id"))
    )
    assert rising(table) == []


def test_a_new_topic_is_a_candidate_without_a_ratio() -> None:
    table = comments(16).filter((pl.col("topic") != "growing") | (pl.col("day") > LAST - timedelta(days=28)))
    (need,) = rising(table)
    assert (need.kind, need.subject, need.ratio) == ("candidate", "growing", None)


def test_a_category_that_buyers_of_another_buy_next_is_implied_but_not_the_reverse(tmp_path: Path) -> None:
    found = ckm.needs.needs(written(tmp_path / "orders.csv", pairs()), as_of=LAST)
    (row,) = found.frame.rows(named=True)
    assert (row["kind"], row["subject"], row["count"], row["customers"]) == ("implied", "pots", 60, 40)
    assert row["expected"] == pytest.approx(5)  # at the rate of buyers of rugs: 5 of 100
    assert row["ratio"] == pytest.approx(12)
    assert row["low"] < row["ratio"] < row["high"]
    assert row["need"].startswith("customers of tea buy pots next: 60 did, 5.0 expected at the rate of other customers")
    assert row["need"].endswith("40 customers of tea did not yet")


def test_independent_purchases_of_heavy_and_light_buyers_imply_no_category(tmp_path: Path) -> None:
    dice = np.random.default_rng(1)
    shares, rows = np.array([0.4, 0.25, 0.2, 0.15]), []
    for who, purchases in enumerate(dice.geometric(0.15, 400).clip(1, 40)):
        for age in dice.choice(700, purchases, replace=False):
            category = f"cat{dice.choice(4, p=shares)}"
            rows.append((f"c{who}", LAST - timedelta(days=int(age)), f"p-{category}", category, "sale"))
    found = ckm.needs.needs(written(tmp_path / "orders.csv", rows), as_of=LAST)
    assert "12 pairs of categories" in " ".join(map(str, found.remarks))
    assert found.frame.is_empty()


def test_purchases_after_the_as_of_date_do_not_change_implied_categories(tmp_path: Path) -> None:
    rows = pairs()
    later = [(who, LAST + timedelta(days=3), "p-pot", "pots", kind) for who, _, _, _, kind in rows[100:160]]
    one, other = (tmp_path / name for name in ("one.csv", "other.csv"))
    first, second = (
        ckm.needs.needs(written(path, [*rows, *more]), as_of=LAST) for path, more in ((one, later), (other, []))
    )
    assert first.frame.equals(second.frame)
    assert first.frame.height == 1


def test_items_returned_and_bought_again_are_a_workaround(tmp_path: Path) -> None:
    rows = regulars()
    for who in range(12):
        rows.append((f"c{who}", LAST - timedelta(days=20), "p-shoe", "cat", "return"))
        rows.append((f"c{who}", LAST - timedelta(days=10), "p-shoe", "cat", "sale"))
        rows += [(f"c{who}", LAST - timedelta(days=20), f"p-{name}", "cat", "return") for name in "abcd"]
    found = ckm.needs.needs(written(tmp_path / "orders.csv", rows))
    (row,) = found.frame.rows(named=True)
    assert (row["kind"], row["subject"], row["count"], row["customers"]) == ("workaround", "p-shoe", 12, 12)
    many = ckm.needs.needs(tmp_path / "orders.csv", min_group_size=13)
    assert many.frame.is_empty()


def test_returns_dated_by_their_order_are_no_workaround() -> None:
    """A return without a date may have been made after the second purchase."""
    days = [LAST - timedelta(days=60 - 20 * (number % 2)) for number in range(24)]
    bought = pl.DataFrame({"customer_id": [f"c{n // 2}" for n in range(24)], "ordered_at": days}).with_columns(
        pl.col("ordered_at").cast(pl.Datetime("us", "UTC")), product_id=pl.lit("p-shoe"), type=pl.lit("sale"), net=10.0
    )
    returned = bought.gather_every(2).with_columns(type=pl.lit("return"), net=-10.0)
    others = bought.gather_every(2).with_columns(type=pl.lit("return"), net=-10.0, product_id=pl.lit("p-other"))
    found = {}
    for dated_by in ("order", "first_seen"):
        rows = pl.concat([bought, returned, others]).with_columns(
            dated_by=pl.when(pl.col("type") == "return").then(pl.lit(dated_by))
        )
        found[dated_by] = workarounds(
            {"transactions": rows.lazy()}, LAST, "UTC", column="product_id", min_group_size=5
        )[0]
    assert [need.subject for need in found["first_seen"]] == ["p-shoe"]
    assert found["order"] == []


def searches(*queries: str | None, hits: int = 0) -> tuple[LoggedSearch, ...]:
    return tuple(LoggedSearch(datetime(2025, 12, 1, tzinfo=UTC), (), hits, query) for query in queries)


def test_searches_without_a_hit_are_counted_but_queries_are_shown_only_with_the_setting() -> None:
    log = SearchLog((*searches(*["Gift Wrap"] * 6, "rare"), *searches("tea", hits=3)), 0)
    until = datetime(2026, 1, 1, tzinfo=UTC)
    hidden = list(searches_without_hits(log, until, texts=False, min_group_size=5))
    shown = list(searches_without_hits(log, until, texts=True, min_group_size=5))
    assert [need.count for need in hidden] == [7]
    assert [(need.subject, need.count) for need in shown[1:]] == [("gift wrap", 6)]
    assert list(searches_without_hits(log, datetime(2025, 1, 1, tzinfo=UTC), texts=True, min_group_size=5)) == []


def test_a_query_with_personal_data_is_never_shown() -> None:
    log = SearchLog(searches(*["ann.marker@example.com"] * 9), 0)
    found = list(searches_without_hits(log, datetime(2026, 1, 1, tzinfo=UTC), texts=True, min_group_size=5))
    assert "marker" not in str(found)
    assert len(found) == 1


def test_the_reason_of_a_next_item_is_its_share_of_the_last_orders(tmp_path: Path) -> None:
    found = ckm.needs.next_items(written(tmp_path / "orders.csv", regulars()))
    rows = found.frame.filter(pl.col("customer_id") == "c4").drop("score").rows()
    assert rows == [
        ("c4", 1, "p0", "bought in 6 of the last 6 orders"),
        ("c4", 2, "p1", "bought in 3 of the last 6 orders"),
        ("c4", 3, "p2", "bought in 1 of 8 orders"),
    ]
    assert found.by == "product"


def test_the_reason_is_the_own_frequency_where_it_is_most_of_the_score(tmp_path: Path) -> None:
    rows = [*regulars(), ("c4", LAST - timedelta(days=300), "p9", "cat", "sale")]
    frame = ckm.needs.next_items(written(tmp_path / "orders.csv", rows)).frame
    reason = frame.filter(customer_id="c4", item="p9")["reason"].to_list()
    assert reason == ["bought in 1 of 9 orders"]


def test_an_item_that_the_customer_has_not_bought_has_the_reason_bought_together(tmp_path: Path) -> None:
    rows = [*regulars(), ("new", LAST, "p0", "cat", "sale")]
    frame = ckm.needs.next_items(written(tmp_path / "orders.csv", rows), most=2).frame
    assert frame.filter(pl.col("customer_id") == "new").drop("score").rows() == [
        ("new", 1, "p0", "bought in the only order"),
        ("new", 2, "p1", "bought in 96 of all 193 orders with p0, which the customer bought"),
    ]


def test_later_purchases_and_returns_do_not_change_next_items(tmp_path: Path) -> None:
    rows = regulars()
    more = [*rows, ("c4", LAST, "p9", "cat", "return"), ("c4", LAST + timedelta(days=2), "p9", "cat", "sale")]
    one = ckm.needs.next_items(written(tmp_path / "one.csv", rows), as_of=LAST)
    other = ckm.needs.next_items(written(tmp_path / "other.csv", more), as_of=LAST)
    assert one.frame.equals(other.frame)


def test_next_items_are_categories_if_no_line_has_a_product(tmp_path: Path) -> None:
    rows = [(who, day, "", category, kind) for who, day, _, category, kind in regulars()]
    found = ckm.needs.next_items(written(tmp_path / "orders.csv", rows))
    assert found.by == "category"
    assert found.frame["item"].unique().to_list() == ["cat"]


def test_too_few_data_exit_with_4_and_say_how_many_are_needed(tmp_path: Path, run: Run) -> None:
    path = written(tmp_path / "orders.csv", regulars(5))
    done = run("needs", path, "--next-items")
    assert done.exit_code == 4
    assert "20 are needed" in done.stderr
    done = run("needs", path)
    assert done.exit_code == 4
    assert "35 weeks of comments on topics are needed" in done.stderr
    with pytest.raises(NotEnoughDataError):
        ckm.needs.needs(path)


@pytest.mark.parametrize("words", [("--false-alarms", "0"), ("--next-items", "--most", "0")])
def test_invalid_options_are_refused(tmp_path: Path, run: Run, words: tuple[str, ...]) -> None:
    path = written(tmp_path / "orders.csv", regulars(1))
    assert run("needs", path, *words).exit_code == 2
    for wrong in (-1.0, float("nan")):
        with pytest.raises(UsageError):
            ckm.needs.needs(path, false_alarms_per_year=wrong)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--most", "3"), "--most needs --next-items"),
        (("--next-items", "--false-alarms", "1"), "--next-items and --false-alarms contradict each other"),
        (("--next-items", "--min-group-size", "5"), "--next-items and --min-group-size contradict each other"),
    ],
)
def test_options_without_effect_are_refused_with_a_hint(
    tmp_path: Path, run: Run, words: tuple[str, ...], message: str
) -> None:
    done = run("needs", written(tmp_path / "orders.csv", regulars()), *words)
    assert done.exit_code == 2
    assert message in done.stderr
    assert "hint" in done.stderr


def test_machine_formats_have_all_rows_and_meta_has_the_columns(tmp_path: Path, run: Run) -> None:
    path = written(tmp_path / "orders.csv", regulars(24))
    done = run("needs", path, "--next-items", "-f", "json", "--meta", tmp_path / "meta.json")
    assert done.exit_code == 0, done.stderr
    assert len(json.loads(done.stdout)) == 72
    facts = json.loads((tmp_path / "meta.json").read_text())
    assert set(facts["columns"]) == {"customer_id", "rank", "item", "score", "reason"}


@pytest.mark.slow
def test_the_growing_topic_of_the_example_shop_is_emerging_and_no_comment_is_printed_or_saved(
    tmp_path: Path, run: Run
) -> None:
    shop = tmp_path / "shop"
    done = run("demo", shop)
    assert done.exit_code == 0, done.stderr
    reviews = [json.loads(line) for line in (shop / "comments" / "reviews.jsonl").read_text("utf-8").splitlines()]
    done = run("ingest", shop / "comments" / "reviews.jsonl", "--map", shop / "comments" / "reviews.yaml", "-C", shop)
    assert done.exit_code == 0, done.stderr

    done = run("needs", shop, "-o", shop / "out" / "needs.csv", "--meta", shop / "out" / "meta.json")
    assert done.exit_code == 0, done.stderr
    frame = pl.read_csv(shop / "out" / "needs.csv").filter(pl.col("kind") == "emerging")
    truth = pl.read_csv(shop / "comments" / "truth.csv").filter(pl.col("topic") == "zip")["interaction_id"].to_list()
    row = frame.filter(pl.col("segment").is_null()).sort("count", descending=True).row(0, named=True)
    assert row["ratio"] > 3
    assert len(set(row["evidence"].split("; ")) & set(truth)) >= 4

    printed = [done.stdout, done.stderr, (shop / "out" / "needs.csv").read_text("utf-8")]
    printed += [each.read_text("utf-8") for each in (shop / "runs").rglob("*.json")]
    printed.append((shop / "out" / "meta.json").read_text("utf-8"))
    for text in printed:
        assert not any(review["text"][:40] in text for review in reviews)
