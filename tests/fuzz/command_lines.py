"""Words of a command line: queries of every script and syntax, and values of every option."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.case import Case

LEFT_OUT = frozenset({"demo", "init"})
"""Commands that make a shop: slow, and without input."""
PIECES = st.text(max_size=6) | st.sampled_from(
    ["parcel", "rain", "kind:for", "kind:", ":", "title:x", "lang:de", "-", "--", "AND", "OR", "NOT", "(", ")",
    '"', '"rain', "*",
     "~2", "^3", "[a TO z]", "ܫ", "ހ", "ߒ", "ࠀ", "ࡀ", "客服", "ลูกค้า", "سلام", "C++", "AB12/3", "wi-fi", "🙂", "\\",
     "+", "{}",
     "a" * 300, "\u0640", "\u200d", "\x00", "\n", "tag:", "id:parcel-wet", "after:2025-01-01", "!", "/x/", "<script>"]
)  # fmt: skip
QUERIES = st.lists(PIECES, min_size=1, max_size=5).flatmap(
    lambda pieces: st.sampled_from([" ", ""]).map(lambda between: between.join(pieces))
)
VALUES = st.one_of(
    st.sampled_from(
        ["", "0", "-1", "1", "99999999999999999999", "1e309", "nan", "5%", "101%", "14d", "0d", "12mo",
        "2025-06-30", "2025-02-30",
         "9999-12-31", "0001-01-01", "0000-00-00", "2025-W07", "last", "json", "csv", "md", "table", "ndjson", "x",
         "EUR", "net",
         "rfm", "value", "lifecycle", "clusters", "category", "channel", "customer_id", "true", "orders.csv", "kb",
         "maps",
         "ckm.yaml", "missing", "out/x.csv", "out/x.html", "out/x.xlsx", "out/x.parquet", "out/x.md", "out/x.json",
         "de", "zh",
         "utf-8", "utf-16", ";", "tab", "whitespace", "%d.%m.%Y", "transactions", "customers",
         "2025-01-01..2025-06-30", "2025"]
    ),
    st.text(alphabet=st.characters(exclude_characters="/\\~.\x00"), max_size=6),
)  # fmt: skip


@st.composite
def query_cases(draw: st.DrawFn) -> Case:
    """Return a query, in some formats and with filters."""
    query = draw(QUERIES)
    more = draw(st.sampled_from([(), ("-f", "json"), ("-f", "md"), ("--explain",), ("-n", "1")]))
    return Case((("kb-search", *more, "--", query), ("kb-show", "--", query), ("kb-gaps",)))


@cache
def commands() -> dict[str, Any]:
    """Return the commands of ckm by name."""
    import typer

    from ckm.cli import app

    found: Any = typer.main.get_command(app)
    return {name: each for name, each in found.commands.items() if name not in LEFT_OUT}


@st.composite
def option_cases(draw: st.DrawFn) -> Case:
    """Return a command with a few of its options, each with a value that it may or may not take."""
    name = draw(st.sampled_from(sorted(commands())))
    words = [name]
    known = [each for each in commands()[name].params if each.param_type_name == "option" and each.name != "help"]
    for option in draw(st.lists(st.sampled_from(known), max_size=4)):
        word = draw(st.sampled_from(option.opts))
        choices = getattr(option.type, "choices", None)
        value = draw(VALUES | st.sampled_from([str(each) for each in choices]) if choices else VALUES)
        words += [word] if option.is_flag else [word, value]
    if draw(st.booleans()):
        words.append(draw(st.sampled_from(["orders.csv", "parcel", "parcel-wet", "missing", "kb", "store"])))
    return Case((tuple(words),))
