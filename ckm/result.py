"""Base of all results of the Python API: a table, a summary and remarks."""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING

from ckm.files import replacing
from ckm.group_size import refuse_small_groups
from ckm.plaintext import harmless
from ckm.render.writers import save

if TYPE_CHECKING:
    import os

    import polars as pl

    from ckm.settings import PrivacySettings


class Result:
    """A frozen result of the Python API.

    Attributes
    ----------
    frame
        Result table, one row per customer, metric, finding or file.
    summary
        Summary in few rows.
    remarks
        Remarks for the user, as sentences.
    """

    privacy: PrivacySettings | None = None
    """Quasi-identifiers and minimum group size of a table with one row per customer; None for other tables."""

    if TYPE_CHECKING:

        @property
        def frame(self) -> pl.DataFrame: ...  # noqa: D102  # above

        @property
        def summary(self) -> pl.DataFrame: ...  # noqa: D102

        @property
        def remarks(self) -> tuple[str, ...]: ...  # noqa: D102

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write :attr:`frame` to a file in the format of its suffix.

        Parameters
        ----------
        path
            A ``.csv``, ``.tsv``, ``.json``, ``.ndjson``, ``.md``, ``.parquet`` or ``.xlsx`` file. It is replaced
            atomically. In CSV and TSV, texts that a spreadsheet would run as a formula are escaped.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        UnknownNameError
            The suffix is unknown.
        UsageError
            The file cannot be written.
        RefusedError
            The table has one row per customer, and a group of customers with equal quasi-identifiers is too small.
        """
        target = Path(path)
        if self.privacy is not None:
            refuse_small_groups(self.frame, self.privacy, "rows of customers")
        with replacing(target) as draft:
            save(self.frame, draft, target.suffix.lower())
        return target

    def _repr_html_(self) -> str:
        """Return the summary and the remarks as HTML for a notebook; every text is escaped."""
        remarks = "".join(f"<li>{html.escape(harmless(each))}</li>" for each in self.remarks)
        return f"{self.summary._repr_html_()}<ul>{remarks}</ul>"
