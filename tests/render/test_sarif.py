"""Findings as SARIF: valid for any text."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from ckm.render.sarif import SarifResult, SarifRule, to_sarif
from ckm.severity import Severity

RULES = [SarifRule("a", Severity.error, "condition a", "do a"), SarifRule("b", Severity.info, "condition b", "do b")]


def test_a_sarif_result_has_rule_level_file_and_line() -> None:
    log = json.loads(
        to_sarif("ckm x", "1.0", RULES, [SarifResult("b", Severity.warning, "kb/späte datei.yaml", 12, "m")])
    )
    run = log["runs"][0]
    assert log["version"] == "2.1.0"
    assert run["tool"]["driver"]["rules"][1] == {
        "id": "b",
        "shortDescription": {"text": "condition b"},
        "help": {"text": "do b"},
        "defaultConfiguration": {"level": "note"},
    }
    result = run["results"][0]
    assert (result["ruleId"], result["ruleIndex"], result["level"]) == ("b", 1, "warning")
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "kb/sp%C3%A4te%20datei.yaml"},
        "region": {"startLine": 12},
    }


def test_a_result_about_a_whole_file_has_no_region_and_the_base_is_declared_once() -> None:
    log = json.loads(
        to_sarif("x", "1", RULES, [SarifResult("a", Severity.error, "a.yaml", 0, "m")], base="the knowledge base")
    )
    place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "a.yaml", "uriBaseId": "BASE"}}
    assert log["runs"][0]["originalUriBaseIds"] == {"BASE": {"description": {"text": "the knowledge base"}}}


@given(st.text(), st.text(), st.integers(0, 10**6))
def test_any_text_is_valid_sarif_and_line_numbers_do_not_change_a_fingerprint(
    message: str, subject: str, line: int
) -> None:
    one, other = (
        json.loads(to_sarif("x", "1", RULES, [SarifResult("a", Severity.error, "a.yaml", each, message, subject)]))
        for each in (line, line + 1)
    )
    results = [log["runs"][0]["results"][0] for log in (one, other)]
    assert results[0]["message"]["text"] == message
    assert results[0]["partialFingerprints"] == results[1]["partialFingerprints"]
