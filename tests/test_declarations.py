"""A metric, a column or a setting that does not declare its protection is refused."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import dataframely as dy
import pytest

from ckm import schema, settings
from ckm.errors import CkmError, UsageError
from ckm.metrics import catalogue
from ckm.metrics.catalogue import read_catalogue
from ckm.metrics.cell_suppression import hide_small
from ckm.metrics.metric import Metric, Metrics
from ckm.metrics.protection import OWN_N, PUBLIC, SLICE, WHOLE, load_parts
from ckm.schema import GROUP, KEY, TableSchema
from tests.conftest import Run

NEW_MEASURE = """\
  - name: basket_best
    section: changed
    unit: money
    title: Best basket
    definition: The largest order of the period.
    formula: max of net
    source: null
"""


def extended(folder: Path, *lines: str) -> Path:
    """The catalogue that comes with ckm, with one metric more."""
    path = folder / "metrics.yaml"
    more = NEW_MEASURE + "".join(f"    {line}\n" for line in lines)
    path.write_text(catalogue.CATALOGUE.read_text(encoding="utf-8") + more, encoding="utf-8")
    return path


def refusal(path: Path) -> UsageError:
    with pytest.raises(UsageError) as caught:
        read_catalogue(path)
    return caught.value


def test_a_metric_without_protection_is_refused_with_a_hint(tmp_path: Path) -> None:
    path = extended(tmp_path)
    error = refusal(path)
    line = path.read_text(encoding="utf-8").splitlines().index("  - name: basket_best") + 1
    assert f"metrics.yaml:{line}" in str(error)
    assert "metric 'basket_best' does not declare its protection" in str(error)
    for word in (OWN_N, WHOLE, PUBLIC, *load_parts()):
        assert word in (error.hint or "")


def test_a_metric_with_protection_is_accepted(tmp_path: Path) -> None:
    assert read_catalogue(extended(tmp_path, "protection: n"))["basket_best"].protection.part == OWN_N


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["protection: null"], "does not declare its protection"),
        (["protection: pubic"], "did you mean 'public'?"),
        (["protection: cohrot"], "did you mean 'cohort'?"),
        (["protection: whole", "slices: [country]"], "comes in slices (country), so it is not of all customers"),
        (["protection: cohort"], "lacks the slice 'cohort'"),
        (["protection: {value: lapsed}"], "part"),
        (["protection: []"], "protection"),
    ],
)
def test_an_unknown_protection_is_refused(tmp_path: Path, lines: list[str], said: str) -> None:
    error = refusal(extended(tmp_path, *lines))
    assert said in f"{error} {error.hint}"
    assert "metrics.yaml:" in str(error)


def test_a_metric_without_protection_stops_the_report(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "CATALOGUE", extended(tmp_path))
    catalogue.load_catalogue.cache_clear()
    try:
        for words in (["--explain", "revenue"], [orders(tmp_path), "-f", "json"]):
            found = run("loyalty-report", *words)
            assert (found.exit_code, found.stdout) == (2, "")
            assert "metric 'basket_best' does not declare its protection" in found.stderr
    finally:
        catalogue.load_catalogue.cache_clear()


def orders(folder: Path) -> Path:
    path = folder / "orders.csv"
    path.write_text("order_id,customer_id,ordered_at,net\n1,A,2026-01-01,5\n", encoding="utf-8")
    return path


def test_a_value_of_an_undeclared_slice_or_without_a_count_is_hidden() -> None:
    shown = {each.name for each in hide_small(Metrics([
        Metric("revenue", 1000.0, n=100),
        Metric("gini", 0.5, slice=(("street", "Elm"),), n=100),
        Metric("top_quintile_share", 0.9, n=None),
    ])).metrics}  # fmt: skip
    assert shown == {"revenue"}


def test_an_unknown_metric_is_refused_with_a_similar_name() -> None:
    with pytest.raises(CkmError, match="unknown metric 'revenu'") as caught:
        hide_small(Metrics([Metric("revenu", 1.0)]))
    assert caught.value.hint == "did you mean 'revenue'?"


def test_every_protection_of_the_catalogue_is_a_known_one() -> None:
    assert {each.protection.part for each in catalogue.load_catalogue()} <= {PUBLIC, WHOLE, OWN_N, SLICE, *load_parts()}


def test_a_table_with_a_column_without_exposure_is_refused_with_a_hint() -> None:
    class Memberships(dy.Schema):
        member_id = dy.String(nullable=False, metadata=KEY)
        tier = dy.String(nullable=True, metadata=GROUP)
        iban = dy.String(nullable=True)

    with pytest.raises(UsageError, match="table 'memberships': column 'iban' does not say who may see") as caught:
        TableSchema("memberships", Memberships, ("member_id",))
    assert "in doubt IDENTITY" in (caught.value.hint or "")


@pytest.mark.parametrize("metadata", [{}, {"exposure": "anybody"}, {"logged": True}, {"exposure": None}])
def test_an_unknown_exposure_is_refused(metadata: dict[str, object]) -> None:
    class Odd(dy.Schema):
        odd_id = dy.String(nullable=False, metadata=metadata)

    with pytest.raises(UsageError, match="table 'odd': column 'odd_id'"):
        TableSchema("odd", Odd, ("odd_id",))


def without_each(source: Path, declaration: str, instead: str = "") -> Iterator[str]:
    """The text of a module, each time without another one of its declarations."""
    text = source.read_text(encoding="utf-8")
    for found in re.finditer(declaration, text):
        yield text[: found.start()] + instead + text[found.end() :]


def load_module(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "changed_module.py"
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("changed_module", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "changed_module", module)  # a dataclass looks its module up
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    spec.loader.exec_module(module)


@pytest.mark.slow
def test_every_column_of_the_store_must_declare_its_exposure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [*without_each(Path(str(schema.__file__)), r", metadata=(?!exposure)[A-Z]+")]
    assert len(texts) > 30
    for text in texts:
        with pytest.raises(UsageError, match=r"table '\w+': column '\w+' does not say who may see its values"):
            load_module(text, tmp_path, monkeypatch)


@pytest.mark.slow
def test_every_setting_must_declare_whether_it_may_be_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [*without_each(Path(str(settings.__file__)), r"shown=(?:True|False)(?=\)|,\n)", "shown=None")]
    assert len(texts) > 40
    for text in texts:
        with pytest.raises(UsageError, match=r"setting '[\w.]+' does not say whether its value may be shown") as caught:
            load_module(text, tmp_path, monkeypatch)
        assert "shown=False for what may be a path" in (caught.value.hint or "")


def test_the_error_about_an_undeclared_setting_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = Path(str(settings.__file__)).read_text(encoding="utf-8")
    field = "    mail_password: str | None = _setting(None, parse_name)\n"
    with pytest.raises(UsageError, match=r"setting 'kb\.mail_password' does not say whether its value may be shown"):
        load_module(text.replace("    role: str | None", field + "    role: str | None"), tmp_path, monkeypatch)


def test_a_setting_that_may_not_be_shown_is_in_no_error_and_no_repr(tmp_path: Path, run: Run) -> None:
    from ckm.config import load_config

    (tmp_path / "ckm.yaml").write_text("kb:\n  role: secret-role\n", encoding="utf-8")
    assert load_config(tmp_path).kb.role == "secret-role"
    assert "secret-role" not in repr(load_config(tmp_path))
    (tmp_path / "ckm.yaml").write_text("kb:\n  role: [secret-role]\n", encoding="utf-8")
    found = run("check", tmp_path)
    assert found.exit_code == 2
    assert "secret-role" not in found.output
