"""Pseudonyms for ids that are an email address or a telephone number, in outputs that did not request ids.

A pseudonym is the same in every output, so that rows can be joined. It is not anonymous (GDPR, article 4 (5)): anyone
who knows the address can compute it. Requested lists and exports contain the ids themselves.
"""

from __future__ import annotations

import re
import unicodedata
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

EMAIL = re.compile(r"(?<![\w.+-])([\w.+%'-]{1,64})@(?:[\w-]{1,63}\.)+[^\W\d_]{2,24}(?![\w-])")
PHONE = re.compile(
    r"(?<![0-9A-Za-z_.,/+-])(?:"  # letters of scripts without spaces may be next to a number
    r"(?:\+|00)\s?[1-9]\d{0,2}[\s().\-/]{0,3}\d(?:[\s().\-/]{0,3}\d){5,12}"  # +49 30 1234567
    r"|\(?0\d{1,5}\)?[\s\-/]{1,3}\d(?:[\s\-/]?\d){4,9}"  # 030 / 123 45 67, (0171) 1234567
    r"|\(0\d{1,5}\)\d(?:[\s\-/]?\d){4,9}"  # (03)1234-5678
    r"|0[1-9]\d{7,9}"  # 0812345678, 09123456789
    r"|\(\d{3}\)\s?\d{3}[\s.-]\d{4}|\d{3}[.-]\d{3}[.-]\d{4}"  # (555) 123-4567
    r"|1[3-9]\d{9}"  # mobile numbers in China
    r")(?![0-9A-Za-z_]|[.,/-]\d)"
)
_UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_AT, _DOT = r"[(\[{<]\s*(?:at|ät)\s*[)\]}>]", r"[(\[{<]\s*(?:dot|punkt)\s*[)\]}>]"
ADDRESSES = tuple(
    (re.compile(sign, re.IGNORECASE), re.compile(pattern, re.IGNORECASE))
    for sign, pattern in (
        # An address or a handle; in a script without spaces, only its own characters.
        ("[@＠]", rf"[^\s{_UNSPACED}]*[@＠][^\s{_UNSPACED}]+"),
        ("[@＠]", r"\S*[@＠]\S+"),
        (_AT, rf"\S+\s*{_AT}\s*\S+(?:\s*{_DOT}\s*\S+)*"),  # a (at) b.example, a[at]b[dot]example
        (r"\bat\s+\S+\s+(?:dot|punkt)\s", r"\S+\s+at\s+\S+(?:\s+(?:dot|punkt)\s+\w+)+"),  # a AT b DOT example
        (r"://|www\.", r"(?:https?://|www\.)\S+"),
        ("/", r"(?<![a-z0-9.-])(?:[a-z0-9-]+\.)+[a-z]{2,24}/\S+"),  # t.me/name
    )
)
"""Email addresses, also if written out, handles of networks, and links; before each pattern a sign that texts with a
match have, which is found faster."""
DAY = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}")
FEWEST_DIGITS, MOST_DIGITS = 7, 15
"""Fewest and most digits of a telephone number (ITU-T E.164)."""
PREFIX = "id-"
HASH_BYTES = 5
"""Length of a pseudonym: ten hexadecimal digits. Among a million customers two share a pseudonym with a probability of
37 %. Pseudonyms are for reading, and for joining the rows of a report; a million rows are joined by the ids of an
export."""
_PSEUDONYM = re.compile(f"{PREFIX}[0-9a-f]{{{2 * HASH_BYTES}}}")

DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u30fc"), "-")
"""Hyphens, dashes and the Japanese length mark, all used in telephone numbers, for ``str.translate``."""
_ADDRESS = re.compile(r"[^\s@]@[^\s@]")
_BARE_NUMBER = re.compile(r"(?!000)\d{10,15}")
"""Pattern of a number without separators, with the length of one with a country code; ids of accounting systems start
with several zeros."""
_NUMBER = re.compile(r"[+(]?\d[\d\s().\-/]*\d")


def is_contact(text: str) -> bool:
    """Return whether an id is or contains an email address or a telephone number, in any script.

    In doubt the result is true: an id of 10 digits may be a telephone number, and one with ``@`` may contain an
    address.
    """
    plain = _plain(text)
    if _ADDRESS.search(plain):
        return True
    if _BARE_NUMBER.fullmatch(plain) or any(is_phone(found[0]) for found in PHONE.finditer(plain)):
        return True
    whole = _NUMBER.fullmatch(plain)  # with blanks, parentheses or dashes: +66 (0) 81-234 5678
    return whole is not None and not plain.isdecimal() and is_phone(plain) and digits_of(plain).strip("0") != ""


def without_addresses(text: str) -> str:
    """Return a text with email addresses, handles and links replaced by spaces."""
    for sign, pattern in ADDRESSES:
        if sign.search(text):
            text = pattern.sub(" ", text)
    return text


def without_contacts(text: str) -> str:
    """Return a text without addresses and telephone numbers, for logs."""
    plain = "".join(str(unicodedata.decimal(sign, sign)) for sign in text).translate(DASHES)
    found = PHONE.sub(lambda number: " " if is_phone(number[0]) else number[0], without_addresses(plain))
    return text if found == plain else " ".join(found.split())


def is_phone(text: str) -> bool:
    """Return whether a text of digits and separators has the length of a telephone number and is not a date."""
    return FEWEST_DIGITS <= len(digits_of(text)) <= MOST_DIGITS and not DAY.fullmatch(text.strip())


def digits_of(text: str) -> str:
    """Return the digits of a text."""
    return "".join(sign for sign in text if sign in "0123456789")


def shown_id(text: str) -> str:
    """Return an id for a report: its pseudonym if it is an email address or a telephone number."""
    return pseudonym(text) if is_contact(text) else text


def pseudonym(text: str) -> str:
    """Return the short hash that replaces an id in every output."""
    return PREFIX + blake2b(text.encode("utf-8", "surrogatepass"), digest_size=HASH_BYTES).hexdigest()


def is_pseudonym(text: str) -> bool:
    """Return whether a text has the form of a pseudonym."""
    return _PSEUDONYM.fullmatch(text) is not None


def shown_ids(ids: pl.Series) -> pl.Series:
    """Return a column of ids (String) for a report; null stays null."""
    doubtful = ids.str.contains("[@＠]") | (ids.str.count_matches(r"\d") >= FEWEST_DIGITS)
    texts = ids.filter(doubtful).unique().to_list()
    hashed = {each: pseudonym(each) for each in texts if each is not None and is_contact(each)}
    return ids.replace(list(hashed), list(hashed.values())) if hashed else ids


def _plain(text: str) -> str:
    """Return a text with full-width characters narrowed, digits as ASCII, and invisible characters removed."""
    if text.isascii() and text.isprintable():
        return text.strip()
    narrow = unicodedata.normalize("NFKC", text)
    shown = (sign for sign in narrow if unicodedata.category(sign) not in ("Cf", "Cc", "Mn"))
    return "".join(str(unicodedata.decimal(sign, sign)) for sign in shown).strip().translate(DASHES)
