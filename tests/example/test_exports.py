from __future__ import annotations

import csv
import io
import json
from collections import Counter, defaultdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import fastexcel
import polars as pl
import pytest

if TYPE_CHECKING:
    from ckm.example import Shop

pytestmark = pytest.mark.slow  # the fixture generates the shop, in three seconds

WEB = ("web-orders-2024.csv", "web-orders-2025-26.csv")
TOTAL = "Summe"


def _web_rows(shop: Shop, name: str) -> list[list[str]]:
    text = (shop.folder / "incoming" / name).read_bytes().decode("windows-1252")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))[2:]


def _facts(shop: Shop, name: str) -> dict[str, Any]:
    return next(each for each in shop.truth["files"] if each["file"].endswith(name))


def _cents(text: str) -> int:
    return int(text.replace(".", "").replace(",", ""))


def _is_day(text: str) -> bool:
    try:
        datetime.strptime(text, "%d.%m.%Y %H:%M")
    except ValueError:
        return False
    return True


def _good_web_rows(shop: Shop, name: str) -> list[list[str]]:
    header, *rows = _web_rows(shop, name)
    return [row for row in rows if len(row) == len(header) and _is_day(row[3]) and row[6].lstrip("-").isdigit()]


@pytest.mark.parametrize("name", WEB)
def test_the_web_shop_exports_as_many_broken_rows_as_the_truth_states(shop: Shop, name: str) -> None:
    header, *rows = _web_rows(shop, name)
    kinds: Counter[str] = Counter()
    for row in rows:
        if len(row) != len(header):
            kinds["one field too many"] += 1
        elif row[0] == TOTAL:
            kinds["total row"] += 1
        elif not _is_day(row[3]):
            kinds["impossible date"] += 1
        elif not row[6].lstrip("-").isdigit():
            kinds["text in the quantity"] += 1
    facts = _facts(shop, name)
    assert kinds == Counter(facts["rejected"]) + Counter(facts["broken"])
    assert len(rows) == facts["records"]
    assert len(_good_web_rows(shop, name)) == facts["good"]


def test_the_exports_overlap_by_nine_days(shop: Shop) -> None:
    first, second = (_good_web_rows(shop, name) for name in WEB)
    keys = {(row[0], row[1]) for row in first} & {(row[0], row[1]) for row in second}
    both = [row for row in first if (row[0], row[1]) in keys]
    days = {row[3][:10] for row in both}
    assert len(days) == 9
    assert len(both) == len(keys) == shop.truth["overlap"]["lines"]
    later = {(row[0], row[1]): row for row in second}
    changed = [row for row in both if later[row[0], row[1]] != row]
    assert len(changed) == shop.truth["overlap"]["updated"] > 0
    assert all(not row[12] and later[row[0], row[1]][12] for row in changed)  # delivered after the first export


def test_each_broken_row_has_a_valid_original(shop: Shop) -> None:
    for name in WEB:
        good = {(row[0], row[1]) for row in _good_web_rows(shop, name)}
        assert all((row[0], row[1]) in good for row in _web_rows(shop, name)[1:] if row[0] != TOTAL)


def test_the_web_shop_exports_line_breaks_within_remarks_and_characters_outside_latin_1(shop: Shop) -> None:
    for name in WEB:
        rows = _good_web_rows(shop, name)
        assert any("\n" in row[-1] for row in rows)
        assert any("„" in row[-1] for row in rows)
        assert any("." in row[8] for row in rows)  # thousands


def test_equal_rows_of_the_till_are_separate_sales(shop: Shop) -> None:
    till = pl.read_parquet(shop.folder / "incoming" / "till.parquet")
    assert till.height - till.n_unique() == shop.truth["identical_till_rows"] > 50
    assert till.schema["sold_at"] == pl.Datetime("us", "UTC")
    sales = till.filter(pl.col("kind") == "S").group_by("receipt").agg(pl.col("member").first().is_null())
    assert sales["member"].mean() == pytest.approx(0.25, abs=0.001)


def test_the_branch_exports_years_of_the_buddhist_era(shop: Shop) -> None:
    text = (shop.folder / "incoming" / "branch-bkk.csv").read_bytes().decode("tis_620")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert {row["วันที่"][6:10] for row in rows} == {"2567", "2568", "2569"}
    impossible = sum(row["วันที่"].startswith("31/02") for row in rows)
    assert impossible == _facts(shop, "branch-bkk.csv")["broken"]["impossible date"]


def test_the_survey_has_six_languages_and_as_many_broken_lines_as_the_truth_states(shop: Shop) -> None:
    responses, unreadable = [], 0
    for line in (shop.folder / "incoming" / "survey.jsonl").read_text(encoding="utf-8").splitlines():
        try:
            responses.append(json.loads(line))
        except json.JSONDecodeError:
            unreadable += 1
    facts = _facts(shop, "survey.jsonl")
    assert unreadable == sum(facts["rejected"].values())
    assert len(responses) + unreadable == facts["records"]
    assert sum(each["score"] > 10 for each in responses) == facts["broken"]["rating off its scale"]
    spoken = Counter(each["lang"] for each in responses if each["comment"])
    assert set(spoken) == {"en", "de", "th", "zh-Hans", "zh-Hant", "fa"}
    assert min(spoken.values()) > 60


def test_the_call_centre_exports_unresolved_complaints(shop: Shop) -> None:
    raw = (shop.folder / "incoming" / "calls.tsv").read_bytes()
    assert raw.startswith(b"\xff\xfe")
    rows = list(csv.DictReader(io.StringIO(raw.decode("utf-16"), newline=""), delimiter="\t"))
    facts = _facts(shop, "calls.tsv")
    assert len(rows) == facts["records"]
    assert len({row["Ticket"] for row in rows}) == facts["good"]
    open_ones = [row for row in rows if row["Type"] == "Complaint" and not row["Closed"]]
    assert 60 < len(open_ones) < 300


def test_customer_names_in_the_crm_are_in_five_scripts(shop: Shop) -> None:
    book = fastexcel.read_excel(shop.folder / "incoming" / "crm-customers.xlsx")
    assert book.sheet_names == ["Info", "Customers"]
    crm = book.load_sheet("Customers", dtypes="string").to_polars().filter(pl.col("Customer No.").is_not_null())
    facts = _facts(shop, "crm-customers.xlsx")
    assert crm.height == facts["records"]
    assert crm["Customer No."].n_unique() == facts["good"]
    assert set(crm["Type"]) == {"Person", "Company", "Distributor", "Partner", "Supplier"}
    for script in ("[a-z]", r"\p{Thai}", r"\p{Arabic}", "[张刘陈赵吴马]", "[陳張葉鄭劉盧]"):
        assert crm["Name"].str.contains(script).sum() > 20


def test_control_totals_equal_the_exports_in_all_months_but_one(shop: Shop) -> None:
    net: defaultdict[str, int] = defaultdict(int)
    rows: Counter[str] = Counter()
    lines = {(row[0], row[1]): row for name in WEB for row in _good_web_rows(shop, name)}
    for row in lines.values():
        if row[10] != "Storno":
            month = f"{row[3][6:10]}-{row[3][3:5]}"
            net[month] += _cents(row[8])
            rows[month] += 1
    till = pl.read_parquet(shop.folder / "incoming" / "till.parquet")
    for month, euros in till.select(pl.col("sold_at").dt.strftime("%Y-%m"), "net_eur").iter_rows():
        net[month] += round(euros * 100)
        rows[month] += 1
    text = (shop.folder / "incoming" / "branch-bkk.csv").read_bytes().decode("tis_620")
    for each in csv.DictReader(io.StringIO(text, newline="")):
        if not each["วันที่"].startswith("31/02"):
            month = f"{int(each['วันที่'][6:10]) - 543}-{each['วันที่'][3:5]}"
            net[month] += round(float(each["ยอดสุทธิ (EUR)"].replace(",", "")) * 100)
            rows[month] += 1
    controls = list(csv.DictReader((shop.folder / "controls.csv").read_text(encoding="utf-8").splitlines()))
    wrong = {
        each["month"]: (round(float(each["net"]) * 100) - net[each["month"]], int(each["rows"]) - rows[each["month"]])
        for each in controls
    }
    mismatch = shop.truth["controls_mismatch"]
    assert {month: gap for month, gap in wrong.items() if gap != (0, 0)} == {
        mismatch["month"]: (round(mismatch["net"] * 100), mismatch["rows"])
    }
    assert len(controls) == 30
