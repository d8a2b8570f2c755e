"""``ckm churn-warn``: probabilities with exact reasons, highest gain first, and no warning listed twice."""

from __future__ import annotations

import io
import json
import math
import random
import re
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from typer.testing import CliRunner

from ckm._churn.warning_list import COLUMNS, NO_REASON
from ckm.churn import churn
from ckm.cli import app
from ckm.example.workspace import CURRENCY, TIME_ZONE
from ckm.models.churn.training import MODELS
from ckm.store import Store
from ckm.workspace import lay_out
from tests._churn.shops import retail
from tests.conftest import ROOT, Run

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("coarse")
LEVELS = ("watch", "warn", "urgent")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example shop, ingested once."""
    folder = tmp_path_factory.mktemp("example") / "shop"
    lay_out(folder, currency=CURRENCY, time_zone=TIME_ZONE)
    shutil.copytree(ROOT / "examples" / "shop", folder, dirs_exist_ok=True)
    done = CliRunner().invoke(app, ["ingest", "-C", str(folder)])
    assert done.exit_code == 0, done.stderr
    return folder


@pytest.fixture
def shop(loaded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the loaded shop, and the current folder."""
    folder = tmp_path / "shop"
    shutil.copytree(loaded, folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="module")
def small_loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A loaded workspace of 400 customers with random orders: a sixth of the example shop's cost."""
    folder = tmp_path_factory.mktemp("small") / "shop"
    path = write(folder.parent / "orders.csv", orders(400))
    for words in (["init", str(folder)], ["ingest", str(path), "--as", "transactions", "-C", str(folder)]):
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.stderr
    return folder


@pytest.fixture
def small(small_loaded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the workspace of 400 customers, as the current folder."""
    folder = tmp_path / "shop"
    shutil.copytree(small_loaded, folder)
    monkeypatch.chdir(folder)
    return folder


def warned(run: Run, *words: object) -> list[dict[str, Any]]:
    done = run("churn-warn", "--model", "scorecard", *words, "-f", "json")
    assert done.exit_code == 0, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


@pytest.fixture(scope="module")
def everybody(coarse: None, loaded: Path) -> list[dict[str, Any]]:
    """All customers of the example shop with their probabilities as of its last day, computed once."""
    words = ["churn-warn", "-C", str(loaded), "--model", "scorecard", "--all", "--dry-run", "-f", "json"]
    rows: list[dict[str, Any]] = json.loads(CliRunner().invoke(app, words).stdout)
    return rows


@pytest.fixture(scope="module")
def listed(coarse: None, loaded: Path) -> list[dict[str, Any]]:
    """The customers of the example shop with a warning, computed once."""
    words = ["churn-warn", "-C", str(loaded), "--model", "scorecard", "--dry-run", "-f", "json"]
    rows: list[dict[str, Any]] = json.loads(CliRunner().invoke(app, words).stdout)
    return rows


@pytest.mark.slow
def test_the_list_is_best_first_and_its_reasons_add_up_to_the_score(listed: list[dict[str, Any]]) -> None:
    rows = listed
    assert list(rows[0]) == list(COLUMNS)
    assert [row["expected_gain"] for row in rows] == sorted((row["expected_gain"] for row in rows), reverse=True)
    assert {row["level"] for row in rows} == set(LEVELS)
    for row in rows:
        log_odds = math.log(row["p_churn"] / (1 - row["p_churn"]))
        points = sum(reason["contribution"] for reason in row["reasons"])
        assert row["contribution_typical"] + points + row["contribution_other"] == pytest.approx(log_odds, abs=1e-6)
        assert all(reason["contribution"] > 0 and reason["text"] for reason in row["reasons"])
        assert row["value_at_risk"] > 0


@pytest.mark.slow
def test_all_lists_everybody_and_each_with_a_probability(
    everybody: list[dict[str, Any]], listed: list[dict[str, Any]]
) -> None:
    assert len(everybody) == 3_000
    assert all(0 < row["p_churn"] < 1 for row in everybody)
    assert [row for row in everybody if row["level"]] == listed


@pytest.mark.slow
def test_a_budget_lists_the_best_contacts_without_suppressed_customers(
    loaded: Path, run: Run, listed: list[dict[str, Any]]
) -> None:
    best = warned(run, "-C", loaded, "--budget", 10, "--dry-run")
    all_customers = [
        row["customer_id"]
        for row in listed
        if not row["suppressed"] and not row["past_lead_time"] and row["expected_gain"] > 0
    ]
    assert [row["customer_id"] for row in best] == all_customers[:10]


@pytest.mark.slow
def test_header_and_totals_cover_the_shortened_list(small: Path, run: Run) -> None:
    words = ["churn-warn", "--model", "scorecard", "--dry-run", "--budget", 3]
    rows = json.loads(run(*words, "-f", "json").stdout)
    assert len(rows) == 3
    mail = run(*words, "-f", "md", "-v")
    at_risk = sum(row["value_at_risk"] for row in rows)
    assert (
        f"3 customers are likely to churn within {rows[0]['horizon_days']} days; value at risk {at_risk:,.0f} EUR"
        in mail.stdout
    )
    assert re.search(r"the list and all totals include 3 of [\d,]+ customers with a warning", mail.stderr)
    summary = run(*words, "-o", "list.csv", "-f", "json")
    totals = json.loads(summary.stdout)
    assert sum(row["customers"] for row in totals) == 3
    assert sum(row["value_at_risk"] for row in totals) == pytest.approx(at_risk, abs=0.01)
    assert sum(row["expected_gain"] for row in totals) == pytest.approx(sum(row["expected_gain"] for row in rows))
    profit = json.loads(run(*words, "--profit-curve", "-f", "json").stdout)
    assert profit[-1]["customers"] == 3
    assert profit[-1]["expected_gain"] == pytest.approx(sum(row["expected_gain"] for row in rows), abs=0.01)


@pytest.mark.slow
def test_the_value_is_revenue_without_costs_and_margin_with_costs(tmp_path: Path, small: Path, run: Run) -> None:
    words = ["--model", "scorecard", "--dry-run", "-f", "md"]
    without = run("churn-warn", *words, "-v")
    assert "EUR of yearly revenue" in without.stdout
    assert "margin" not in without.stdout
    assert "the data have no costs: value at risk and expected gain are revenue, not margin" in without.stderr
    path = tmp_path / "costed.csv"
    header = "order_id,customer_id,ordered_at,net,currency,type,cost"
    path.write_text("\n".join([header, *(f"{row},8.0" for row in orders(400))]) + "\n", encoding="utf-8")
    costed = run("churn-warn", path, *[word for word in words if word != "--dry-run"])
    assert "EUR of yearly margin" in costed.stdout
    assert "no costs are known" not in costed.stderr


@pytest.mark.slow
def test_each_warned_customer_has_a_reason_and_what_they_bought(listed: list[dict[str, Any]]) -> None:
    for row in listed:
        assert row["why"] == (row["reasons"][0]["text"] if row["reasons"] else NO_REASON)
        assert row["top_category"]
        assert row["top_product"]
        assert row["last_order_value"] >= 0
        assert (row["median_interpurchase_days"] is None) == (row["purchase_days"] < 3)
        if row["purchase_days"] == 1:
            signs = [reason["code"] for reason in row["reasons"] if not reason["cause"]]
            assert signs[0] == "bought_once"


@pytest.mark.slow
def test_a_second_run_with_new_only_lists_and_prints_nothing(small: Path, run: Run) -> None:
    first = run("churn-warn", "--model", "scorecard", "--as-of", "2025-11-16", "--new-only", "--fail-on", "warn")
    assert first.exit_code == 1
    later = warned(run, "--as-of", "2025-11-30", "--new-only")
    assert {row["change"] for row in later} == {"new", "worse"}
    assert all(row["first_warned_on"] <= "2025-11-30" for row in later)
    words = ("churn-warn", "--model", "scorecard", "--as-of", "2025-11-30", "--new-only", "--fail-on", "watch")
    for fmt, nothing in (("csv", ",".join(COLUMNS) + "\n"), ("json", "[]\n"), ("table", ""), ("md", "")):
        quiet = run(*words, "-f", fmt)
        assert (quiet.exit_code, quiet.stdout, quiet.stderr) == (0, nothing, "")
    runs = Store(small / "store").runs("warnings")
    assert [run.as_of.isoformat() for run in runs] == ["2025-11-16", "2025-11-30"]


@pytest.mark.slow
def test_new_data_of_the_same_day_list_only_what_the_first_run_did_not(small: Path, run: Run) -> None:
    first = warned(run, "--as-of", "2025-11-30", "--new-only")
    days = [date(2025, 1, 5) + timedelta(days=14 * number) for number in range(21)]
    more = write(small / "more.csv", [f"M{day},NEW,{day}T12:00:00Z,20.0,EUR,sale" for day in days])
    assert run("ingest", more, "--as", "transactions").exit_code == 0
    later = warned(run, "--as-of", "2025-11-30", "--new-only")
    assert "NEW" in [row["customer_id"] for row in later]
    told = {row["customer_id"]: row["p_churn"] for row in first}
    for row in later:  # listed before only if the probability is higher by the margin, or the level
        if row["customer_id"] in told:
            assert row["p_churn"] > told[row["customer_id"]]
    assert not warned(run, "--as-of", "2025-11-30", "--new-only")


@pytest.mark.slow
def test_a_run_whose_list_could_not_be_written_lists_it_again(small: Path, run: Run) -> None:
    words = ("churn-warn", "--model", "scorecard", "--new-only", "-f", "csv")
    (small / "out" / "new.csv").mkdir()
    assert run("churn-warn", "--model", "scorecard", "--new-only", "-o", "out/new.csv").exit_code == 2
    assert Store(small / "store").runs("warnings") == []
    assert len(run(*words).stdout.splitlines()) > 1
    assert len(run(*words).stdout.splitlines()) == 1


@pytest.mark.slow
def test_without_new_warnings_new_only_prints_nothing_and_exits_0(
    small: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CKM_CHURN_WATCH", "1")
    monkeypatch.setenv("CKM_CHURN_WARN", "1")
    monkeypatch.setenv("CKM_CHURN_URGENT", "1")
    for fmt in ("table", "md"):
        done = run("churn-warn", "--model", "rule", "--new-only", "--fail-on", "watch", "-f", fmt)
        assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.slow
def test_warnings_are_kept_once_a_day_and_dry_runs_keep_none(small: Path, run: Run) -> None:
    listed = warned(run, "--dry-run")
    assert listed
    assert Store(small / "store").runs("warnings") == []
    assert warned(run) == listed == warned(run)
    assert len(Store(small / "store").runs("warnings")) == 1


@pytest.mark.slow
def test_the_outcome_of_earlier_warnings_is_reported_when_their_horizon_has_passed(small: Path, run: Run) -> None:
    warned(run, "--as-of", "2025-08-31", "--horizon", "90d")
    done = run("churn-warn", "--model", "scorecard", "--horizon", "90d", "-f", "csv", "-v")
    assert "customers with a warning on 2025-08-31," in done.stderr
    assert "churned by 2025-11-29" in done.stderr


@pytest.mark.slow
def test_an_entry_that_answers_a_reason_is_listed_with_it(shop: Path, run: Run, listed: list[dict[str, Any]]) -> None:
    code = listed[0]["reasons"][0]["code"]
    shutil.rmtree(shop / "kb")
    (shop / "kb").mkdir()
    (shop / "kb" / "calm.yaml").write_text(
        f"id: calm-them\ntitle: Settle it first\nstate: {{confidence: validated}}\nanswers: {{reasons: [{code}]}}\n",
        encoding="utf-8",
    )
    rows = warned(run, "--dry-run")
    assert rows[0]["answers"] == ["calm-them"]
    assert not rows[0]["unanswered"]
    assert "Settle it first" in run("churn-warn", "--model", "scorecard", "--dry-run", "-f", "md").stdout


@pytest.mark.slow
def test_the_example_shop_has_an_answer_to_every_cause_that_it_names(listed: list[dict[str, Any]]) -> None:
    causes = [row for row in listed if any(reason["cause"] for reason in row["reasons"])]
    assert causes
    assert not any(row["unanswered"] for row in causes)
    late = next(row for row in listed if row["reasons"][0]["code"] == "late_delivery")
    assert {"delivery-late", "delivery-late-again"} <= set(late["answers"])
    told = {answer for row in listed for answer in row["answers"]}
    assert not told & {"delivery-late-2024", "delivery-strike-2025", "invoice-post", "rating-cooler"}


@pytest.mark.slow
def test_the_segment_is_beside_a_warning_once_there_is_a_definition_and_the_ledger_is_read_once(
    shop: Path, run: Run, listed: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ckm.customers import ledger_cache

    assert {row["segment"] for row in listed} == {None}
    run("segment")
    reads, read = [], ledger_cache.read_all_days

    def counted(*words: Any, **options: Any) -> Any:
        reads.append(options)
        return read(*words, **options)

    monkeypatch.setattr(ledger_cache, "read_all_days", counted)
    assert None not in {row["segment"] for row in warned(run, "--dry-run", "--no-cache")}
    assert len(reads) == 1


@pytest.mark.slow
def test_later_rows_change_no_probability_and_no_reason(shop: Path, run: Run, tmp_path: Path) -> None:
    full = warned(run, "--as-of", "2026-03-31", "--dry-run", "--all")
    rows = Store(shop / "store").scan("transactions").collect()
    rows = rows.filter(pl.col("ordered_at").dt.convert_time_zone("Europe/Berlin").dt.date() <= date(2026, 3, 31))
    cut = tmp_path / "cut"
    assert run("init", cut, "--time-zone", "Europe/Berlin").exit_code == 0
    shutil.copytree(shop / "kb", cut / "kb", dirs_exist_ok=True)
    rows.drop("source", "source_file", "source_row", "load_id", "repeat_no").write_parquet(tmp_path / "cut.parquet")
    assert run("ingest", tmp_path / "cut.parquet", "--as", "transactions", "-C", cut).exit_code == 0
    for name in ("customers", "interactions"):
        table = Store(shop / "store").scan(name).collect()
        table.drop("source", "source_file", "source_row", "load_id", "repeat_no").write_parquet(
            tmp_path / f"{name}.parquet"
        )
        assert run("ingest", tmp_path / f"{name}.parquet", "--as", name, "-C", cut).exit_code == 0
    assert warned(run, "-C", cut, "--as-of", "2026-03-31", "--dry-run", "--all") == full


def orders(customers: int, *, once: bool = False, net: float = 20.0, seed: int = 3) -> list[str]:
    dice = random.Random(seed)
    rows = []
    for number in range(customers):
        day, gap = date(2024, 1, 1) + timedelta(days=dice.randrange(300)), dice.uniform(10, 90)
        stop = day + timedelta(days=dice.randrange(1, 700))
        while day <= min(stop, date(2025, 12, 31)):
            rows.append(f"O{len(rows)},C{number:04},{day}T12:00:00Z,{net},EUR,sale")
            if once:
                break
            day += timedelta(days=1 + int(gap * dice.uniform(0.5, 1.6)))
    return rows


def write(path: Path, rows: list[str]) -> Path:
    path.write_text("\n".join(["order_id,customer_id,ordered_at,net,currency,type", *rows]) + "\n", encoding="utf-8")
    return path


@pytest.mark.slow
def test_command_api_report_and_nightly_shorten_the_default_horizon_of_a_thin_shop_alike(
    tmp_path: Path, run: Run
) -> None:
    bought = retail(200, 240, 35)
    rows = [
        f"O{number},{who},{at:%Y-%m-%dT%H:%M:%SZ},{net},EUR,sale" for number, (who, at, net, *_) in enumerate(bought)
    ]
    path = write(tmp_path / "orders.csv", rows)
    assert run("churn-warn", path, "--horizon", "60d").exit_code == 4
    by_command = run("churn-warn", path, "-f", "csv")
    first = by_command.stderr.splitlines()[0]
    assert first.startswith("horizon 30 days, not the default 60, which the data cannot test: ")
    by_api = churn(path)
    assert by_api.forecast.horizon.shortened == first
    assert by_api.frame["customer_id"].to_list() == pl.read_csv(io.StringIO(by_command.stdout))["customer_id"].to_list()
    report = run("loyalty-report", path, "-o", tmp_path / "report.html")
    assert any(line.startswith("churn warnings") and line.endswith(first) for line in report.stderr.splitlines())
    folder = tmp_path / "shop"
    assert run("init", folder).exit_code == 0
    assert run("ingest", path, "--as", "transactions", "-C", folder).exit_code == 0
    done = run("nightly", folder, "-f", "csv")
    assert done.exit_code == 0, done.stderr
    assert first in done.stdout
    assert set(pl.read_csv(folder / "out" / "new-warnings.csv")["horizon_days"]) == {30}


@pytest.mark.slow
def test_a_backtest_shows_every_model_beside_recency_and_writes_a_card(tmp_path: Path, run: Run) -> None:
    path = write(tmp_path / "orders.csv", orders(400))
    words = ("churn-warn", path, "--horizon", "60d", "--backtest")
    done = run(*words, "-f", "csv")
    assert done.exit_code == 0, done.stderr
    scores = pl.read_csv(io.StringIO(done.stdout))
    assert set(scores["model"]) == {*MODELS, "stack"}
    means = {row["model"]: row["auc"] for row in scores.filter(pl.col("cut_off").is_null()).to_dicts()}
    assert means["scorecard"] > means["recency"]
    assert means["stack"] > means["recency"]
    assert run(*words, "-o", tmp_path / "card.html").exit_code == 0
    page = (tmp_path / "card.html").read_text(encoding="utf-8")
    assert "scorecard" in page
    assert "<script" not in page
    assert run(*words, "-o", tmp_path / "card.md").exit_code == 0
    assert run(*words, "-o", tmp_path / "card.json").exit_code == 0
    sections = {row["section"] for row in json.loads((tmp_path / "card.json").read_text(encoding="utf-8"))}
    assert sections == {"data", "models", "reliability", "gain"}


BAD: dict[str, tuple[list[str], list[str], int, str]] = {
    "no orders": ([], [], 4, "no purchase by a known customer"),
    "a cut-off before the first order": (orders(200), ["--as-of", "2020-01-01"], 4, "no purchase by a known customer"),
    "a horizon longer than the history": (orders(200), ["--horizon", "5y"], 4, "longer than the history"),
    "too little history for auto": (orders(200), ["--horizon", "1y"], 4, "are needed"),
    "all customers bought once": (orders(300, once=True), [], 4, "bought on a second day"),
    "one customer": (orders(1), ["--horizon", "30d"], 4, "needed"),
    "returns without purchases": (
        [row.replace("20.0", "-20.0").replace("sale", "return") for row in orders(50)], [], 4, "no purchase",
    ),
    "several currencies": (
        [*orders(50), *(row.replace("O", "P").replace("EUR", "THB") for row in orders(50))], [], 2, "EUR, THB",
    ),
    "no span": (orders(20), ["--horizon", "soon"], 2, "--horizon"),
    "a file cannot have new warnings only": (orders(20), ["--new-only"], 2, "no workspace"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_in_words(tmp_path: Path, run: Run, case: str) -> None:
    rows, words, code, message = BAD[case]
    done = run("churn-warn", write(tmp_path / "orders.csv", rows), *words, "-f", "json")
    assert (done.exit_code, done.stdout) == (code, ""), done.stderr
    error = json.loads(done.stderr.splitlines()[0])["error"]
    assert message in error["message"]
    assert error["hint"]


@pytest.mark.slow
def test_one_time_buyers_alone_are_scored_when_a_horizon_is_named(tmp_path: Path, run: Run) -> None:
    path = write(tmp_path / "orders.csv", orders(300, once=True))
    done = run("churn-warn", path, "--horizon", "60d", "--model", "rule", "-f", "json")
    assert done.exit_code in (0, 4)
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_customer_with_100_000_orders_breaks_nothing(tmp_path: Path, run: Run) -> None:
    many = [
        f"M{number},C9999,{date(2024, 1, 1) + timedelta(days=number % 730)}T{number % 24:02}:00:00Z,5,EUR,sale"
        for number in range(100_000)
    ]
    path = write(tmp_path / "orders.csv", [*orders(200), *many])
    done = run("churn-warn", path, "--horizon", "90d", "--model", "btyd", "--all", "-f", "json")
    assert done.exit_code == 0, done.stderr
    regular = next(row for row in json.loads(done.stdout) if row["customer_id"] == "C9999")
    assert regular["p_churn"] < 0.05


def labelled(path: Path, rows: int = 200, *, values: tuple[str, ...] = ("Yes", "No")) -> Path:
    dice = random.Random(5)
    lines = ["id,months,plan,left"]
    for number in range(rows):
        months = dice.randrange(1, 60)
        left = (
            values[0]
            if dice.random() < 1 / (1 + months / 8)
            else values[dice.randrange(1, len(values)) if len(values) > 1 else 0]
        )
        lines.append(f"{number:04},{months},{dice.choice('AB')},{left}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.slow
def test_a_table_with_a_label_is_scored_out_of_fold(tmp_path: Path, run: Run) -> None:
    path = labelled(tmp_path / "table.csv", rows=600)
    words = ("churn-warn", path, "--label", "left", "--positive", "Yes", "--id", "id")
    done = run(*words, "-f", "json", "-v")
    assert done.exit_code == 0, done.stderr
    rows = json.loads(done.stdout)
    assert len(rows) == 600
    assert [row["p_churn"] for row in rows] == sorted((row["p_churn"] for row in rows), reverse=True)
    assert "out of fold on 600 rows" in done.stderr
    begins = [float(each) / 100 for each in re.findall(r"(?:watch|warn|urgent) from (\d+)%", done.stderr)]
    for row in rows:
        reached = sum(row["p_churn"] >= begin + 0.01 for begin in begins)
        assert reached <= (LEVELS.index(row["level"]) + 1 if row["level"] else 0)
    assert {row["level"] for row in rows} >= {None, "watch"}
    assert run(*words, "--fail-on", "watch").exit_code == 1
    assert {row["model"] for row in json.loads(run(*words, "--backtest", "-f", "json").stdout)} >= {
        "logistic",
        "boosted",
    }
    assert run(*words, "--backtest", "-o", tmp_path / "card.md").exit_code == 0
    assert "Probability that left is Yes." in (tmp_path / "card.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_blank_labels_are_scored_and_a_leak_is_named_and_found_by_fail_on(tmp_path: Path, run: Run) -> None:
    frame = pl.read_csv(labelled(tmp_path / "table.csv", rows=600), infer_schema=False).with_columns(shop=pl.lit("x"))
    reason = pl.when(pl.col("left") == "Yes").then(pl.lit("price"))
    blank = pl.when(pl.int_range(pl.len()) % 10 == 0).then(pl.lit(" ")).otherwise("left").alias("left")
    frame.with_columns(blank).write_csv(tmp_path / "honest.csv")
    frame.with_columns(blank, cancel_reason=reason).write_csv(tmp_path / "leak.csv")
    words = ("--label", "left", "--positive", "Yes", "--id", "id", "--fail-on", "leak")

    done = run("churn-warn", tmp_path / "honest.csv", *words, "-f", "json", "-v")
    assert done.exit_code == 0, done.stderr
    rows = json.loads(done.stdout)
    assert {row["id"] for row in rows if row["label"] is None} == set(frame["id"].gather_every(10))
    assert all(0 < row["p_churn"] < 1 for row in rows)
    assert "60 rows have a blank left" in done.stderr
    assert "columns not used: shop (the same in every row)" in done.stderr
    assert "no column reveals the label alone" in done.stderr

    found = run("churn-warn", tmp_path / "leak.csv", *words, "--backtest", "-v", "-o", tmp_path / "card.md")
    assert found.exit_code == 1, found.stderr
    assert "leak: cancel_reason is filled in 100.0% of the rows" in found.stderr
    assert "unreliable unless cancel_reason was known before the outcome" in found.stderr
    card = (tmp_path / "card.md").read_text(encoding="utf-8")
    assert "All figures are unreliable: column cancel_reason reveals the label" in card
    assert "Columns not used: shop (the same in every row)." in card
    assert not [word for word in ("purchase", "bought", "cut-off", "horizon", "transaction", "silen") if word in card]


def test_transactions_have_no_leak_to_fail_on(tmp_path: Path, run: Run) -> None:
    done = run("churn-warn", labelled(tmp_path / "table.csv"), "--fail-on", "leak")
    assert (done.exit_code, "--label COLUMN" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("values", "words", "code"),
    [
        (("Yes",), ["--positive", "Yes"], 4),
        (("Yes", "No", "Maybe"), ["--positive", "Yes"], 2),
        (("Yes", "No"), ["--positive", "Ja"], 2),
        (("Yes", "No"), [], 2),
    ],
)
def test_an_invalid_label_is_refused(
    tmp_path: Path, run: Run, values: tuple[str, ...], words: list[str], code: int
) -> None:
    done = run("churn-warn", labelled(tmp_path / "t.csv", values=values), "--label", "left", "--id", "id", *words)
    assert (done.exit_code, done.stdout) == (code, ""), done.stderr
    assert "hint: " in done.stderr


@pytest.mark.slow
def test_a_file_holds_the_rows_and_stdout_the_summary(tmp_path: Path, small: Path, run: Run) -> None:
    words = ("churn-warn", "-C", small, "--model", "rule", "--dry-run")
    summary = run(*words, "-o", tmp_path / "rows.csv", "-f", "csv")
    assert summary.stdout.splitlines()[0].startswith("level,customers,suppressed,value_at_risk")
    rows = pl.read_csv(tmp_path / "rows.csv", schema_overrides={"customer_id": pl.String})
    assert tuple(rows.columns) == COLUMNS
    shown = run(*words, "-f", "table").stdout
    assert "urgent" in shown
    mail = run(*words, "-f", "md").stdout
    assert mail.startswith("# Churn warnings")
    assert "## Contact first" in mail
    assert "assumptions: an offer retains" in mail.casefold()


@pytest.mark.slow
def test_the_profit_curve_rises_to_the_best_length_and_falls_after_it(small: Path, run: Run) -> None:
    done = run("churn-warn", "-C", small, "--model", "rule", "--dry-run", "--profit-curve", "-f", "csv")
    curve = pl.read_csv(io.StringIO(done.stdout))
    assert curve.columns == ["customers", "last_gain", "expected_gain"]
    assert curve["last_gain"].is_sorted(descending=True)
    best = curve["expected_gain"].arg_max()
    assert best is not None
    assert curve["expected_gain"].head(best + 1).is_sorted()


@pytest.mark.slow
def test_a_segment_definition_for_other_data_does_not_stop_the_warnings(small: Path, run: Run) -> None:
    rules = small / "rules.yaml"
    text = "schema: ckm.segment_rules/1\nsegments: [{name: Old, when: recency_days > 30}]\n"
    rules.write_text(text, encoding="utf-8")
    assert run("segment", "--by", rules, "--save", "default").exit_code == 0
    saved = small / "segments" / "default.yaml"
    text = saved.read_text(encoding="utf-8").replace("recency_days > 30", "channel_share_kiosk > 0.5")
    saved.write_text(text, encoding="utf-8")
    done = run("churn-warn", "--model", "rule", "--dry-run", "-f", "json", "-v")
    assert done.exit_code == 0, done.stderr
    assert {row["segment"] for row in json.loads(done.stdout)} == {None}
    assert "no segments: " in done.stderr


def seasonal_orders(open_on: Callable[[date], bool], *, days: int, gap: float) -> str:
    """Return orders of customers who buy at random on the days on which the shop is open."""
    dice = random.Random(11)
    lines = ["customer_id,date,amount"]
    for customer in range(1_000):
        day = float(dice.randrange(days // 2))
        while day < days and dice.random() < 0.97:
            when = date(2022, 5, 1) + timedelta(days=int(day))
            if open_on(when):
                lines.append(f"c{customer},{when},{dice.randrange(5, 60)}")
            day += 1 + dice.expovariate(1 / gap)
    return "\n".join(lines)


@pytest.mark.slow
def test_a_shop_that_is_open_in_summer_only_is_trained_on_whole_years_ago(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "beach.csv"
    path.write_text(seasonal_orders(lambda day: day.month in (5, 6, 7, 8), days=1_170, gap=30), encoding="utf-8")
    done = run("churn-warn", path, "--horizon", "1y", "-f", "csv", "-v")
    assert done.exit_code == 0, done.stderr
    assert "it recurs each year, so the cut-offs are whole years apart" in done.stderr
    assert "if it closes again" not in done.stderr


@pytest.mark.slow
def test_the_hint_of_a_shop_that_is_closed_each_august_works(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "closed.csv"
    path.write_text(seasonal_orders(lambda day: day.month != 8, days=1_240, gap=20), encoding="utf-8")
    refused = run("churn-warn", path, "--horizon", "60d")
    assert refused.exit_code == 4
    (horizon,) = re.findall(r"--horizon (\d+d), which contains the yearly closure", refused.stderr)
    assert run("churn-warn", path, "--horizon", horizon, "-f", "csv").exit_code == 0
