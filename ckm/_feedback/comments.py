"""Comments: interactions with a text that a customer wrote, with personal data masked and the language detected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm._feedback.common_language import with_common_language
from ckm._feedback.markup import without_markup
from ckm._feedback.masking import masking_of
from ckm._feedback.sentences import SHORTEST, sentences, text_length
from ckm._feedback.topic_space import Sentences
from ckm.customers.definitions import local_day
from ckm.io.values.word_lists import load_data
from ckm.search.analysis.language_detection import detect
from ckm.search.analysis.languages import stop_words
from ckm.time_zones import end_of_day

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import date

    from ckm._feedback.masking import Masking

INTERACTIONS, CUSTOMERS = "interactions", "customers"
BY_STAFF = ("visit_note", "event")
"""Kinds of interactions whose text is by staff or by a system, not by a customer."""
COLUMNS = {
    "interaction_id": pl.String(),
    "customer_id": pl.String(),
    "at": pl.Datetime("us", "UTC"),
    "channel": pl.String(),
    "kind": pl.String(),
    "text": pl.String(),
    "lang": pl.String(),
    "product_id": pl.String(),
    "rating": pl.Float64(),
    "scale": pl.String(),
    "resolved_at": pl.Datetime("us", "UTC"),
}
COPY_DAYS = 28
"""Days after a comment within which the same text by the same customer is a copy: a double export, a repeated post."""
NAMED = ("en", "de", "fa", "fr", "es", "it", "nl", "pt")
"""Languages whose stop words are never masked as names."""
SCRIPTS = {"th": "[\u0e00-\u0e7f]", "zh": "[\u3400-\u9fff]", "fa": "[\u0600-\u06ff]"}


@dataclass(frozen=True)
class Comments:
    """Masked comments and their sentences.

    Attributes
    ----------
    frame
        One row per comment, sorted by time: the columns of :data:`COLUMNS` (``text`` masked), ``day`` (in the shop's
        time zone), and ``code`` (number of the customer; a unique negative number if the customer is unknown).
    sentences
        Sentences of all comments.
    row
        Row number in ``frame`` of the comment of each sentence, shape (sentences,).
    masking
        Masking that was applied to the texts.
    by_staff, empty, copies
        Numbers of interactions that are left out: written by staff or a system, without text after masking, and copies
        of other comments (:func:`_is_copy`).
    """

    frame: pl.DataFrame
    sentences: Sentences
    row: np.ndarray[tuple[int, ...], np.dtype[np.int64]]
    masking: Masking
    by_staff: int = 0
    empty: int = 0
    copies: int = 0


def read_comments(
    tables: Mapping[str, pl.LazyFrame],
    as_of: date,
    time_zone: str,
    *,
    kept_words: Collection[str] = (),
    without: Callable[[str], str] = lambda text: text,
    advance: Callable[[float], None] = lambda amount: None,
) -> Comments:
    """Read the comments up to the end of a day, mask personal data, and split the texts into sentences.

    Parameters
    ----------
    tables
        Tables by name: ``interactions`` and, if it exists, ``customers``, whose names are masked.
    as_of, time_zone
        Last day, and the time zone of the days.
    kept_words
        Casefolded words that are never masked as names of customers, such as words of product names.
    without
        Function that removes the names of products and competitors from a masked text, so that topics are not
        clusters of products.
    advance
        Called with the number of texts that were masked since the last call.
    """
    frame = tables[INTERACTIONS]
    schema = frame.collect_schema()
    filled = frame.select(
        (pl.col(name) if name in schema else pl.lit(None)).cast(dtype).alias(name) for name, dtype in COLUMNS.items()
    ).filter(pl.col("at") < end_of_day(as_of, time_zone))
    rows = filled.with_columns(day=local_day("at", time_zone)).sort("at", "interaction_id").collect()
    staff = rows["kind"].is_in(list(BY_STAFF)).fill_null(value=False)
    found = rows.filter(~staff)
    masking = masking_of(_names(tables), frozenset(kept_words) | _stop_words())
    texts = found["text"].fill_null("").to_list()
    # Mask equal texts once: answers to multiple-choice questions repeat.
    unique: dict[str, str] = {}
    for text in texts:
        if text not in unique:
            unique[text] = " ".join(masking.mask(without_markup(text)).split())
            advance(1)
    masked = [unique[text] for text in texts]
    has_text = pl.Series([sum(map(str.isalpha, text)) > 1 for text in masked], dtype=pl.Boolean)
    declared = found["lang"].to_list()
    langs = with_common_language(_languages(declared, masked), masked, declared)
    found = found.with_columns(text=pl.Series(masked, dtype=pl.String), lang=pl.Series(langs, dtype=pl.String))
    written = found.filter(has_text)
    kept = written.filter(~_is_copy(written))
    kept = kept.with_columns(code=_codes(kept["customer_id"]))
    parts, row = _sentences(kept, without)
    return Comments(
        kept,
        parts,
        row,
        masking,
        by_staff=int(staff.sum()),
        empty=found.height - written.height,
        copies=written.height - kept.height,
    )


def language_of(declared: str | None, text: str) -> str:
    """Return the language of a comment: the declared one if the text is in its script, else the detected one.

    The language is ``zh-Hans`` or ``zh-Hant`` for Chinese, else the primary subtag (``de`` for ``de-AT``); ``""`` if
    unknown.
    """
    tag = (declared or "").replace("_", "-")
    primary = tag.partition("-")[0].lower()
    if primary == "zh":
        if "hant" in tag.lower() or tag.lower().endswith(("-tw", "-hk", "-mo")):
            return "zh-Hant"
        if "hans" in tag.lower() or tag.lower().endswith(("-cn", "-sg")):
            return "zh-Hans"
    elif primary and (primary in ("th", "fa", "ar", "ja", "ko") or not _in_other_script(text)):
        return primary
    found = detect(text)
    if not found:
        return primary
    first = found[0]
    if first == "zh":
        return "zh-Hans"
    return "fa" if set(found) == {"ar", "fa"} else first


def _is_copy(frame: pl.DataFrame) -> pl.Series:
    """Return whether each comment is a copy of an earlier one, shape (n,); ``frame`` is sorted by time.

    A copy has the text of an earlier comment of the same customer from the last :data:`COPY_DAYS` days; or, if the
    customer is unknown, the text and the exact time of another comment. Texts shorter than a sentence ("Thank you")
    are no copies.
    """
    long = pl.col("text").is_in([text for text in frame["text"].unique() if text_length(text) >= SHORTEST])
    age = pl.col("at") - pl.col("at").shift(1).over("text", "customer_id")
    recent = pl.when(pl.col("customer_id").is_null()).then(age == timedelta(0)).otherwise(age <= timedelta(COPY_DAYS))
    return frame.select((long & recent).fill_null(value=False)).to_series()


def _in_other_script(text: str) -> bool:
    letters = sum(map(str.isalpha, text))
    return sum(sign > "\u05ff" and sign.isalpha() for sign in text) > 0.5 * letters


def _languages(declared: Sequence[str | None], texts: Sequence[str]) -> list[str]:
    known: dict[tuple[str | None, str], str] = {}
    for pair in zip(declared, texts, strict=True):
        if pair not in known:
            known[pair] = language_of(*pair)
    return [known[pair] for pair in zip(declared, texts, strict=True)]


def _names(tables: Mapping[str, pl.LazyFrame]) -> Iterable[str]:
    if CUSTOMERS not in tables or "display_name" not in tables[CUSTOMERS].collect_schema():
        return []
    customers = tables[CUSTOMERS].select(pl.col("display_name").drop_nulls().unique().sort())
    return list(customers.collect()["display_name"])


def _stop_words() -> frozenset[str]:
    return frozenset().union(*(stop_words(lang) for lang in NAMED)) | frozenset(
        load_data("feedback_words.yaml")["kept"]
    )


def _codes(customers: pl.Series) -> pl.Series:
    """Return the customer's number for each row; a row without a customer has a unique negative number."""
    frame = pl.DataFrame({"customer_id": customers}).with_row_index("row")
    rank = pl.col("customer_id").rank("dense").cast(pl.Int64)
    return frame.select(pl.coalesce(rank, -1 - pl.col("row").cast(pl.Int64)).alias("code"))["code"]


def _sentences(
    frame: pl.DataFrame, without: Callable[[str], str]
) -> tuple[Sentences, np.ndarray[tuple[int, ...], np.dtype[np.int64]]]:
    texts: list[str] = []
    rows: list[int] = []
    split: dict[str, list[str]] = {}
    for place, text in enumerate(frame["text"]):
        if text not in split:
            split[text] = sentences(" ".join(without(text).split())) or [text]
        texts += split[text]
        rows += [place] * len(split[text])
    row = np.array(rows, dtype=np.int64)
    langs = frame["lang"].to_list()
    return Sentences(texts, [langs[place] for place in rows], frame["code"].to_numpy()[row]), row
