"""``ckm needs``: emerging topics, categories bought next, workarounds, and the next items of each customer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ckm.commands.meta import Meta, read_source, write_meta
from ckm.commands.options import (
    AS_FOUND,
    AsOf,
    Data,
    FileOptions,
    Output,
    OutputFormat,
    Workspace,
    reads_files,
    saying,
)
from ckm.errors import UsageError
from ckm.output import emit_first_rows, progress, remark

if TYPE_CHECKING:
    from collections.abc import Mapping

BY_USE = (
    "kind",
    "need",
    "customers",
    "ratio",
    "low",
    "high",
    "count",
    "expected",
    "customer_id",
    "rank",
    "item",
    "reason",
)
FORMATS = {"expected": "{:,.1f}"}
MOST, FALSE_ALARMS, MIN_GROUP_SIZE = 10, 1.0, 5
"""Defaults of the options; an option that is not given is None, so that a given one without effect is refused."""


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("needs")(needs)


@reads_files
def needs(
    data: Data = None,
    next_items: Annotated[
        bool, typer.Option("--next-items", help="List what each customer probably buys next instead.")
    ] = False,
    most: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="With --next-items: items per customer. Default: 10.")
    ] = None,
    false_alarms: Annotated[
        float | None,
        typer.Option("--false-alarms", metavar="N", help="False alarms of emerging topics per year. Default: 1."),
    ] = None,
    min_group_size: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Leave out needs of fewer customers. Default: 5.")
    ] = None,
    as_of: AsOf = None,
    fmt: OutputFormat = None,
    output: Output = None,
    meta: Meta = None,
    workspace: Workspace = None,
    reading: FileOptions = AS_FOUND,
) -> None:
    """Find what customers need: topics that rise, categories they buy next, workarounds.

    emerging: topics of which customers write more than the volume of all comments explains (negative binomial CUSUM).
    candidate: topics that are new. implied: categories that customers of another category buy next more than others
    do. workaround: items returned and bought again, visits without a purchase, searches without a hit. No text of a
    customer is shown.

    --false-alarms is the expected number of false alarms of emerging topics per year, over all topics; a simulation
    sets the threshold. Exits with 4 if nothing can be tested: topics need 35 weeks of comments.

    Cost: reads the ledger and the comments once; topics take most of the time.

    Examples:
      ckm needs                                 # needs of the workspace
      ckm needs --false-alarms 4 -o out/needs.csv
      ckm needs --next-items -o out/next.csv    # ten items per customer
      ckm needs orders.csv --next-items --most 3
    """
    _refuse_unused(next_items, most, {"--false-alarms": false_alarms, "--min-group-size": min_group_size})
    most = MOST if most is None else most
    false_alarms = FALSE_ALARMS if false_alarms is None else false_alarms
    min_group_size = MIN_GROUP_SIZE if min_group_size is None else min_group_size
    if false_alarms <= 0:
        raise UsageError(f"--false-alarms {false_alarms:g}", hint="give a number above 0, such as 1")
    day = as_of.date() if as_of else None
    with progress("finding needs") as advance:
        from ckm.dataset import open_dataset
        from ckm.needs import needs as find_needs
        from ckm.needs import next_items as find_next_items

        advance.stage("reading")
        dataset = open_dataset(data, workspace, reading.ingest_options(), by_customer=True)
        source = read_source(dataset, data, reading, meta)
        with saying(dataset.remarks, fmt):
            found = (
                find_next_items(dataset, as_of=day, most=most, progress=advance.stage)
                if next_items
                else find_needs(
                    dataset,
                    as_of=day,
                    false_alarms_per_year=false_alarms,
                    min_group_size=min_group_size,
                    progress=advance.stage,
                )
            )
    emit_first_rows(found.frame, fmt, output=output, by_use=BY_USE, formats=FORMATS)
    remark(*found.remarks)
    if meta is not None:
        from ckm.metadata import run_facts

        facts = run_facts(
            "needs",
            dataset,
            source,
            as_of=found.as_of,
            parameters={"most": most}
            if next_items
            else {"false_alarms": false_alarms, "min_group_size": min_group_size},
            settings=(),
            columns=found.frame.columns,
            remarks=found.remarks,
        )
        write_meta(facts, meta)


def _refuse_unused(next_items: bool, most: int | None, of_needs: Mapping[str, float | None]) -> None:
    """Refuse options that have no effect: --most without --next-items, and options of the needs with it.

    Raises
    ------
    UsageError
        Such an option is given.
    """
    if most is not None and not next_items:
        raise UsageError("--most needs --next-items", hint=f"ckm needs --next-items --most {most}")
    for option, value in of_needs.items():
        if value is not None and next_items:
            raise UsageError(f"--next-items and {option} contradict each other", hint=f"leave out {option}")
