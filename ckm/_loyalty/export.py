"""Export of customers to a folder: a table, its data dictionary, and audience lists."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import polars as pl

from ckm._churn.top_products import top_products
from ckm._loyalty.list_texts import TEXT_COLUMNS, ListTexts
from ckm._loyalty.numbers import Numbers
from ckm._loyalty.words import load_words
from ckm.errors import UsageError
from ckm.files import replacing
from ckm.group_size import refuse_small_groups
from ckm.metrics.customer_columns import SCHEMA, list_audiences
from ckm.metrics.customer_table import audiences, customer_table
from ckm.render.writers import render, save

if TYPE_CHECKING:
    from pathlib import Path

    from ckm.metrics.context import ReportContext
    from ckm.metrics.customer_table import CustomerFacts, CustomerTable

TABLE, DICTIONARY_MD, DICTIONARY_JSON = "customers.parquet", "dictionary.md", "dictionary.json"


def export_customers(
    context: ReportContext, known: CustomerFacts, folder: Path, *, names: bool = False, lang: str = "en"
) -> list[Path]:
    """Write the customers' table, its dictionary and the audience lists.

    The files have fixed names, independent of the data: ``customers.parquet``, ``dictionary.md``, ``dictionary.json``
    and ``NAME.csv`` of :func:`ckm.metrics.customer_table.list_audiences`. Formulas in texts of the CSV files are
    escaped (:mod:`ckm.render.writers`); the Parquet file holds ids as they are. Equal input gives equal bytes.

    Parameters
    ----------
    context
        Context of all customers.
    known
        Results of the report per customer.
    folder
        Target folder; created if missing. Existing files with these names are replaced, each atomically.
    names
        Show the customers' names.
    lang
        Language of the text columns of the lists: one of :data:`ckm.names.LANGUAGES`.

    Returns
    -------
    list[Path]
        The files, in the order in which they were written.

    Raises
    ------
    RefusedError
        A group of customers with equal quasi-identifiers is too small; nothing is written.
    UsageError
        The folder is a file, cannot be written, or one of the files is a link that leads out of it.
    UnknownNameError
        There are no words in that language.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is no folder", hint="--export takes a folder")
    table = customer_table(context, known, names=names)
    written = []
    frames = {TABLE: table.frame, **_lists(context, table, lang)}
    for name, rows in frames.items():
        refuse_small_groups(rows, context.config.privacy, name)
    texts = {DICTIONARY_MD: dictionary_page(table), DICTIONARY_JSON: dictionary_json(table)}
    for name in (TABLE, DICTIONARY_MD, DICTIONARY_JSON, *(each for each in frames if each != TABLE)):
        path = folder / name
        if path.resolve().parent != folder.resolve():
            raise UsageError(f"{path} is a link that leads out of {folder}", hint="remove it, or name another folder")
        with replacing(path) as draft:
            if name in texts:
                draft.write_text(texts[name], encoding="utf-8", newline="\n")
            else:
                save(frames[name], draft, path.suffix)
        written.append(path)
    return written


def _lists(context: ReportContext, table: CustomerTable, lang: str) -> dict[str, pl.DataFrame]:
    """Return the audience lists with their text columns by file name."""
    found, words = audiences(table), load_words(lang)
    texts = ListTexts(words, Numbers(words.locale, table.currency, context.config.loyalty.calendar))
    ids = pl.concat([each["customer_id"] for each in found.values()]).unique().sort()
    product = top_products(context.ledger, context.tables["transactions"], ids, as_of=context.as_of)
    facts = table.frame.join(pl.DataFrame({"customer_id": ids, "top_product": product}), on="customer_id", how="left")
    return {f"{name}.csv": texts.added_to(name, listed, facts) for name, listed in found.items()}


def dictionary_page(table: CustomerTable) -> str:
    """Return the dictionary as Markdown: every column, then every list."""
    columns = pl.DataFrame(
        [
            (each.name, f"{each.dtype}, {each.unit}", each.meaning, each.formula, each.null_meaning, each.version)
            for each in table.columns
        ],
        schema=["column", "type, unit", "meaning", "formula", "empty where", "version"],
        orient="row",
    )
    lists = pl.DataFrame(
        [(f"{each.name}.csv", each.meaning) for each in list_audiences()], schema=["file", "who"], orient="row"
    )
    texts = pl.DataFrame(list(TEXT_COLUMNS.items()), schema=["column", "meaning"], orient="row")
    return (
        f"# {TABLE}\n\n"
        f"One row per customer with a purchase, as of {table.as_of}. Amounts are in {table.currency}.\n\n"
        f"{render(columns, '.md')}\n"
        "# Lists\n\n"
        "Nobody is in a list who is to be left alone (`left_alone`). A text that a spreadsheet would take for a\n"
        "formula begins with an apostrophe there; the Parquet file has it as it is.\n\n"
        f"{render(lists, '.md')}\n"
        "# Texts for mail tools\n\n"
        "Every list ends with these columns: plain text without codes and markup.\n\n"
        f"{render(texts, '.md')}"
    )


def dictionary_json(table: CustomerTable) -> str:
    """Return the dictionary as JSON: every column with name, type, unit, meaning, formula, null and version."""
    columns = [
        {
            "name": each.name,
            "type": each.dtype,
            "unit": each.unit,
            "meaning": each.meaning,
            "formula": each.formula,
            "null": each.null_meaning,
            "version": each.version,
        }
        for each in table.columns
    ]
    document = {
        "schema": SCHEMA,
        "as_of": table.as_of.isoformat(),
        "currency": table.currency,
        "columns": columns,
        "lists": [{**asdict(each), "file": f"{each.name}.csv"} for each in list_audiences()],
        "texts": TEXT_COLUMNS,
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
