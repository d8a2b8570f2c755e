"""Delimiter, quotes and header of short files are detected."""

from __future__ import annotations

import pytest

from ckm.io.readers.dialect import detect_dialect
from ckm.io.readers.header import find_table
from ckm.io.readers.hints import Hints

EXPORTS = {
    "decimal commas": ("id;price\n1;1,50\n2;2,30\n3;4,10", ";", ("id", "price")),
    "decimal commas, no header": ("1;1,50\n2;2,30\n3;4,10", ";", ("column_1", "column_2")),
    "times": ("id;at;amount\n1;2025-01-02 10:00:00;3,5\n2;2025-01-02 11:00:00;4,5", ";", ("id", "at", "amount")),
    "one column of sentences": ("comment\nHello, I am unhappy\nBad, very, very bad\nok", None, ("comment",)),
    "one column of dates": ("date\n2025-01-02\n2025-01-03", None, ("date",)),
    "one column of names": ("name\nAnna Berg\nBen Stark\nCarl Zeiss", None, ("name",)),
    "links": ("url\thits\nhttp://a.b/c?x=1&y=2\t3\nhttp://a.b/c?x=2&y=3\t4", "\t", ("url", "hits")),
    "json in cells": ('id;p\n1;"{""a"":1,""b"":2}"\n2;"{""a"":1,""b"":2}"', ";", ("id", "p")),
    "thai": ("รหัส,ชื่อ\n001,สมชาย ใจดี\n002,สุดา รักไทย", ",", ("รหัส", "ชื่อ")),
    "sentences": ("id;text\n1;Dear shop, it broke, again\n2;Thank you, all fine, really", ";", ("id", "text")),
    "years": ("region,2019,2020,2021\nNorth,1,2,3\nSouth,4,5,6", ",", ("region", "2019", "2020", "2021")),
    "all text": ("name,city\nAnna,Berlin\nBen,Hamburg", ",", ("name", "city")),
    "all text, no header": ("red,red\nred,blue\nblue,red", ",", ("column_1", "column_2")),
    "ids, no header": ("C001,north\nC002,south\nC003,north", ",", ("column_1", "column_2")),
    "hash": ("a#b#c\n1#2#3\n4#5#6", "#", ("a", "b", "c")),
    "blanks": ("id   name   amount\n1    Ann    3.50\n2    Bob    4.50", "whitespace", ("id", "name", "amount")),
    "apostrophes": ("id,name\n1,O'Neil\n2,'t Hart\n3,D'Arc", ",", ("id", "name")),
    "header only": ("a;b", ";", ("a", "b")),
}


@pytest.mark.parametrize(("text", "delimiter", "columns"), EXPORTS.values(), ids=EXPORTS)
def test_a_short_export_is_detected(text: str, delimiter: str | None, columns: tuple[str, ...]) -> None:
    lines = text.split("\n")
    dialect = detect_dialect(lines, Hints())
    assert dialect.delimiter == delimiter
    assert dialect.quote in {'"', None}
    assert find_table(lines, dialect, Hints()).columns == columns
