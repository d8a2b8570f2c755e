"""Catalogue of churn reasons: ``ckm/data/churn_reasons.yaml``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING

from ckm._churn.customer_facts import ESTIMATES, OWN
from ckm._churn.feature_catalogue import GROUPS, load_catalogue
from ckm.errors import UnknownNameError, UsageError
from ckm.wording import counted
from ckm.yamlfile import read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ckm.yamlfile import YamlEntry

REASONS_FILE = Path(__file__).parents[1] / "data" / "churn_reasons.yaml"
REASONS_SCHEMA = "ckm.reasons/2"
SHOWS = ("days", "number", "times", "orders", "ratio", "share", "money")
"""Number formats."""
FEW_MONEY = 100
"""Amounts below this have two decimals."""

_NEEDED = ("code", "group", "title", "features", "counts", "cause", "shows", "text")
_OPTIONAL = ("value", "usual", "from", "to", "days", "always", "one", "none")
_PLACEHOLDERS = {
    "purchase_days": "number",
    "days_silent": "days",
    "gap_last": "days",
    "gap_before": "days",
    "last_day_value": "money",
    "earlier_day_value": "money",
    "spend_6mo": "money",
    "spend_previous_6mo": "money",
    "orders": "orders",
    "season_days": "number",
    "year_days": "number",
    "lost_purchases": "number",
    "category_purchases": "number",
}
"""Facts that a sentence can contain besides its value, with their number formats."""


@dataclass(frozen=True)
class Reason:
    """Reason of a churn warning.

    Attributes
    ----------
    code
        Code by which knowledge entries refer to the reason.
    group
        Feature group whose contribution the reason explains.
    title
        Short title.
    features
        Features whose effect on the score selects the reason among the reasons of its group.
    value
        Raw fact of the customer that is compared, of :func:`ckm._churn.customer_facts.customer_facts`.
    above
        True if the reason applies to values above the usual value, False if to values below it.
    usual
        Fact of the same customer that is the usual value; None for the median of returning customers.
    least, most
        Smallest and largest value to which the reason applies.
    days_least, days_most
        Smallest and largest number of purchase days to which the reason applies.
    always
        Whether the reason applies regardless of its contribution and of the usual value.
    cause
        Whether the shop can act on the reason; otherwise the reason is a sign of churn.
    shows
        Number format, one of :data:`SHOWS`.
    text, one
        Sentence with ``{value}``, ``{typical}`` and facts by name; sentence for a value of 1.
    none
        Text in place of a usual value of 0.
    """

    code: str
    group: str
    title: str
    features: tuple[str, ...]
    value: str
    above: bool
    usual: str | None
    least: float
    most: float
    days_least: float
    days_most: float
    always: bool
    cause: bool
    shows: str
    text: str
    one: str
    none: str | None

    @property
    def facts(self) -> tuple[str, ...]:
        """Facts that the reason needs: the value, the usual value, and the facts of its sentence."""
        own = () if self.usual is None else (self.usual,)
        return tuple(
            dict.fromkeys((self.value, *own, *(each for each in _placeholders(self.text) if each in _PLACEHOLDERS)))
        )

    def differs(self, value: float, typical: float, currency: str) -> bool:
        """Return whether the texts for the value and for the usual value differ."""
        return self.always or self._shown(value, currency) != self._shown(typical, currency)

    def sentence(self, typical: float, facts: Mapping[str, float], currency: str) -> str:
        """Return the reason as a sentence about a customer.

        Parameters
        ----------
        typical
            The usual value.
        facts
            Facts of the customer, by the names in :attr:`facts`.
        currency
            Currency code after amounts.
        """
        value = facts[self.value]
        usual = self.none if self.none is not None and typical == 0 else self._shown(typical, currency)
        named = {name: _SHOW[shows](facts[name], currency) for name, shows in _PLACEHOLDERS.items() if name in facts}
        text = self.one if value == 1 else self.text
        return text.format(**{**named, "value": self._shown(value, currency), "typical": usual})

    def _shown(self, number: float, currency: str) -> str:
        return _SHOW[self.shows](number, currency)


@dataclass(frozen=True)
class ReasonCatalogue:
    """All reasons, in the order of the file."""

    reasons: tuple[Reason, ...]

    def __getitem__(self, code: str) -> Reason:
        return next(reason for reason in self.reasons if reason.code == code)

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes of all reasons."""
        return tuple(reason.code for reason in self.reasons)

    def of_group(self, group: str) -> tuple[Reason, ...]:
        """Return the reasons of a feature group."""
        return tuple(reason for reason in self.reasons if reason.group == group)


def read_reasons(path: Path = REASONS_FILE) -> ReasonCatalogue:
    """Read a catalogue of reasons; default: ``ckm/data/churn_reasons.yaml``.

    Raises
    ------
    UsageError
        Unknown key or feature, duplicate code, feature of another group, unknown placeholder, or group without a code;
        the message has the line.
    """
    document = read_yaml(path)
    if document is None:
        raise UsageError(f"{path}: 'schema' is missing", hint="needed are schema, reasons")
    keys = document.fields(("schema", "reasons"))
    if keys["schema"].text() != REASONS_SCHEMA:
        raise UsageError(f"{keys['schema'].where}: not a catalogue of reasons")
    reasons: dict[str, Reason] = {}
    for entry in keys["reasons"].items():
        reason = _reason(entry)
        if reason.code in reasons:
            raise UsageError(f"{entry.where}: the code '{reason.code}' is defined twice", hint="define each code once")
        reasons[reason.code] = reason
    missing = [group for group in GROUPS if all(reason.group != group for reason in reasons.values())]
    if missing:
        raise UsageError(f"{keys['reasons'].where}: no reason for the group {', '.join(missing)}")
    return ReasonCatalogue(tuple(reasons.values()))


@cache
def load_reasons() -> ReasonCatalogue:
    """Return the reasons of ``ckm/data/churn_reasons.yaml``."""
    return read_reasons()


def _reason(entry: YamlEntry) -> Reason:
    keys = entry.fields(_NEEDED, _OPTIONAL)
    group = _one_of("group", keys["group"], GROUPS)
    features = tuple(_feature(item, group) for item in keys["features"].items())
    if not features:
        raise UsageError(f"{keys['features'].where}: a reason needs at least one feature")
    least, most = _days(keys["days"]) if "days" in keys else (0.0, float("inf"))
    return Reason(
        code=keys["code"].text(),
        group=group,
        title=keys["title"].text(),
        features=features,
        value=_fact(keys["value"]) if "value" in keys else _counted(keys["features"], features[0]),
        above=_one_of("direction", keys["counts"], ("above", "below")) == "above",
        usual=_fact(keys["usual"]) if "usual" in keys else None,
        least=keys["from"].number() if "from" in keys else -float("inf"),
        most=keys["to"].number() if "to" in keys else float("inf"),
        days_least=least,
        days_most=most,
        always="always" in keys and _yes(keys["always"]),
        cause=_yes(keys["cause"]),
        shows=_one_of("number format", keys["shows"], SHOWS),
        text=_sentence(keys["text"]),
        one=_sentence(keys.get("one", keys["text"])),
        none=keys["none"].text() if "none" in keys else None,
    )


def _feature(entry: YamlEntry, group: str) -> str:
    name = _one_of("feature", entry, load_catalogue().names)
    known = next(feature for feature in load_catalogue().features if feature.name == name)
    if known.group != group:
        raise UsageError(f"{entry.where}: the feature '{name}' is of the group {known.group}, not of {group}")
    return name


def _fact(entry: YamlEntry) -> str:
    return _one_of("fact", entry, (*(name for name in load_catalogue().names if name not in ESTIMATES), *OWN))


def _counted(entry: YamlEntry, name: str) -> str:
    if name in ESTIMATES:
        raise UsageError(
            f"{entry.where}: '{name}' is an estimate; a sentence needs a raw fact",
            hint="set a raw fact: value: median_interpurchase_days",
        )
    return name


def _days(entry: YamlEntry) -> tuple[float, float]:
    if entry.is_text:
        return entry.number(), float("inf")
    ends = [item.number() for item in entry.items()]
    if len(ends) != 2:
        raise UsageError(f"{entry.where}: write purchase days as 3 or [1, 2]")
    return ends[0], ends[1]


def _yes(entry: YamlEntry) -> bool:
    return _one_of("answer", entry, ("yes", "no")) == "yes"


def _placeholders(text: str) -> list[str]:
    return [name for _, name, _, _ in Formatter().parse(text) if name is not None]


def _sentence(entry: YamlEntry) -> str:
    text = entry.text()
    try:
        names = _placeholders(text)
    except ValueError as error:
        raise UsageError(f"{entry.where}: unbalanced brace in the sentence", hint="write {{ for a brace") from error
    known = ("value", "typical", *_PLACEHOLDERS)
    if set(names) - set(known):
        raise UsageError(
            f"{entry.where}: only {{value}}, {{typical}} and facts are placeholders",
            hint=f"facts: {', '.join(_PLACEHOLDERS)}",
        )
    return text


def _one_of(what: str, entry: YamlEntry, known: Sequence[str]) -> str:
    word = entry.text()
    if word not in known:
        raise UnknownNameError(what, word, list(known), where=entry.where)
    return word


# Formatters of `_SHOW`: number and currency to text; only money uses the currency.


def _whole(number: float, _: str) -> str:
    return f"{number:,.0f}"


def _days_shown(number: float, _: str) -> str:
    shown = _tenths(number)
    return f"{shown} day" if shown == "1" else f"{shown} days"


def _times(number: float, _: str) -> str:
    return "once" if number == 1 else f"{number:,.0f} times"


def _orders(number: float, _: str) -> str:
    return counted(round(number), "order")


def _ratio(number: float, _: str) -> str:
    return _tenths(number)


def _tenths(number: float) -> str:
    return f"{number:,.1f}".removesuffix(".0")


def _share(number: float, _: str) -> str:
    return "less than 1 %" if 0 < number < 0.005 else f"{number:.0%}".replace("%", " %").replace("-", "\N{MINUS SIGN}")


def _money(number: float, currency: str) -> str:
    digits = 2 if abs(number) < FEW_MONEY else 0
    return f"{number:,.{digits}f} {currency}".replace("-", "\N{MINUS SIGN}")


_SHOW = {
    "days": _days_shown,
    "number": _whole,
    "times": _times,
    "orders": _orders,
    "ratio": _ratio,
    "share": _share,
    "money": _money,
}
