"""Lint rule for personal data in texts. A message has the type of the data and the key, never the data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ckm._kb.lint.lint_report import Violation
from ckm.pseudonym import DASHES, EMAIL, PHONE, digits_of, is_phone
from ckm.search.analysis.normalization import normalise
from ckm.severity import Severity
from ckm.yamlfile import parse_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ckm._kb.lint.lint_context import LintContext

FILE = "personal_data.yaml"
TEXTS = ("title", "issue", "cause", "resolution", "aliases", "environment", "answers", "evidence", "history")
"""Keys whose texts are checked. Authors, verifiers and owners may be named."""
ISSUERS = re.compile(
    r"4\d{12}(\d{3}){0,2}"  # Visa: 13, 16 or 19 digits
    r"|5[1-5]\d{14}|2(22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|3(0[0-5]|[689]\d)\d{11}"  # Diners Club
    r"|35(2[89]|[3-8]\d)\d{12}"  # JCB
    r"|6(011|5\d\d|4[4-9]\d)\d{12}"  # Discover
    r"|62\d{14,17}|81\d{14}"  # UnionPay
    r"|(5018|5020|5038|6304|6759|676[123])\d{8,15}"  # Maestro
)
"""First digits and lengths of the card schemes (ISO/IEC 7812); article numbers of 13 digits are checked too."""

_ANY = re.compile(r"[@＠]|\d[\d\s().\-/（）．／‐-―−－ーｰ\u00ad\u200b-\u200f]{5,}\d|[A-Za-z]{2}\d\d ?[A-Za-z0-9]{4}")
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u2060]")
CARD = re.compile(r"(?<![\d.,+-])\d(?:[ -]?\d){12,18}(?![\d]|[.,-]\d)")
IBAN = re.compile(r"(?<![A-Z0-9])[A-Z]{2}\d\d(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?(?![A-Z0-9])", re.IGNORECASE)


@dataclass(frozen=True)
class Harmless:
    """Role mailboxes, and prefixes of telephone numbers of companies."""

    role_mailboxes: frozenset[str]
    free_call_prefixes: tuple[str, ...]


@cache
def harmless() -> Harmless:
    """Return the mailboxes and prefixes that are not personal data."""
    path = Path(FILE)
    document = parse_yaml(files("ckm").joinpath("data", FILE).read_text(encoding="utf-8"), path)
    assert document is not None
    keys = document.fields(("schema", "role_mailboxes", "free_call_prefixes"))
    mailboxes, prefixes = ([item.text() for item in keys[name].items()] for name in list(keys)[1:])
    return Harmless(frozenset(mailboxes), tuple(prefixes))


def personal_data(context: LintContext) -> Iterator[Violation]:
    """Yield e-mail addresses, telephone numbers, card numbers and IBANs in texts.

    Role mailboxes (info@), and all data in entries with ``access.contains_personal_data``, have the severity info.
    Telephone numbers are warnings, since a knowledge base may name a hotline.
    """
    for number, key, kind, severity in context.cached_value("personal", lambda: list(_found(context))):
        entry = context.entries[number]
        declared = entry.access.contains_personal_data
        hint = "declared by access.contains_personal_data" if declared else None
        yield Violation(entry, f"{kind} under '{key}'", (key,), hint, Severity.info if declared else Severity(severity))


def _found(context: LintContext) -> Iterator[tuple[int, str, str, str]]:
    """Yield number of the entry, key, type of data and severity."""
    for number, entry in enumerate(context.entries):
        for key, kinds in _by_key(entry.plain, entry.extra).items():
            for kind, severity in kinds.items():
                yield number, key, kind, severity.value


def personal_kinds(text: str) -> dict[str, Severity]:
    """Return the types of personal data in a text with their severities."""
    if not _ANY.search(text):
        return {}
    # Full-width characters, digits of all scripts and all dashes are normalised; invisible characters are removed.
    text = _UNSEEN.sub("", normalise(text)).translate(DASHES)
    found: dict[str, Severity] = {}
    mailboxes = [match[1].casefold() for match in EMAIL.finditer(text)]
    if any(name not in harmless().role_mailboxes for name in mailboxes):
        found["an e-mail address"] = Severity.error
    elif mailboxes:
        found["a role mailbox"] = Severity.info
    text = EMAIL.sub(" ", text)
    if any(_is_iban(match[0]) for match in IBAN.finditer(text)):
        found["an account number (IBAN)"] = Severity.error
    text = IBAN.sub(" ", text)  # an IBAN with a typo is not a telephone number
    if any(_is_card(match[0]) for match in CARD.finditer(text)):
        found["a card number"] = Severity.error
    text = CARD.sub(lambda match: " " if _is_card(match[0]) else match[0], text)
    if any(_is_phone(match[0]) for match in PHONE.finditer(text)):
        found["a telephone number"] = Severity.warning
    return found


def _by_key(plain: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, dict[str, Severity]]:
    found: dict[str, dict[str, Severity]] = {}
    places = {key: plain[key] for key in TEXTS if key in plain}
    places["provenance.sources"] = plain.get("provenance", {}).get("sources")
    places["authentic.how"] = plain.get("authentic", {}).get("how")
    for key, value in {**places, **extra}.items():
        for text in _strings(value):
            for kind, severity in personal_kinds(text).items():
                found.setdefault(key, {}).setdefault(kind, severity)
    return found


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def _is_card(text: str) -> bool:
    digits = digits_of(text)
    if not ISSUERS.fullmatch(digits) or not luhn(digits):
        return False
    return len(digits) != 13 or not _is_article_number(digits)


def luhn(digits: str) -> bool:
    """Return whether the last digit is the Luhn check digit (ISO/IEC 7812-1, annex B)."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(doubled) + sum(int(digit) for digit in digits[::-2])) % 10 == 0


def _is_article_number(digits: str) -> bool:
    """Return whether the last of 13 digits is the GS1 check digit (GS1 General Specifications, 7.9)."""
    return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10 == 0


def _is_iban(text: str) -> bool:
    """Return whether the check digits are valid (ISO 13616, ISO/IEC 7064 mod 97-10)."""
    plain = text.replace(" ", "").upper()
    if not 15 <= len(plain) <= 34:
        return False
    return int("".join(str(int(sign, 36)) for sign in plain[4:] + plain[:4])) % 97 == 1


def _is_phone(text: str) -> bool:
    digits = digits_of(text)
    own = digits.removeprefix("00") if text.lstrip().startswith("00") else digits
    return is_phone(text) and not own.startswith(harmless().free_call_prefixes)
