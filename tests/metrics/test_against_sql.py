"""Metrics of whole shops equal the result of DuckDB queries on the transactions."""

from __future__ import annotations

from dataclasses import replace

import duckdb
import polars as pl
import pytest

from ckm.config import Config
from ckm.metrics.concentration import concentration_metrics
from ckm.metrics.metric import Metrics, Missing
from ckm.metrics.relationships import relationship_metrics
from tests.metrics.rows import context
from tests.metrics.stores import SHOPS

SQL = """
WITH lines AS (
    SELECT customer_id AS who, order_id, timezone($zone, ordered_at)::date AS day, net::decimal(18, 4) AS net,
        type <> 'return' AND net >= 0 AS bought
    FROM transactions WHERE type <> 'cancel' AND customer_id IS NOT NULL),
visits AS (SELECT DISTINCT who, day FROM lines WHERE bought AND day <= $last),
gaps AS (SELECT day, lag(day) OVER (PARTITION BY who ORDER BY day) AS previous FROM visits),
now AS (SELECT who, count(*) AS days FROM visits WHERE day >= $first GROUP BY who),
orders AS (SELECT who, order_id, min(day) AS day FROM lines WHERE bought AND day <= $last GROUP BY ALL),
before AS (SELECT DISTINCT who FROM visits WHERE day BETWEEN $compared_first AND $compared_last),
firsts AS (SELECT who, min(day) AS first FROM visits GROUP BY who),
cohort AS (SELECT * FROM firsts WHERE first > $last::date - 730 AND first <= $last::date - 365),
money AS (SELECT who, greatest(sum(l.net), 0) AS net FROM lines l SEMI JOIN now USING (who)
    WHERE day BETWEEN $first AND $last GROUP BY who),
ranked AS (SELECT net, row_number() OVER (ORDER BY net) AS i, row_number() OVER (ORDER BY net DESC) AS best FROM money)
SELECT
    (SELECT count(*) FROM now) AS customers_active,
    (SELECT count(*) FROM now SEMI JOIN firsts ON now.who = firsts.who AND first >= $first) AS customers_new,
    (SELECT count(*) FROM now SEMI JOIN before USING (who)) AS customers_retained,
    (SELECT count(*) FROM before ANTI JOIN now USING (who)) AS customers_lost,
    (SELECT count(*) FROM now SEMI JOIN before USING (who)) / (SELECT count(*) FROM before) AS retention_rate,
    (SELECT count(*) FROM orders WHERE day >= $first) AS orders,
    (SELECT sum(days) FROM now) AS purchase_days,
    (SELECT avg((days > 1)::int) FROM now) AS repeat_rate_period,
    (SELECT avg(EXISTS (FROM visits v WHERE v.who = c.who AND v.day > c.first AND v.day <= c.first + 365)::int)
        FROM cohort c) AS repeat_rate_cohort,
    (SELECT median(day - previous) FROM gaps WHERE day >= $first) AS median_interpurchase_days,
    (SELECT sum(net) FROM lines WHERE net >= 0 AND day BETWEEN $first AND $last)::double
        / (SELECT count(*) FROM orders WHERE day >= $first) AS average_order_value,
    (SELECT 2 * sum(i * net)::double / (count(*) * sum(net)::double) - (count(*) + 1) / count(*) FROM ranked) AS gini,
    (SELECT sum(net) FILTER (best <= ceil((SELECT count(*) FROM ranked) / 5))::double / sum(net)::double FROM ranked)
        AS top_quintile_share
"""


@pytest.mark.slow
@pytest.mark.parametrize("shop", SHOPS)
def test_sql_says_the_same(shop: str) -> None:
    make, zone, months = SHOPS[shop]
    data = make()
    found = context(data, months=months, config=Config(time_zone=zone))
    assert found.is_comparable
    measured, missing = relationship_metrics(found)
    metrics = Metrics([*measured, *concentration_metrics(found)[0]])
    rows = data["transactions"].collect()
    if "order_id" not in rows.columns:
        rows = rows.with_columns(order_id=pl.col("ordered_at").cast(pl.String))
    transactions = rows  # noqa: F841  # DuckDB reads it by its name
    spans = {"first": found.period.first, "last": found.period.last}
    spans |= {"compared_first": found.compared.first, "compared_last": found.compared.last, "zone": zone}
    duckdb.execute("SET TimeZone = 'UTC'")
    said = duckdb.execute(SQL, spans)
    row = dict(zip([each[0] for each in said.description], said.fetchone(), strict=True))
    for name, value in row.items():
        ours = metrics.value(name)
        if name == "repeat_rate_cohort" and ours is None:
            assert Missing("relationships", "short_history") in [replace(each, numbers=()) for each in missing]
            continue
        assert ours == pytest.approx(None if value is None else float(value), abs=1e-9), name
    assert row["customers_active"] > 100
