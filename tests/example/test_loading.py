"""The files of the example shop, loaded with its mappings, have the rows and values of ``truth.json``."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl
import pytest

from ckm.io.mapping.mapping import Mapping
from ckm.io.mapping.mapping_file import load_mapping
from ckm.io.mapping.planning import plan_conversion
from ckm.io.readers.hints import Hints
from ckm.io.readers.read import open_source
from ckm.schema import TABLES

if TYPE_CHECKING:
    from ckm.example import Shop

pytestmark = pytest.mark.slow  # the fixture generates the shop, in three seconds

NAMES = (
    "web-orders-2024.csv",
    "web-orders-2025-26.csv",
    "till.parquet",
    "branch-bkk.csv",
    "crm-customers.xlsx",
    "survey.jsonl",
    "calls.tsv",
)
SUPERSETS = {"tis-620": "cp874"}
"""Encodings that say the same of every byte that the other has."""


class Loaded(NamedTuple):
    good: pl.DataFrame
    rejected: int
    failed: int


def _facts(shop: Shop, name: str) -> dict[str, Any]:
    return next(each for each in shop.truth["files"] if each["file"] == f"incoming/{name}")


def _mapping(shop: Shop, name: str) -> Mapping:
    mappings = [load_mapping(shop.folder / each) for each in shop.files if each.startswith("maps/")]
    found = [each for each in mappings if any(Path(f"incoming/{name}").match(pattern) for pattern in each.files)]
    assert len(found) == 1
    return found[0]


def _load(shop: Shop, name: str) -> Loaded:
    mapping = _mapping(shop, name)
    source = open_source(shop.folder / "incoming" / name, mapping.hints)
    conversion = plan_conversion(
        mapping,
        source.format,
        source.sample,
        more=lambda: (batch.records for batch in source.batches()),
        default_zone="Europe/Berlin",
    )
    schema = TABLES[mapping.table].schema
    good, rejected, failed = [], 0, 0
    for batch in source.batches():
        converted = conversion.apply(batch.records)
        whole = converted.frame.filter(converted.reasons.is_null()).select(schema.column_names())
        kept = schema.filter(whole).result
        good.append(kept)
        rejected += batch.rejected.height
        failed += batch.records.height - kept.height
    source.close()
    return Loaded(pl.concat(good), rejected, failed)


@pytest.fixture(scope="module")
def loaded(shop: Shop) -> dict[str, Loaded]:
    return {name: _load(shop, name) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_accepted_and_rejected_records_are_as_many_as_the_truth_states(
    shop: Shop, loaded: dict[str, Loaded], name: str
) -> None:
    facts, got = _facts(shop, name), loaded[name]
    assert got.rejected == sum(facts["rejected"].values())
    assert got.failed == sum(facts["broken"].values())
    assert got.good.height == facts["good"] + facts["doubled"]


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith(("csv", "tsv", "jsonl"))])
def test_encoding_and_delimiter_are_detected_without_an_option(shop: Shop, name: str) -> None:
    facts = _facts(shop, name)
    source = open_source(shop.folder / "incoming" / name, Hints())
    wanted = SUPERSETS.get(facts["encoding"], facts["encoding"])
    assert codecs.lookup(source.format.encoding or "").name == codecs.lookup(wanted).name
    assert source.format.delimiter == facts["delimiter"]
    assert source.format.header_line == (3 if name.startswith("web") else None if name.endswith("jsonl") else 1)
    source.close()


def test_each_table_has_as_many_rows_as_the_truth_states(shop: Shop, loaded: dict[str, Loaded]) -> None:
    for table, rows in shop.truth["tables"].items():
        frames = [loaded[name].good for name in NAMES if _facts(shop, name)["table"] == table]
        whole = pl.concat(frames)
        keyed = pl.all_horizontal(pl.col(key).is_not_null() for key in TABLES[table].key)
        assert whole.filter(keyed).unique(TABLES[table].key).height + whole.filter(~keyed).height == rows


def test_words_of_all_channels_are_translated_to_the_same_vocabulary(loaded: dict[str, Loaded]) -> None:
    orders = pl.concat([loaded[name].good for name in NAMES[:4]])
    assert set(orders["type"]) == {"sale", "return", "cancel"}
    assert orders["category"].n_unique() == 10
    assert all(word.isascii() for word in orders["category"].unique())
    assert set(orders["currency"]) == {"EUR"}


def test_customer_ids_keep_leading_zeros_and_are_equal_in_all_channels(loaded: dict[str, Loaded]) -> None:
    known = set(loaded["crm-customers.xlsx"].good["customer_id"])
    for name in (*NAMES[:4], *NAMES[5:]):
        ids = set(loaded[name].good["customer_id"].drop_nulls())
        assert all(each.startswith("00") and len(each) == 7 for each in ids)
        assert len(ids - known) <= 12


@pytest.mark.parametrize(
    ("name", "zone", "hours"),
    [
        ("web-orders-2025-26.csv", "Europe/Berlin", (6, 23)),
        ("till.parquet", "Europe/Berlin", (10, 19)),
        ("branch-bkk.csv", "Asia/Bangkok", (8, 21)),
    ],
)
def test_a_channel_sells_within_its_opening_hours_only(
    shop: Shop, loaded: dict[str, Loaded], name: str, zone: str, hours: tuple[int, int]
) -> None:
    at = loaded[name].good["ordered_at"]
    local = at.dt.convert_time_zone(zone)
    assert (local.dt.hour().min(), local.dt.hour().max()) == hours
    assert (local.dt.date() == at.dt.date()).all()
    assert shop.truth["first_day"] <= str(at.dt.date().min())
    assert str(at.dt.date().max()) == shop.truth["last_day"]


def test_control_totals_equal_the_store_in_all_months_but_one(shop: Shop, loaded: dict[str, Loaded]) -> None:
    orders = pl.concat(
        [
            pl.concat([loaded[name].good for name in NAMES[:2]]).unique(["order_id", "line_no"]),
            *(loaded[name].good for name in NAMES[2:4]),
        ]
    ).filter(pl.col("type") != "cancel")
    months = orders.group_by(month=pl.col("ordered_at").dt.strftime("%Y-%m")).agg(
        pl.col("net").sum().round(2).alias("stored"), pl.len().alias("lines")
    )
    controls = pl.read_csv(shop.folder / "controls.csv").join(months, on="month", how="full", coalesce=True)
    wrong = controls.filter((pl.col("net") - pl.col("stored")).abs() > 0.005)
    assert wrong["month"].to_list() == [shop.truth["controls_mismatch"]["month"]]
    assert controls.filter(pl.col("rows") != pl.col("lines"))["month"].to_list() == wrong["month"].to_list()
