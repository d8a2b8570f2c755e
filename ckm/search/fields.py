"""The fields of the index and the number of their format."""

from __future__ import annotations

import tantivy

FORMAT = "4"
"""Changes whenever the same texts would give other terms or fields; an index of another format is made anew."""

EXACT_FIELDS = ("title", "alias", "body")
"""Text fields that a query can name (``title:return``); texts of all others go with the body."""
CODE = "code"
"""Text field of codes: each is a term as a whole, with and without its dashes, and its parts are no words."""


def exact_field(name: str) -> str:
    """Return the field of the index that holds the words of a text field in order."""
    name = "title" if name == "opening" else name
    return f"exact_{name}" if name in EXACT_FIELDS else "exact_body"


def label_term(name: str, value: str) -> str:
    """Return the term of a label's value."""
    return f"{name}={value}".casefold()


def schema() -> tantivy.Schema:
    """Return the schema. Terms come ready, parted by spaces."""
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
    builder.add_bytes_field("like", stored=True)  # bytes are the only kind of field that can be stored and not indexed
    builder.add_bytes_field("vocabulary", stored=True)
    builder.add_bytes_field("stored", stored=True)
    return builder.build()
