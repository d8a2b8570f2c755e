"""Result of ``ckm evaluate``, and its formats: table, HTML, Markdown and JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from ckm.files import replacing
from ckm.plaintext import harmless_json
from ckm.result import Result

if TYPE_CHECKING:
    import os
    from datetime import date

    from ckm.customers.period import Period

SCHEMA = "ckm.evaluation/1"
COLUMNS: dict[str, Any] = {
    "section": pl.String(),
    "metric": pl.String(),
    "of": pl.String(),
    "value": pl.Float64(),
    "unit": pl.String(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "n": pl.Int64(),
    "previous": pl.Float64(),
    "change": pl.Float64(),
    "goal": pl.String(),
    "goal_reached": pl.Boolean(),
    "note": pl.String(),
    "definition": pl.String(),
}


@dataclass(frozen=True)
class Evaluation(Result):
    """Metrics on return and efficiency of the customer knowledge programme in a period.

    Attributes
    ----------
    frame
        One row per metric and group: section, metric, of (audience, state, mode, move or tier; empty for the total),
        value (null if unknown), unit, low and high (ends of the 95 % interval; null without one), n (number of
        observations), previous (value of the previous period), change (value minus previous), goal, goal_reached, note
        (why the value is unknown, or what it leaves out), definition.
    notes
        Code of each ``note`` that is not null, by metric and ``of``.
    label
        Name of the data.
    as_of
        As-of date.
    period, compared
        The evaluated period, and the previous one of equal length.
    currency
        Currency of amounts.
    remarks
        Remarks for the user.
    """

    frame: pl.DataFrame
    notes: dict[tuple[str, str], str]
    label: str
    as_of: date
    period: Period
    compared: Period
    currency: str
    remarks: tuple[str, ...] = ()

    @property
    def summary(self) -> pl.DataFrame:
        """Rows of the section ``return`` for all audiences together."""
        return self.frame.filter(pl.col("section") == "return", pl.col("of") == "")

    @property
    def missing(self) -> pl.DataFrame:
        """One row per metric without a value: metric, of, note (the reason)."""
        return self.frame.filter(pl.col("value").is_null()).select("metric", "of", "note")

    def to_html(self, lang: str = "en") -> str:
        """Return a self-contained HTML page in a language (en, de, zh-Hans, zh-Hant, th, fa)."""
        from ckm._evaluate.catalogue import texts
        from ckm._evaluate.document import evaluation_document
        from ckm.render.page import render_page

        return render_page(evaluation_document(self, lang), texts(lang).page_words())

    def to_markdown(self, lang: str = "en") -> str:
        """Return the content of the HTML page as Markdown."""
        from ckm._evaluate.document import evaluation_document
        from ckm.render.markdown import render_markdown

        return render_markdown(evaluation_document(self, lang))

    def to_json(self) -> str:
        """Return a JSON object: schema, as_of, period, compared, currency, metrics (the rows), remarks."""
        document = {
            "schema": SCHEMA,
            "as_of": self.as_of.isoformat(),
            "period": {"first": self.period.first.isoformat(), "last": self.period.last.isoformat()},
            "compared": {"first": self.compared.first.isoformat(), "last": self.compared.last.isoformat()},
            "currency": self.currency,
            "metrics": self.frame.to_dicts(),
            "remarks": list(self.remarks),
        }
        return harmless_json(json.dumps(document, ensure_ascii=False, indent=1)) + "\n"

    def save(self, path: str | os.PathLike[str], lang: str = "en") -> Path:
        """Write the evaluation to a file, and return its path.

        Parameters
        ----------
        path
            Suffixes ``.html`` and ``.md`` get the page, ``.json`` the object of :meth:`to_json`, and other formats of
            tables the rows of :attr:`frame`.
        lang
            Language of the page.
        """
        target = Path(path)
        suffix = target.suffix.lower()
        if suffix not in (".html", ".md", ".json"):
            return super().save(target)
        made = {".html": lambda: self.to_html(lang), ".md": lambda: self.to_markdown(lang), ".json": self.to_json}
        with replacing(target) as draft:
            draft.write_text(made[suffix](), encoding="utf-8", newline="\n")
        return target
