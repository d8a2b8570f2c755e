"""The fields of the index, and the version of its format."""

from __future__ import annotations

import tantivy

FORMAT = "6"
"""Version of the format: increment it when the same texts give other terms or fields, so that indexes are rebuilt."""

EXACT_FIELDS = ("title", "alias", "body")
"""Text fields that a query can name (``title:return``); all other texts belong to the body."""
CODE = "code"
"""Text field of codes. Each code is one term, with and without its dashes; its parts are not words."""


def exact_field(name: str) -> str:
    """Return the index field that holds the words of a text field in order."""
    name = "title" if name == "opening" else name
    return f"exact_{name}" if name in EXACT_FIELDS else "exact_body"


def label_term(name: str, value: str) -> str:
    """Return the index term of a label with a value: ``name=value`` in lower case."""
    return f"{name}={value}".casefold()


FIRST = label_term("", "first")
"""Term of the field ``label`` in the first document of each record, which has the stored content."""


def index_schema() -> tantivy.Schema:
    """Return the tantivy schema. Terms are already analysed and separated by spaces."""
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("key", stored=True, fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("group", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("label", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("language", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("home", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("words", tokenizer_name="whitespace", index_option="freq")
    builder.add_text_field("compounds", tokenizer_name="whitespace", index_option="freq")
    builder.add_text_field("forms", tokenizer_name="whitespace", index_option="freq")
    builder.add_text_field("grams", tokenizer_name="whitespace", index_option="freq")
    for name in EXACT_FIELDS:
        builder.add_text_field(exact_field(name), tokenizer_name="whitespace", index_option="position")
    builder.add_text_field("spelled", tokenizer_name="whitespace", index_option="basic")
    builder.add_bytes_field("like", stored=True)  # only bytes fields can be stored and not indexed
    builder.add_bytes_field("vocabulary", stored=True)
    builder.add_bytes_field("stored", stored=True)
    return builder.build()
