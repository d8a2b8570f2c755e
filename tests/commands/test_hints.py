"""The options on a file's format."""

from __future__ import annotations

import pytest

from ckm.commands.hints import DataDates, DateOrder
from ckm.values.settling import DATE_WORDS


@pytest.mark.parametrize("option", [DateOrder, DataDates], ids=["files", "data"])
@pytest.mark.parametrize("word", DATE_WORDS)
def test_help_lists_every_word_of_dates(option: object, word: str) -> None:
    [declared] = option.__metadata__  # type: ignore[attr-defined]
    assert word in declared.help
