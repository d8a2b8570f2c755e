"""Texts of the report by language: ``ckm/data/report/LANG.yaml``, one file per language with the same keys.

A text can contain placeholders such as ``{count}``. A text that depends on a number has a form per plural category of
the language, such as ``one`` and ``other``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ckm.errors import UnknownNameError, UsageError
from ckm.names import LANGUAGES
from ckm.render.page import PageWords
from ckm.yamlfile import read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ckm.yamlfile import YamlEntry

FOLDER = Path(__file__).parents[1] / "data" / "report"
WORDS_SCHEMA = "ckm.report_words/1"
PLURALS = frozenset({"zero", "one", "two", "few", "many", "other"})
"""Plural categories of Unicode; every text with forms has ``other``."""
PLACE = re.compile(r"\{(\w+)\}")

Text = str | dict[str, str]


@dataclass(frozen=True)
class Words:
    """All texts of a language.

    Attributes
    ----------
    lang
        BCP 47 tag for HTML.
    locale
        Locale name of babel.
    direction
        Writing direction.
    texts
        Texts by key with dots, such as ``missing.no_ratings``; a mapping of plural forms if the text depends on a
        number.
    """

    lang: str
    locale: str
    direction: Literal["ltr", "rtl"]
    texts: Mapping[str, Text]

    def __contains__(self, key: str) -> bool:
        return key in self.texts

    def say(self, key: str, n: float | None = None, /, **values: str) -> str:
        """Return a text with its placeholders filled.

        Parameters
        ----------
        key
            Key with dots; KeyError if it does not exist.
        n
            Number that selects the plural form; None counts as 0.
        values
            Values of the placeholders, as written in this language.
        """
        text = self.texts[key]
        if isinstance(text, dict):
            text = text.get(self._plural(n or 0), text["other"])
        # in one pass, so that a placeholder inside a value is not replaced
        return PLACE.sub(lambda place: values[place[1]], text)

    def called(self, group: str, code: str) -> str | None:
        """Return the text of a code; None if the language has none."""
        text = self.texts.get(f"{group}.{code}")
        return text if isinstance(text, str) else None

    def page_words(self) -> PageWords:
        """Return the texts of the page."""
        return PageWords(**{name: self.say(f"page.{name}") for name in ("skip", "contents", "numbers", "key_figures")})

    def _plural(self, n: float) -> str:
        from babel import Locale

        return str(Locale.parse(self.locale).plural_form(n))


@cache
def load_words(lang: str, folder: Path = FOLDER) -> Words:
    """Return the texts of a language; of the loyalty report unless another folder of texts is given.

    Raises
    ------
    UnknownNameError
        The language has no texts.
    """
    known = {each.lower(): each for each in LANGUAGES}
    found = known.get(lang.replace("_", "-").lower())
    if found is None:
        raise UnknownNameError("language", lang, LANGUAGES)
    document = read_yaml(folder / f"{found}.yaml")
    assert document is not None
    keys = document.fields(("schema", "locale", "direction", "texts"))
    if keys["schema"].text() != WORDS_SCHEMA:
        raise UsageError(f"{keys['schema'].where}: not the words of a report")
    direction = keys["direction"].text()
    return Words(
        lang=found,
        locale=keys["locale"].text(),
        direction="rtl" if direction == "rtl" else "ltr",
        texts=dict(_flattened(keys["texts"], "")),
    )


def _flattened(entry: YamlEntry, prefix: str) -> Iterator[tuple[str, Text]]:
    for name, value in entry.mapping().items():
        key = f"{prefix}{name}"
        if value.is_text:
            yield key, value.text()
        elif value.mapping().keys() <= PLURALS:
            yield key, {form: text.text() for form, text in value.mapping().items()}
        else:
            yield from _flattened(value, f"{key}.")
