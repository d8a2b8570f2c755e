"""The Python API: public names, signatures, documented examples, and equal results for table, file and command."""

from __future__ import annotations

import inspect
import re
import shutil
from datetime import date, timedelta
from importlib import import_module
from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

import ckm
from ckm._churn.warning_list import COLUMNS
from ckm.result import Result
from ckm.workspace import lay_out
from tests.conftest import ROOT, Run

PAGE = ROOT / "docs" / "reference" / "python-api.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
PUBLIC = {
    "open": "(source, *, map, columns, currency, time_zone, **hints)",
    "segment.segment": "(source, *, by, as_of, use, save, refit, moves, since, details, seed, keep, rows, engine, "
    "partitions, master, progress)",
    "churn.churn": "(source, *, as_of, horizon, model, backtest, lead_time, budget, all_customers, new_only, seed, "
    "keep, engine, partitions, master, progress)",
    "loyalty.loyalty": "(source, *, as_of, period, compare, by, min_group_size, names, seed, keep, engine, "
    "partitions, master, progress)",
    "check.check": "(source, *, as_of, progress)",
    "ingest.ingest": "(workspace, *files, options, on_conflict, max_rejects, exported, save_map, requarantine, "
    "dry_run, wait, progress)",
    "nightly.nightly": "(source, *, as_of, fail_on, seed, wait, progress)",
    "link.link": "(source, *, dry_run, on, seed, progress)",
    "link.explain": "(source, left, right, *, seed)",
    "link.review": "(source, verdicts, *, by, on)",
    "privacy.erase": "(source, *ids, force, keep_counts, on, progress)",
    "privacy.export": "(source, *ids)",
    "forecast.forecast": "(source, *, by, measure, weeks, segments, as_of, min_group_size, progress)",
    "needs.needs": "(source, *, as_of, false_alarms_per_year, min_group_size, seed, progress)",
    "needs.next_items": "(source, *, as_of, most, progress)",
    "runs.runs": "(source)",
    "runs.show": "(source, run)",
    "runs.verify": "(source, run)",
    "runs.diff": "(source, run, other)",
    "runs.prune": "(source, *, keep, dry_run)",
    "privacy.pseudonymise": "(source, folder, *, key, progress)",
    "privacy.retention": "(source, *, apply, on, progress)",
    "audience.new": "(source, name, *, origin, as_of, budget, metric, window, holdout, smallest_effect, entry, offer, "
    "salt, adjust, dry_run, seed, progress)",
    "audience.show": "(source, name)",
    "audience.list_audiences": "(source)",
    "audience.export": "(source, name, *, to)",
    "outcome.record": "(source, name, *, as_of, dry_run, seed, progress)",
    "outcome.publish": "(source, name)",
    "diff.diff_files": "(old, new, options, *, key, progress)",
    "network.network": "(source, *, as_of, min_group_size, names, keep, progress)",
    "evaluate.evaluate": "(source, *, as_of, months, seed, progress)",
    "profile.profile": "(source, customer_id, *, as_of, role, lang)",
    "feedback.feedback": (
        "(source, *, as_of, since, by, new_only, learn, refit, topics, encoder, min_group_size, keep, drafts, lang, "
        "seed, progress)"
    ),
    "feedback.comment_topics": "(source, *, as_of, encoder, progress)",
    "kb.search": "(folder, query, *, as_of, limit, filters, roles, include_inactive, prefer_lang, explain, semantic, "
    "any_lang, encoder, progress)",
    "mcp.tools": "(source, *, role)",
    "mcp.server": "(source, *, role)",
    "Shop.segment": "(self, **wanted)",
    "Shop.churn": "(self, **wanted)",
    "Shop.loyalty": "(self, **wanted)",
    "Shop.profile": "(self, customer_id, **wanted)",
    "Shop.network": "(self, **wanted)",
    "Shop.feedback": "(self, **wanted)",
    "Shop.evaluate": "(self, **wanted)",
    "Shop.check": "(self, **wanted)",
    "Shop.ingest": "(self, *files, table, **options)",
    "Shop.nightly": "(self, **wanted)",
    "Shop.link": "(self, **wanted)",
    "Shop.forecast": "(self, **wanted)",
    "Shop.needs": "(self, **wanted)",
    "Shop.next_items": "(self, **wanted)",
    "Shop.runs": "(self)",
    "Shop.erase": "(self, *ids, **wanted)",
    "Shop.export": "(self, *ids)",
    "Shop.pseudonymise": "(self, folder, *, key)",
    "Shop.retention": "(self, **wanted)",
    "Shop.audience": "(self, name, *, origin, **wanted)",
    "Shop.outcome": "(self, name, **wanted)",
    "Shop.dataset": "(self, *, by_customer)",
}
MODULES = {
    *(
        "audience",
        "check",
        "churn",
        "diff",
        "errors",
        "evaluate",
        "forecast",
        "feedback",
        "ingest",
        "kb",
        "link",
        "loyalty",
        "mcp",
        "needs",
        "network",
        "nightly",
        "outcome",
        "privacy",
        "profile",
        "runs",
        "segment",
    ),
}


def public(name: str) -> object:
    found: object = ckm
    for part in name.split("."):
        found = getattr(found, part)
    return found


def plain(signature: inspect.Signature) -> inspect.Signature:
    kept = [each.replace(annotation=each.empty, default=each.empty) for each in signature.parameters.values()]
    return inspect.Signature(kept)


def transactions(customers: int = 260) -> pl.DataFrame:
    random = np.random.default_rng(5)
    rows = []
    for customer in range(customers):
        day = int(random.integers(0, 200))
        while day < 420 and random.random() < 0.93:
            rows.append((f"c{customer:03}", date(2025, 1, 1) + timedelta(days=day), float(random.integers(5, 90))))
            day += 1 + int(random.exponential(25))
    return pl.DataFrame(rows, schema=["customer_id", "date", "net"], orient="row").with_row_index("order_id")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with transactions, and a workspace with a knowledge base."""
    folder = tmp_path_factory.mktemp("api")
    transactions().with_columns(category=pl.lit("tea")).write_parquet(folder / "transactions.parquet")
    lay_out(folder / "shop")
    shutil.copytree(ROOT / "examples" / "shop" / "kb", folder / "shop" / "kb", dirs_exist_ok=True)
    return folder


@pytest.fixture
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    shutil.copytree(made, folder)
    monkeypatch.chdir(folder)
    return folder


def test_the_public_names_are_the_documented_ones() -> None:
    assert set(ckm.__all__) == MODULES | {"Shop", "__version__", "open"}
    assert dir(ckm) == sorted(ckm.__all__)
    for name in MODULES:
        assert getattr(ckm, name) is import_module(f"ckm.{name}")
    with pytest.raises(AttributeError, match="no attribute 'opne'"):
        ckm.opne  # noqa: B018
    assert files("ckm").joinpath("py.typed").is_file()


@pytest.mark.parametrize("name", PUBLIC)
def test_signatures_are_those_of_the_table(name: str) -> None:
    assert str(plain(inspect.signature(public(name)))) == PUBLIC[name]


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_function_has_a_docstring(name: str) -> None:
    assert inspect.getdoc(public(name))


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_the_examples_of_the_documentation_run(here: Path, example: str) -> None:
    exec(compile(example, str(PAGE), "exec"), {})


def test_a_table_a_file_and_the_command_give_the_same_result(here: Path, run: Run) -> None:
    path = here / "transactions.parquet"
    frame = pl.read_parquet(path)
    wanted = {"horizon": "60d", "model": "btyd", "all_customers": True}
    of_file, *of_tables = (
        ckm.churn.churn(source, **wanted).frame
        for source in (path, frame, frame.lazy(), frame.to_arrow(), pa.table(frame))
    )
    assert of_file.columns == list(COLUMNS)
    assert all(each.equals(of_file) for each in of_tables)
    done = run("churn-warn", path, "--horizon", "60d", "--model", "btyd", "--all", "-f", "json")
    assert done.exit_code == 0, done.stderr
    said = pl.read_json(done.stdout.encode()).select("customer_id", "p_churn")
    assert said.equals(of_file.select("customer_id", "p_churn"))


def test_a_source_that_is_neither_a_path_nor_a_table_is_refused() -> None:
    with pytest.raises(ckm.errors.UsageError, match="int is neither a path nor a table"):
        ckm.open(7).segment()
    with pytest.raises(ckm.errors.UsageError, match="this is not a workspace"):
        ckm.open(transactions(5)).kb  # noqa: B018


def test_a_result_can_be_saved_and_its_html_escapes_every_text(here: Path) -> None:
    frame = transactions(40).with_columns(customer_id="<b>" + pl.col("customer_id"))
    found = ckm.open(frame).segment(by="rfm")
    assert isinstance(found, Result)
    for suffix in (".csv", ".json", ".parquet", ".xlsx", ".md"):
        assert found.save(here / f"out{suffix}").stat().st_size
    assert pl.read_parquet(here / "out.parquet").equals(found.frame)
    with pytest.raises(ckm.errors.UnknownNameError):
        found.save(here / "out.doc")
    assert "<b>" not in found._repr_html_()
    assert "as of 2026-02-" in found._repr_html_()


def test_every_call_reads_the_workspace_again_and_saves_nothing_without_keep(here: Path) -> None:
    shop = ckm.open(here / "shop")
    with pytest.raises(ckm.errors.NotEnoughDataError):
        shop.segment()
    loaded = shop.ingest(here / "transactions.parquet", table="transactions")
    assert not loaded.failed
    assert loaded.summary["accepted"].to_list() == [transactions().height]
    customers = transactions()["customer_id"].n_unique()
    before = sorted(here.rglob("*"))
    assert shop.segment(keep=False).frame.height == customers
    assert sorted(here.rglob("*")) == before
    assert shop.segment().frame.height == customers
    assert (here / "shop" / "segments" / "default.yaml").is_file()


def test_files_left_out_of_a_folder_are_reported(here: Path) -> None:
    folder = here / "exports"
    (folder / "older").mkdir(parents=True)
    shutil.move(here / "transactions.parquet", folder / "transactions.parquet")
    loaded = ckm.open(here / "shop").ingest(folder, table="transactions")
    assert any("sub-folders are not read: older" in each for each in loaded.remarks)


def test_stages_are_reported() -> None:
    told: list[str] = []
    ckm.open(transactions(40)).segment(progress=told.append)
    ckm.open(transactions(40)).check(progress=told.append)
    assert told == ["reading", "segmenting", "reading", "checking"]
