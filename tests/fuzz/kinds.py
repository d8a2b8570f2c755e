"""The kinds of input that are fuzzed, each with the strategy that makes its cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fuzz.command_lines import option_cases, query_cases
from tests.fuzz.documents import entry_cases, mapping_cases, rule_cases, setting_cases
from tests.fuzz.tables import excel_cases, json_cases, parquet_cases

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from tests.fuzz.case import Case

KINDS: dict[str, SearchStrategy[Case]] = {
    "parquet": parquet_cases(),
    "json": json_cases(),
    "excel": excel_cases(),
    "entries": entry_cases(),
    "settings": setting_cases(),
    "mappings": mapping_cases(),
    "rules": rule_cases(),
    "queries": query_cases(),
    "options": option_cases(),
}
