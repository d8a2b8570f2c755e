"""Result of ``ckm profile``: sections of facts, with output as HTML, Markdown and JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from ckm._profile.document import plain_value, profile_document
from ckm.files import replacing
from ckm.plaintext import harmless_json
from ckm.result import Result

if TYPE_CHECKING:
    import os
    from datetime import date

    from ckm._profile.figures import ProfileSection

SCHEMA = "ckm.profile/1"


@dataclass(frozen=True)
class CustomerProfile(Result):
    """Profile of one customer: facts by subject, each with its source and date.

    Attributes
    ----------
    customer_id
        Id of the customer. If ids are linked, the person id, or the given id for a role that may not see ids.
    as_of
        As-of date; later rows and saved runs are not used.
    role
        Role of the reader; None without a role, for which all columns are visible.
    sections
        Figures and tables by subject that the role may see.
    remarks
        Notes for the reader, as sentences.
    hidden
        Sentence on the columns that the role may not see; empty without a role.
    """

    customer_id: str
    as_of: date
    role: str | None
    sections: tuple[ProfileSection, ...]
    remarks: tuple[str, ...]
    hidden: str = ""

    @property
    def frame(self) -> pl.DataFrame:
        """All figures, one row each: section, figure, value (String), unit, source (String), date (Date)."""
        rows = [
            (section.name, figure.name, str(plain_value(figure.value)), figure.unit, figure.source, figure.day)
            for section in self.sections
            for figure in section.figures
        ]
        schema = dict.fromkeys(("section", "figure", "value", "unit", "source"), pl.String()) | {"date": pl.Date()}
        return pl.DataFrame(rows, schema, orient="row")

    @property
    def summary(self) -> pl.DataFrame:
        """One row per section: section (String), figures and rows (Int64)."""
        rows = [
            (section.name, len(section.figures), sum(len(table.rows) for table in section.tables))
            for section in self.sections
        ]
        return pl.DataFrame(rows, {"section": pl.String, "figures": pl.Int64, "rows": pl.Int64}, orient="row")

    @property
    def not_known(self) -> str:
        """One sentence on the missing facts and the reasons; empty if nothing is missing."""
        missing = [each for section in self.sections for each in section.not_known]
        texts = [f"{each.what} ({each.why})" if each.why else each.what for each in missing]
        return f"Not known: {'; '.join(texts)}." if texts else ""

    def figure(self, name: str) -> str | float | bool | date | None:
        """Return the value of the figure with a name; None if the figure is unknown or hidden."""
        found = (figure.value for section in self.sections for figure in section.figures if figure.name == name)
        return next(found, None)

    def to_html(self) -> str:
        """Return the profile as one HTML page without external files; every text is escaped."""
        from ckm.render.page import render_page

        return render_page(profile_document(self))

    def to_markdown(self) -> str:
        """Return the profile as Markdown."""
        from ckm.render.markdown import render_markdown

        return render_markdown(profile_document(self))

    def to_json(self) -> str:
        """Return the profile as a JSON object: schema, customer_id, as_of, role, sections, not_known, remarks."""
        sections: list[dict[str, Any]] = [
            {
                "name": section.name,
                "title": section.title,
                "figures": [
                    {
                        "name": figure.name,
                        "label": figure.label,
                        "value": plain_value(figure.value),
                        "unit": figure.unit or None,
                        "source": figure.source,
                        "date": figure.day.isoformat(),
                    }
                    for figure in section.figures
                ],
                "tables": [
                    {
                        "name": table.name,
                        "title": table.title,
                        "rows": [
                            {name: plain_value(value) for name, value in zip(table.columns, row, strict=True)}
                            for row in table.rows
                        ],
                        "source": table.source,
                        "date": table.day.isoformat(),
                    }
                    for table in section.tables
                ],
            }
            for section in self.sections
        ]
        document = {
            "schema": SCHEMA,
            "customer_id": self.customer_id,
            "as_of": self.as_of.isoformat(),
            "role": self.role,
            "sections": sections,
            "not_known": [
                {"what": each.what, "why": each.why or None} for section in self.sections for each in section.not_known
            ],
            "hidden": self.hidden or None,
            "remarks": list(self.remarks),
        }
        return harmless_json(json.dumps(document, ensure_ascii=False, indent=1)) + "\n"

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the profile to a file that only its owner can read, and return its path.

        Formats are ``.html``, ``.md`` and ``.json``. With the other suffixes of :meth:`ckm.result.Result.save`, only
        the figures are written.
        """
        from ckm.render.writers import save

        target = Path(path)
        texts = {".html": self.to_html, ".md": self.to_markdown, ".json": self.to_json}
        make = texts.get(target.suffix.lower())
        with replacing(target, owner_only=True) as draft:
            if make is None:
                save(self.frame, draft, target.suffix.lower())
            else:
                draft.write_text(make(), encoding="utf-8", newline="\n")
        return target
