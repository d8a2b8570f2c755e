"""The report as JUnit XML for a CI server."""

from xml.etree import ElementTree as ET

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from ckm.check import CheckReport, Finding, Severity, to_junit

from .conftest import Shop


def cases(xml: str) -> dict[tuple[str, str], ET.Element]:
    return {(case.get("classname"), case.get("name")): case for case in ET.fromstring(xml).iter("testcase")}


def test_every_check_of_every_table_is_one_case(shop: Shop) -> None:
    report = shop.check()
    xml = to_junit(report)
    assert len(cases(xml)) == len(report.ran) + len(report.skipped)
    suite = ET.fromstring(xml).find("testsuite")
    assert suite.attrib == {
        "name": "ckm check",
        "tests": str(len(report.ran) + len(report.skipped)),
        "failures": "0",
        "errors": "0",
        "skipped": str(len(report.skipped)),
    }


def test_an_error_fails_its_case_and_a_warning_only_when_asked(shop: Shop) -> None:
    shop.change(where=pl.col("order_id") == "O00001", type="gift").change(
        where=pl.col("order_id") == "O00002", net=-1.0
    )
    report = shop.check()
    mild, strict = cases(to_junit(report)), cases(to_junit(report, fail_on=Severity.warning))
    contract, signs = ("ckm.check.transactions", "contract"), ("ckm.check.transactions", "signs")
    assert mild[contract].find("failure").get("message") == "1 row fails the rule type|vocabulary"
    assert mild[signs].find("failure") is None
    assert mild[signs].findtext("system-out").startswith("warning: 1 sale below zero (")
    assert strict[signs].find("failure").get("type") == "warning"
    assert set(strict) == set(mild)


def test_a_check_that_could_not_run_is_skipped_with_its_reason(shop: Shop) -> None:
    case = cases(to_junit(shop.check()))["ckm.check.transactions", "controls"]
    assert case.find("skipped").get("message") == "no controls.csv"


@given(st.text(), st.text())
def test_any_text_becomes_valid_xml(text: str, column: str) -> None:
    finding = Finding("contract", Severity.error, text, text, 1, 1.0, column=column, hint=text)
    xml = to_junit(CheckReport((finding,), None, {}))
    assert len(cases(xml.encode("utf-8", "strict").decode())) == 1
