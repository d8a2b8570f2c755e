"""Erasing a customer removes unreadable quarantined records with the id, and keeps those of other customers."""

from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl
import pytest

from ckm.store import Store
from ckm.store.quarantine_search import names_customer
from tests.conftest import Run

ID = "K-10.7"
NAMES: dict[str, str] = {
    "a field of CSV": "B1,1,K-10.7,never,much,EUR",
    "the first field": "K-10.7;B1;never",
    "the last field with a line break": "B1;never;K-10.7\r\n",
    "a field in quotes": 'B1,"K-10.7","never, ever"',
    "a field in single quotes": "B1;'K-10.7';never",
    "a field whose quotes are broken": 'B1,"K-10.7,never,"much"" ',
    "a field with blanks around it": "B1 ;  K-10.7 ; never",
    "a field between tabs": "B1\tK-10.7\tnever",
    "a field between bars": "B1|K-10.7|never",
    "one of several lines": 'B1,"a note\nK-10.7,more",x',
    "two delimiters at once": "B1;K-10.7,never;x",
    "JSON": '{"order": "B1", "customer": "K-10.7"}',
    "JSON inside of JSON": '{"order": {"by": ["x", "K-10.7"]}}',
    "JSON as text in JSON": '{"payload": "{\\"customer\\": \\"K-10.7\\"}"}',
    "JSON with escapes": '{"customer": "\\u004b-10.7"}',
    "broken JSON": '{"order": "B1", "customer": "K-10.7", "net": ',
    "broken JSON with escapes": '{"customer": "\\u004b-10.7", "net": ',
    "the whole text": "K-10.7",
}
OTHERS: dict[str, str | None] = {
    "nothing": None,
    "an empty text": "",
    "a longer id in CSV": "B1,1,K-10.77,never,much,EUR",
    "an id that ends so": "B1,1,xK-10.7,never,much,EUR",
    "a longer id in JSON": '{"customer": "K-10.77"}',
    "a key of JSON": '{"K-10.7": "x"}',
    "a part of a note": '{"note": "as K-10.7 says"}',
    "another id in broken JSON": '{"customer": "K-10.70", "net": ',
}


@pytest.mark.parametrize("kind", NAMES)
def test_a_record_with_the_id_as_a_whole_value_names_the_customer(kind: str) -> None:
    assert names_customer(pl.Series("raw", [NAMES[kind]]), ID).to_list() == [True]


@pytest.mark.parametrize("kind", OTHERS)
def test_a_record_with_the_id_inside_another_value_does_not_name_the_customer(kind: str) -> None:
    assert names_customer(pl.Series("raw", [OTHERS[kind]], dtype=pl.String), ID).to_list() == [False]


@pytest.mark.parametrize("customer", ["007", "ลูกค้า 7", "a,b", 'O"Neil', "100%", "x\\y", "7", "--"])
def test_any_id_is_found_in_a_quoted_field_and_in_json(customer: str) -> None:
    import csv
    import io
    import json

    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerow(["B1", customer, "never"])
    records = [text.getvalue(), json.dumps({"customer": customer}), json.dumps({"c": customer}, ensure_ascii=False)]
    assert names_customer(pl.Series("raw", records), customer).to_list() == [True, True, True]


def test_a_number_in_json_is_compared_as_it_is_written() -> None:
    records = ['{"customer": 1042}', '{"customer": 1042.5}', '{"customer": 10420}', '{"customer": 1042, "net": ']
    assert names_customer(pl.Series("raw", records), "1042").to_list() == [True, False, False, True]


@pytest.mark.slow
def test_no_file_names_an_erased_customer_after_a_load_of_unreadable_rows(run: Run, tmp_path: Path) -> None:
    (tmp_path / "ckm.yaml").write_text("currency: EUR\n", encoding="utf-8")
    header = "order_id,line_no,customer_id,ordered_at,net,currency"
    lines = [f"G{number},1,kept{number},2025-01-01,5,EUR" for number in range(20)]
    lines += [
        "B1,1,gone77,never,much,EUR",  # parsed, and failed validation
        'B2,1,"gone77",2025-01-01,5,EUR,one,field,more',  # not parsed: too many fields
        "B3,1,gone77,2025-01-01",  # not parsed: too few fields
        "B4,1,gone778,2025-01-01,5,EUR,of,somebody,else",
    ]
    (tmp_path / "orders.csv").write_text("\n".join([header, *lines, ""]), encoding="utf-8")
    with gzip.open(tmp_path / "orders.jsonl.gz", "wt", encoding="utf-8") as file:
        for number in range(20, 40):
            file.write(
                f'{{"order_id": "G{number}", "line_no": 1, "customer_id": "kept{number}", '
                '"ordered_at": "2025-01-01", "net": 5, "currency": "EUR"}\n'
            )
        file.write('{"order_id": "B5", "customer_id": "gone77", "ordered_at": \n')
        file.write('{"order_id": "B6", "customer_id": "gone778", "ordered_at": \n')
    words = ["--as", "transactions", "--max-rejects", "50%", "-C", tmp_path]
    done = run("ingest", tmp_path / "orders.csv", tmp_path / "orders.jsonl.gz", *words)
    assert done.exit_code == 0, done.output
    store = Store(tmp_path / "store")
    rows = store.quarantine()
    assert rows is not None
    assert len(rows.collect()) == 6
    assert store.erase_customer("gone77")["quarantine"] == 4
    left = store.quarantine()
    assert left is not None
    assert left.select(pl.col("raw").str.contains("gone778")).collect().to_series().to_list() == [True, True]
    for path in (tmp_path / "store").rglob("*.parquet"):
        assert "gone77" not in str(pl.read_parquet(path).to_dicts()).replace("gone778", "")
