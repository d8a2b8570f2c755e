"""Results in Spark equal those in memory; Spark runs in its local mode (a cluster: ``bench/spark_cluster.sh``)."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from deltalake import write_deltalake

from ckm.config import Config
from ckm.customers import learning_sample
from ckm.dataset import AS_FOUND, Dataset
from ckm.errors import UsageError
from ckm.identities import FILE, Identities, Link
from ckm.partitions import partitioned_ledger
from ckm.partitions.engine import Engine
from ckm.segment import SegmentOptions, segment_dataset
from tests.conftest import Run
from tests.metrics.stores import example_frames
from tests.partitions.shops import AS_OF, METHODS, assert_same_segments, example_dataset

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("coarse")]


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("orders") / "orders.parquet"
    number = pl.int_range(pl.len())
    lines = example_frames()["transactions"].with_columns(
        order_id=pl.format("o{}", number), product_id=pl.format("p{}", number % 5)
    )
    lines.write_parquet(path)
    return path


@pytest.fixture(scope="module")
def shop(spark: Engine, orders: Path) -> Dataset:
    """Return the example shop as a dataset whose transactions Spark reads, with the table of customers."""
    found = spark.open(orders, None, AS_FOUND)
    found.tables["customers"] = example_dataset().tables["customers"]
    return found


@pytest.fixture(scope="module")
def with_orders() -> Dataset:
    lines = example_frames()["transactions"].with_columns(order_id=pl.format("o{}", pl.int_range(pl.len())))
    return Dataset({**example_dataset().tables, "transactions": lines.lazy()}, "example")


@pytest.mark.parametrize("by", METHODS, ids=str)
def test_segments_in_spark_equal_those_in_memory(
    by: str | Path, spark: Engine, shop: Dataset, with_orders: Dataset, tmp_path: Path
) -> None:
    expected = segment_dataset(with_orders, SegmentOptions(by=by, keep=False), Config())
    assert_same_segments(shop, spark, expected, by, rows=tmp_path / "customers.parquet")


def test_above_the_sample_size_segments_in_spark_equal_those_in_memory(
    spark: Engine, shop: Dataset, with_orders: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (learning_sample, partitioned_ledger):
        monkeypatch.setattr(module, "SAMPLE_CUSTOMERS", 700)
    expected = segment_dataset(with_orders, SegmentOptions(by="value", as_of=AS_OF, keep=False), Config())
    assert expected.definition.customers < expected.customers.height
    assert_same_segments(shop, spark, expected, "value", as_of=AS_OF)


def test_a_delta_table_is_read_through_its_file_list(
    spark: Engine, orders: Path, with_orders: Dataset, tmp_path: Path
) -> None:
    rows = pl.read_parquet(orders)
    half = rows.height // 2
    write_deltalake(tmp_path / "sales", rows.head(half))
    write_deltalake(tmp_path / "sales", rows.tail(-half), mode="append")
    (tmp_path / "sales" / "left-behind.parquet").write_bytes(orders.read_bytes())
    found = spark.open(tmp_path / "sales", None, AS_FOUND)
    alone = Dataset({"transactions": with_orders.tables["transactions"]}, "example")
    expected = segment_dataset(alone, SegmentOptions(by="rfm", keep=False), Config())
    assert_same_segments(found, spark, expected, "rfm")


def test_a_table_by_name_is_read_by_spark(spark: Engine, orders: Path, with_orders: Dataset) -> None:
    from ckm.partitions.spark_session import spark_session

    session = spark_session(None)
    session.read.parquet(str(orders)).createOrReplaceGlobalTempView("sales")
    found = spark.open(Path("global_temp.sales"), None, AS_FOUND)
    alone = Dataset({"transactions": with_orders.tables["transactions"]}, "example")
    expected = segment_dataset(alone, SegmentOptions(by="rfm", keep=False), Config())
    assert_same_segments(found, spark, expected, "rfm")


@pytest.mark.parametrize("source", ["global_temp.sales", "delta"])
def test_churn_warnings_of_a_table_or_delta_folder_equal_those_of_the_file(
    run: Run, spark: Engine, orders: Path, tmp_path: Path, source: str
) -> None:
    """The lists include top products and late deliveries, which executors compute from the transactions."""
    from ckm.partitions.spark_session import spark_session

    lines = pl.read_parquet(orders)
    day = pl.col("ordered_at").dt.date()
    late = lines.with_columns(
        promised_on=day.dt.offset_by("3d"),
        delivered_on=day.dt.offset_by("2d") + pl.duration(days=pl.int_range(pl.len()) % 9),
    )
    late.write_parquet(tmp_path / "late.parquet")
    data: Path | str = source
    if source == "delta":
        data = tmp_path / "sales"
        write_deltalake(data, late)
    else:
        spark_session(None).read.parquet(str(tmp_path / "late.parquet")).createOrReplaceGlobalTempView("sales")
    words = ("--model", "scorecard", "--horizon", "90d", "--all", "-f", "json")
    whole = run("churn-warn", tmp_path / "late.parquet", *words)
    in_spark = run("churn-warn", data, *words, "--engine", "spark", "--partitions", 3)
    assert in_spark.exit_code == 0, in_spark.stderr
    assert '"top_product":"p' in whole.stdout
    assert in_spark.stdout == whole.stdout


@pytest.fixture(scope="module")
def workspace(orders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from typer.testing import CliRunner

    from ckm.cli import app

    root = tmp_path_factory.mktemp("workspace") / "shop"
    customers = orders.with_name("customers.parquet")
    example_frames()["customers"].write_parquet(customers)
    for words in (
        ["init", root],
        ["ingest", orders, "--as", "transactions", "-C", root],
        ["ingest", customers, "--as", "customers", "-C", root],
    ):
        done = CliRunner().invoke(app, [str(word) for word in words])
        assert done.exit_code == 0, done.output
    settings = (root / "ckm.yaml").read_text()
    guest = example_frames()["transactions"]["customer_id"][0]
    (root / "ckm.yaml").write_text(settings.replace("guest_ids: []", f"guest_ids: ['{guest}']"))
    assert guest in (root / "ckm.yaml").read_text()
    return root


@pytest.mark.parametrize(
    "command",
    [
        ("segment", "--by", "lifecycle", "--customers", "-f", "json", "--dry-run"),
        ("churn-warn", "--model", "btyd", "--horizon", "90d", "--all", "-f", "json", "--dry-run"),
        ("loyalty-report", "-f", "json", "--dry-run"),
    ],
    ids=lambda words: words[0],
)
def test_a_command_on_a_workspace_prints_the_same_in_spark_and_in_memory(
    run: Run, spark: Engine, workspace: Path, command: tuple[str, ...]
) -> None:
    name, *options = command
    whole = run(name, workspace, *options)
    in_spark = run(name, workspace, *options, "--engine", "spark", "--partitions", 3)
    assert whole.exit_code == 0, whole.stderr
    assert in_spark.exit_code == 0, in_spark.stderr
    assert in_spark.stdout == whole.stdout


def test_a_report_on_a_url_without_categories_and_channels_has_the_same_metrics_and_customers_in_spark(
    run: Run, spark: Engine, orders: Path, tmp_path: Path
) -> None:
    plain = tmp_path / "plain.parquet"
    pl.read_parquet(orders).drop("category", "channel", strict=False).write_parquet(plain)
    whole = run("loyalty-report", plain, "-f", "json", "--export", tmp_path / "whole")
    words = ("-f", "json", "--engine", "spark", "--partitions", 3, "--export", tmp_path / "in_spark")
    in_spark = run("loyalty-report", f"file://{plain}", *words)
    assert in_spark.exit_code == 0, in_spark.stderr
    files = sorted(each.name for each in (tmp_path / "whole").iterdir())
    assert len(files) > 3
    for name in files:
        assert (tmp_path / "in_spark" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    assert (
        "likely_product"
        in pl.read_parquet(tmp_path / "whole" / "customers.parquet").drop_nulls("likely_product").columns
    )
    assert "dimension=category; value=(none)" in whole.stdout
    assert in_spark.stdout == whole.stdout


def test_a_run_in_spark_is_compared_with_the_previous_saved_run_as_in_memory(
    run: Run, spark: Engine, workspace: Path, tmp_path: Path
) -> None:
    engine = ("--engine", "spark", "--partitions", 3)
    first = run("segment", workspace, "--as-of", AS_OF, *engine)
    assert first.exit_code == 0, first.stderr
    rows = tmp_path / "customers.parquet"
    second = run("segment", workspace, *engine, "-o", rows)
    assert second.exit_code == 0, second.stderr
    again = run("segment", workspace, "--dry-run", "--customers", "-f", "json")
    expected = pl.read_json(again.stdout.encode())
    found = pl.read_parquet(rows / "*.parquet").sort("customer_id")
    assert found["segment"].to_list() == expected["segment"].to_list()
    assert found["previous_segment"].to_list() == expected["previous_segment"].to_list()
    assert found["cause"].drop_nulls().len() > 0
    assert found["cause"].to_list() == expected["cause"].to_list()


@pytest.mark.parametrize(
    "command",
    [
        ("segment", "--by", "value", "--customers"),
        ("churn-warn", "--model", "btyd", "--horizon", "90d", "--all"),
    ],
    ids=lambda words: words[0],
)
def test_linked_customers_of_a_workspace_are_one_person_in_spark(
    run: Run, spark: Engine, workspace: Path, command: tuple[str, ...]
) -> None:
    first, *others = example_frames()["customers"]["customer_id"].head(20)
    words = (command[0], workspace, *command[1:], "-f", "json", "--dry-run")
    unlinked = run(*words)
    Identities(tuple(Link(first, each) for each in others)).write(workspace / FILE)
    try:
        whole, in_spark = run(*words), run(*words, "--engine", "spark", "--partitions", 3)
    finally:
        (workspace / FILE).unlink()
    assert in_spark.exit_code == 0, in_spark.stderr
    assert in_spark.stdout == whole.stdout != unlinked.stdout


def test_a_folder_that_spark_did_not_write_is_not_replaced(
    run: Run, spark: Engine, orders: Path, tmp_path: Path
) -> None:
    target = tmp_path / "kept.parquet"
    target.mkdir()
    (target / "note.txt").write_text("keep me")
    found = run("segment", orders, "--engine", "spark", "--partitions", 2, "-o", target)
    assert found.exit_code == 2
    assert "no folder that Spark wrote" in found.stderr
    assert [each.name for each in target.iterdir()] == ["note.txt"]


def test_an_error_of_an_executor_is_raised_in_the_driver(run: Run, spark: Engine, orders: Path, tmp_path: Path) -> None:
    mixed = pl.read_parquet(orders).with_columns(
        currency=pl.when(pl.int_range(pl.len()) > 20_000).then(pl.lit("USD")).otherwise("currency")
    )
    mixed.write_parquet(tmp_path / "mixed.parquet")
    found = run("segment", tmp_path / "mixed.parquet", "--engine", "spark", "--partitions", 2)
    assert found.exit_code == 2
    assert "several currencies (EUR, USD)" in found.stderr


def test_too_many_invalid_rows_are_refused_with_their_number_only(
    run: Run, spark: Engine, orders: Path, tmp_path: Path
) -> None:
    broken = pl.read_parquet(orders).with_columns(
        ordered_at=pl.when(pl.int_range(pl.len()) % 10 > 0).then("ordered_at"), customer_id=pl.lit("secret-id")
    )
    broken.write_parquet(tmp_path / "broken.parquet")
    found = run("segment", tmp_path / "broken.parquet", "--engine", "spark", "--partitions", 2)
    assert found.exit_code == 3
    assert "are invalid" in found.stderr
    assert "secret" not in found.output


@pytest.mark.parametrize(
    ("name", "command"),
    [("no_such.table", "segment"), ("nowhere.parquet", "segment"), ("some.table", "churn-warn"),
     ("some.table", "loyalty-report")],
)  # fmt: skip
def test_data_that_cannot_be_read_are_refused(run: Run, spark: Engine, name: str, command: str) -> None:
    found = run(command, name, "--engine", "spark")
    assert found.exit_code == 2
    assert found.stderr.count("\n") <= 3


def odd_lines() -> pl.DataFrame:
    """Return 600 lines with other column names, ids in several scripts, decimals, local times and unmapped columns."""
    number = pl.int_range(600)
    scripts = pl.when(number % 2 == 0).then(pl.lit("ลูกค้า")).otherwise(pl.lit("مشتری"))
    days = pl.duration(days=number * 37 % 500, hours=number % 24)
    return pl.select(
        pl.when(number % 9 > 0).then(pl.format("{} {}", scripts, number % 70)).alias("Kunde Nr."),
        pl.when(number != 7)
        .then(pl.datetime(2024, 1, 1, time_zone="UTC") + days)
        .dt.convert_time_zone("Europe/Berlin")
        .alias("Zeit"),
        (number * 13 % 97 + 1).cast(pl.Decimal(12, 4)).alias("Wert (€)"),
        pl.format("o{}", number // 2).cast(pl.Binary).alias("Beleg"),
        (2024 + number % 2).alias("year"),
        pl.lit(value=True).alias("paid"),
        pl.concat_list(number, number).alias("tags"),
    )


def test_odd_columns_in_partition_folders_give_the_same_segments_in_spark(
    run: Run, spark: Engine, tmp_path: Path
) -> None:
    for (year,), lines in odd_lines().partition_by("year", as_dict=True, include_key=False).items():
        folder = tmp_path / "sales" / f"year={year}"
        folder.mkdir(parents=True)
        lines.write_parquet(folder / "part.parquet")
        lines.head(0).write_parquet(folder / "empty.parquet")
    columns = {"customer_id": "Kunde Nr.", "ordered_at": "Zeit", "net": "Wert (€)", "order_id": "Beleg"}
    mapped = [word for target, name in columns.items() for word in ("--column", f"{target}={name}")]
    words = ("segment", tmp_path / "sales", *mapped, "--customers", "-f", "json", "-v")
    whole, in_spark = run(*words), run(*words, "--engine", "spark", "--partitions", 2)
    assert in_spark.exit_code == 0, in_spark.stderr
    assert "ลูกค้า" in in_spark.stdout
    assert in_spark.stdout == whole.stdout
    assert "1 of 600 records failed validation and was excluded" in in_spark.stderr


def test_files_whose_columns_differ_in_type_are_refused(run: Run, spark: Engine, orders: Path, tmp_path: Path) -> None:
    """Spark would read both by the types of one of them."""
    lines = pl.read_parquet(orders).with_columns(customer_id=pl.col("customer_id").cast(pl.Int64))
    folder = tmp_path / "widths"
    folder.mkdir()
    lines.head(100).with_columns(pl.col("customer_id").cast(pl.Int32)).write_parquet(folder / "a.parquet")
    lines.tail(100).write_parquet(folder / "b.parquet")
    found = run("segment", folder, "--engine", "spark")
    assert found.exit_code == 2
    assert "different types in the files" in found.stderr


def test_a_column_that_the_first_file_lacks_is_read(run: Run, spark: Engine, orders: Path, tmp_path: Path) -> None:
    """Spark would take the columns of one file, and count dollars as euros."""
    lines, folder = pl.read_parquet(orders), tmp_path / "currencies"
    folder.mkdir()
    lines.head(1000).drop("currency").write_parquet(folder / "a.parquet")
    lines.tail(1000).with_columns(currency=pl.lit("USD")).write_parquet(folder / "b.parquet")
    found = run("segment", folder, "--engine", "spark", "--partitions", 2)
    assert found.exit_code == 3
    assert "1,000 of 2,000 records are invalid" in found.stderr


def test_text_columns_are_refused(run: Run, spark: Engine, orders: Path, tmp_path: Path) -> None:
    rows = pl.read_parquet(orders).with_columns(pl.col("ordered_at").dt.strftime("%d.%m.%Y"))
    rows.write_parquet(tmp_path / "texts.parquet")
    found = run("segment", tmp_path / "texts.parquet", "--engine", "spark")
    assert found.exit_code == 2
    assert "parsed as text" in found.stderr


def test_data_without_rows_are_refused_as_not_enough_data(
    run: Run, spark: Engine, orders: Path, tmp_path: Path
) -> None:
    pl.read_parquet(orders).head(0).write_parquet(tmp_path / "empty.parquet")
    found = run("segment", tmp_path / "empty.parquet", "--engine", "spark")
    assert found.exit_code == 4
    assert "empty.parquet has no rows" in found.stderr


def test_rows_of_an_earlier_version_of_a_delta_table_are_not_read(
    run: Run, spark: Engine, orders: Path, tmp_path: Path
) -> None:
    rows, folder = pl.read_parquet(orders), tmp_path / "my orders"
    ids = rows["customer_id"].unique().sort()
    some = rows.filter(pl.col("customer_id") < ids[len(ids) // 2])
    for each in (rows, some):
        write_deltalake(str(folder), each.to_arrow(), mode="overwrite")
    words = ("segment", folder, "--customers", "-f", "json")
    whole, in_spark = run(*words), run(*words, "--engine", "spark", "--partitions", 2)
    assert in_spark.exit_code == 0, in_spark.stderr
    assert 0 < pl.read_json(in_spark.stdout.encode()).height < len(ids)
    assert in_spark.stdout == whole.stdout


def test_an_export_of_contactable_customers_is_written_by_the_driver(
    run: Run, spark: Engine, workspace: Path, tmp_path: Path
) -> None:
    """Executors would write all customers, also customers who may not be contacted."""
    consents, target = tmp_path / "consents.csv", tmp_path / "mailing.parquet"
    refused = example_frames()["customers"]["customer_id"].head(50)
    lines = [f"{each},email,no,2024-01-01" for each in refused]
    consents.write_text("customer_id,channel,status,at\n" + "\n".join(lines) + "\n")
    shop = shutil.copytree(workspace, tmp_path / "shop")
    assert run("ingest", consents, "--as", "consents", "-C", shop).exit_code == 0
    found = run("segment", shop, "--contactable", "--engine", "spark", "--dry-run", "-o", target)
    assert found.exit_code == 0, found.stderr
    written = pl.read_parquet(target)["customer_id"]
    assert len(written) > 0
    assert not written.is_in(refused.implode()).any()


def test_spark_writes_no_line_to_stderr(run: Run, spark: Engine, orders: Path) -> None:
    found = run("segment", orders, "--engine", "spark", "--partitions", 2, "-f", "csv")
    assert found.exit_code == 0
    assert not any(word in found.stderr for word in ("WARN", "pyspark", "java", "Warning"))


def test_rows_that_depend_on_a_status_column_are_refused_with_what_reads_them(spark: Engine, tmp_path: Path) -> None:
    rows = {"customer_id": ["a", "b"], "amount": [1.0, 2.0], "status": ["completed", "cancelled"]}
    days = pl.Series("order_date", [datetime(2024, 1, 1), datetime(2024, 1, 2)])
    pl.DataFrame({**rows, "order_date": days}).write_parquet(tmp_path / "orders.parquet")
    with pytest.raises(UsageError, match="status column") as refused:
        spark.open(tmp_path / "orders.parquet", None, AS_FOUND)
    assert "--engine polars" in (refused.value.hint or "")
