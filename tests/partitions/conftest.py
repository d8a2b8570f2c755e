"""Spark engine of the tests: a session in this process, with two cores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ckm.partitions.engine import Engine

FAST_START = (
    "--driver-java-options '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC' --conf spark.sql.codegen.wholeStage=false"
)
"""Options by which Spark compiles less code: the jobs of a test are too short for it to pay."""


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Return an engine with three partitions in Spark's local mode; all tests share its session."""
    pytest.importorskip("pyspark")
    from ckm.partitions.spark_session import LOG_VARIABLE, spark_session

    log: Path = tmp_path_factory.mktemp("spark") / "spark.log"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(LOG_VARIABLE, str(log))
        environment.setenv("PYSPARK_SUBMIT_ARGS", f"{FAST_START} pyspark-shell")
        session = spark_session("local[2]")
    yield Engine("spark", 3, "local[2]")
    session.stop()
