"""Parse a query: words, "exact phrases", -excluded words, field:value. No query is invalid.

Everything that is not syntax is words: a single quotation mark, a minus before a space, a colon in a time of day. Only
the index knows whether a name before a colon is a field, so a clause contains the name as written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST = 1000
"""Maximum characters of a query; the rest of a longer text is ignored."""

# Only straight quotation marks enclose a phrase: typographic ones are quotations, as in „Model C“-Schulen. A minus
# after a conjunction is part of a shortened German compound: Privatpersonen und -organisationen.
_CLAUSE = re.compile(
    r"(?<!\S)(?P<minus>-(?=[^\W\d]|[\u2190-\u2bff\U0001f000-\U0001faff]|\"[^\"]*\w[^\"]*\"))?"
    r"(?:(?P<field>[^\W\d]\w*):(?=[^\s:/]))?"
    r"(?:\"(?P<phrase>[^\"]*)\"|(?P<word>[^\s\"]+))"
    r"|\"(?P<inner>[^\"]*)\""
)
_CONJUNCTION = re.compile(r"(?:^|\s)(?:und|oder|sowie|bzw\.|beziehungsweise|en|of|og|eller|och|&|/)\s+$", re.IGNORECASE)


@dataclass(frozen=True)
class Clause:
    """A phrase, an excluded word or a field of a query.

    Attributes
    ----------
    text
        The phrase, the word or the value.
    field
        The name before the colon; "" without a colon.
    exact
        Whether the clause was in quotation marks.
    negated
        Whether the clause began with a minus.
    """

    text: str
    field: str = ""
    exact: bool = False
    negated: bool = False


@dataclass(frozen=True)
class Query:
    """A parsed query.

    Attributes
    ----------
    text
        The text that was read.
    words
        The words that are scored, including those of phrases, separated by spaces.
    clauses
        Phrases, excluded words and fields, in order.
    remarks
        Notes for the user about how the query was read.
    """

    text: str
    words: str
    clauses: tuple[Clause, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def quotes(self) -> bool:
        """Whether the query has a phrase beside other words; such a phrase may be a mere quotation."""
        phrases = [clause.text for clause in self.clauses if clause.exact and not clause.field and not clause.negated]
        return bool(phrases) and " ".join(" ".join(phrases).split()) != self.words


def parse(text: str) -> Query:
    """Return the parsed query. Never fails: what is not syntax is words.

    Examples
    --------
    >>> parse('Rückgabe "offene Ware" -Gutschein lang:de').clauses
    (Clause(text='offene Ware', exact=True), Clause(text='Gutschein', negated=True), Clause(text='de', field='lang'))
    """
    remarks: tuple[str, ...] = ()
    # Lone surrogates, from a misconfigured terminal, cannot be encoded.
    text = text.encode("utf-8", "replace").decode("utf-8")
    if len(text) > LONGEST:
        remarks = (f"the query has {len(text):,} characters; the first {LONGEST:,} were read",)
        text = text[:LONGEST]
    words: list[str] = []
    clauses: list[Clause] = []
    read = 0
    for match in _CLAUSE.finditer(text):
        words.append(text[read : match.start()])
        read = match.end()
        phrase = match["phrase"] if match["inner"] is None else match["inner"]
        value = match["word"] if phrase is None else phrase
        if not value.strip():
            continue
        negated = bool(match["minus"])
        if negated and _CONJUNCTION.search(text, 0, match.start()):
            words.append(match[0])
            continue
        clause = Clause(value, match["field"] or "", phrase is not None, negated)
        if clause.field or clause.exact or clause.negated:
            clauses.append(clause)
        if not clause.field and not clause.negated:
            words.append(value)
    words.append(text[read:])
    return Query(text, " ".join(" ".join(words).split()), tuple(clauses), remarks)
