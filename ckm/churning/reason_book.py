"""What a churn warning can say: ``ckm/reasons.yaml``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING

from ckm.churning.feature_catalogue import GROUPS, load_catalogue
from ckm.errors import UnknownNameError, UsageError
from ckm.yamlfile import read_yaml

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckm.yamlfile import YamlEntry

BOOK = Path(__file__).parents[1] / "reasons.yaml"
BOOK_SCHEMA = "ckm.reasons/1"
SHOWS = ("days", "number", "ratio", "share", "money", "change")
"""Ways of writing a number."""

_NEEDED = ("code", "group", "title", "features", "counts", "cause", "shows", "text")
_OPTIONAL = ("usual", "from", "to", "one", "none")


@dataclass(frozen=True)
class Reason:
    """Something that a warning can say.

    Attributes
    ----------
    code
        What knowledge entries answer.
    group
        Group of features whose points it can be given.
    title
        A few words.
    features
        What it speaks of; the first is the value told.
    above
        Whether it is said of values above what is usual, or of those below.
    usual
        Feature of the same customer that says what is usual; None for that of a typical staying customer.
    least, most
        It is said of values between the two.
    cause
        Whether somebody can act on it; otherwise it is a sign.
    shows
        How its numbers are written, one of :data:`SHOWS`.
    text, one
        The sentence, with ``{value}`` and ``{typical}``; the same for a value of 1.
    none
        What is written for 0.
    """

    code: str
    group: str
    title: str
    features: tuple[str, ...]
    above: bool
    usual: str | None
    least: float
    most: float
    cause: bool
    shows: str
    text: str
    one: str
    none: str | None

    @property
    def needs(self) -> tuple[str, ...]:
        """Features without which it cannot be said."""
        return self.features if self.usual is None else (*self.features, self.usual)

    def sentence(self, value: float, typical: float, currency: str) -> str:
        """Return the sentence with the customer's number and the usual one."""
        shown, usual = (_SHOW[self.shows](number, currency) for number in (value, typical))
        if self.none is not None and typical == 0:
            usual = self.none
        return (self.one if shown == "1" else self.text).format(value=shown, typical=usual)


@dataclass(frozen=True)
class ReasonBook:
    """All reasons, in the order of the file."""

    reasons: tuple[Reason, ...]

    def __getitem__(self, code: str) -> Reason:
        return next(reason for reason in self.reasons if reason.code == code)

    @property
    def codes(self) -> tuple[str, ...]:
        """All codes."""
        return tuple(reason.code for reason in self.reasons)

    def of_group(self, group: str) -> tuple[Reason, ...]:
        """Return the reasons that a group's points can be given."""
        return tuple(reason for reason in self.reasons if reason.group == group)


def read_reasons(path: Path = BOOK) -> ReasonBook:
    """Read the reasons that come with ckm.

    Raises
    ------
    UsageError
        The file is no such book: a key or a feature that nobody knows, a code twice, a feature of another group, a
        sentence with a hole that nothing fills, or a group without a code; the message names the line.
    """
    document = read_yaml(path)
    if document is None:
        raise UsageError(f"{path}: 'schema' is missing", hint="needed are schema, reasons")
    keys = document.fields(("schema", "reasons"))
    if keys["schema"].text() != BOOK_SCHEMA:
        raise UsageError(f"{keys['schema'].where}: not a book of reasons")
    reasons: dict[str, Reason] = {}
    for entry in keys["reasons"].items():
        reason = _reason(entry)
        if reason.code in reasons:
            raise UsageError(f"{entry.where}: the code '{reason.code}' is there already", hint="name each code once")
        reasons[reason.code] = reason
    silent = [group for group in GROUPS if all(reason.group != group for reason in reasons.values())]
    if silent:
        raise UsageError(f"{keys['reasons'].where}: no reason speaks for {', '.join(silent)}")
    return ReasonBook(tuple(reasons.values()))


@cache
def load_reasons() -> ReasonBook:
    """Return the reasons that come with ckm."""
    return read_reasons()


def _reason(entry: YamlEntry) -> Reason:
    keys = entry.fields(_NEEDED, _OPTIONAL)
    group = _one_of("group", keys["group"], GROUPS)
    features = tuple(_feature(item, group) for item in keys["features"].items())
    if not features:
        raise UsageError(f"{keys['features'].where}: a reason speaks of at least one feature")
    return Reason(
        code=keys["code"].text(),
        group=group,
        title=keys["title"].text(),
        features=features,
        above=_one_of("direction", keys["counts"], ("above", "below")) == "above",
        usual=_feature(keys["usual"]) if "usual" in keys else None,
        least=keys["from"].number() if "from" in keys else -float("inf"),
        most=keys["to"].number() if "to" in keys else float("inf"),
        cause=_one_of("answer", keys["cause"], ("yes", "no")) == "yes",
        shows=_one_of("way of writing numbers", keys["shows"], SHOWS),
        text=_sentence(keys["text"]),
        one=_sentence(keys.get("one", keys["text"])),
        none=keys["none"].text() if "none" in keys else None,
    )


def _feature(entry: YamlEntry, group: str | None = None) -> str:
    name = _one_of("feature", entry, load_catalogue().names)
    known = next(feature for feature in load_catalogue().features if feature.name == name)
    if group is not None and known.group != group:
        raise UsageError(f"{entry.where}: the feature '{name}' is of the group {known.group}, not of {group}")
    return name


def _sentence(entry: YamlEntry) -> str:
    text = entry.text()
    try:
        holes = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    except ValueError as error:
        raise UsageError(f"{entry.where}: a brace in the sentence is open", hint="write {{ for a brace") from error
    if holes - {"value", "typical"}:
        raise UsageError(f"{entry.where}: only {{value}} and {{typical}} can be filled in")
    return text


def _one_of(what: str, entry: YamlEntry, known: Sequence[str]) -> str:
    word = entry.text()
    if word not in known:
        raise UnknownNameError(what, word, list(known), where=entry.where)
    return word


def _whole(number: float, _: str) -> str:
    return f"{number:,.0f}"


def _ratio(number: float, _: str) -> str:
    return f"{number:,.1f}"


def _share(number: float, _: str) -> str:
    return "less than 1 %" if 0 < number < 0.005 else f"{number:.0%}".replace("%", " %")


def _money(number: float, currency: str) -> str:
    return f"{number:,.0f} {currency}"


def _change(number: float, _: str) -> str:
    """Write ``(a - b) / (a + b)`` as the change from b to a, in per cent of b."""
    if number >= 1:
        return "nothing to something"
    return f"{(1 + number) / (1 - number) - 1:+.0%}".replace("-", "\N{MINUS SIGN}").replace("%", " %")


_SHOW = {"days": _whole, "number": _whole, "ratio": _ratio, "share": _share, "money": _money, "change": _change}
