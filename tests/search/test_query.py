"""Parsing of queries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm.search.query import LONGEST, Clause, parse

SYNTAX = st.text("\"-: ab„“«»\\'()[]{}*?~^+&|!/ü客คک\n\t\x00", max_size=40)


def test_phrases_exclusions_and_fields_are_clauses() -> None:
    query = parse('Rückgabe "offene Ware" -Gutschein lang:de')
    assert query.words == "Rückgabe offene Ware"
    assert query.clauses == (
        Clause("offene Ware", exact=True),
        Clause("Gutschein", negated=True),
        Clause("de", field="lang"),
    )


@pytest.mark.parametrize(
    "text", ["e-mail", "a - b", "10:30 Uhr", "Privatpersonen und -organisationen", "-5 Grad", 'ein " allein']
)
def test_text_without_syntax_is_read_as_words(text: str) -> None:
    query = parse(text)
    assert not [clause for clause in query.clauses if clause.negated or clause.exact or clause.field]
    assert query.words == text


def test_typographic_quotation_marks_do_not_make_a_phrase() -> None:
    assert parse("Was ist „Model C“?").clauses == ()


def test_a_query_of_ten_thousand_characters_is_cut_with_a_remark() -> None:
    query = parse("wort " * 2000)
    assert len(query.text) == LONGEST
    assert query.remarks == ("the query has 10,000 characters; the first 1,000 were read",)


@given(st.one_of(SYNTAX, st.text(st.characters(exclude_categories=[]))))
def test_no_text_is_an_invalid_query(text: str) -> None:
    query = parse(text)
    assert len(query.text) <= LONGEST
    query.text.encode()


@pytest.mark.parametrize("sign", ["😀", "→", "🇩🇪", "❤"])
def test_a_minus_before_an_emoji_excludes_it(sign: str) -> None:
    assert parse(f"parcel -{sign}").clauses == (Clause(sign, negated=True),)
