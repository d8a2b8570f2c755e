"""Base of all results of the Python API: a table, a summary and remarks."""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING

from ckm.files import replacing
from ckm.plaintext import harmless
from ckm.render.writers import save

if TYPE_CHECKING:
    import os

    import polars as pl


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
        """
        target = Path(path)
        with replacing(target) as draft:
            save(self.frame, draft, target.suffix.lower())
        return target

    def _repr_html_(self) -> str:
        """Return the summary and the remarks as HTML for a notebook; every text is escaped."""
        remarks = "".join(f"<li>{html.escape(harmless(each))}</li>" for each in self.remarks)
        return f"{self.summary._repr_html_()}<ul>{remarks}</ul>"
