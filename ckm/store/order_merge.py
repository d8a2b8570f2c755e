"""Merge of a load's orders into known orders: changed orders, earlier states, and unchanged orders."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.schema import is_refund_of_line
from ckm.store.delta import aligned
from ckm.store.incomplete_orders import completed, with_known_amounts
from ckm.store.load_moment import LoadMoment, find_moment
from ckm.store.loads import order_digest
from ckm.store.order_candidates import FILE, POSITION, add_places
from ckm.store.order_moments import as_moment, as_text, progress
from ckm.store.order_states import EQUAL, KNOWN_FROM, MOMENT, ORDER, STORED_AMOUNTS, compare, contents, state_moments
from ckm.store.replaced_states import in_scope, present_rows, redated_orders, replaced_states, state_schema
from ckm.store.side_tables import REPLACED_BY
from ckm.store.undated_returns import ROW, is_undated

if TYPE_CHECKING:
    from collections.abc import Collection

    from ckm.store.delta import StoredTable
    from ckm.store.loads import LoadFacts
    from ckm.store.order_candidates import OrderCandidates
    from ckm.store.order_states import OrderReading

A_MOMENT = pl.duration(microseconds=1)
"""If two states of an order have the same moment, the earlier state is dated this much before it."""


class OrderMerge:
    """Merge of the orders of a load, which is added to the plan of the load.

    Parameters
    ----------
    candidates
        The orders, their new and known rows, and the plan.
    side
        The table of replaced rows.
    """

    def __init__(self, candidates: OrderCandidates, side: StoredTable) -> None:
        self.candidates, self.side = candidates, side
        self.plan, self.amounts = candidates.plan, candidates.amounts
        self.when = LoadMoment(as_moment(candidates.facts.moment) or candidates.orders.span.last)
        self.merged = self.older = self.kept = 0

    def merge_states(self) -> LoadFacts:
        """Merge the file's orders with their known states, and add the result to the plan of the load.

        Returns the facts of the load, with its moment and the counts of merged orders.
        """
        candidates, facts = self.candidates, self.candidates.facts
        if candidates.known_files:
            if facts.moment is None:
                self.when = find_moment(candidates)
                page = self.when.page_before
                facts = replace(facts, continues=page.load_id if page else None)
            for new, known in candidates.parts(self._affected()):
                self._merge(new, known)
            self._date_reloaded()
        return replace(
            facts,
            moment=as_text(self.when.moment),
            merged=self.merged,
            older=self.older,
            kept_amounts=self.kept,
            edges=tuple(order_digest(order) for order in candidates.orders.edges),
        )

    def merge_further_lines(self) -> None:
        """Add further lines of known orders to the plan; spread the order amounts over all lines of these orders."""
        if not self.candidates.known_files:
            return
        reading = replace(self.candidates.reading, whole=False)
        for new, known in self.candidates.parts(self.candidates.changed):
            parts = completed(new, known.drop(FILE, POSITION), reading, self.amounts).orders
            new, known = (side.filter(pl.col(ORDER).is_in(parts.implode())) for side in (new, known))
            self._merge_later(new, known, reading, self._states(new, known).drop("load_id"))

    def _affected(self) -> pl.Series:
        """Return the orders to merge: changed orders and, if the file is older, all orders of later loads.

        If an order in an older file equals the known one, the file shows that the order already had its state earlier.
        """
        changed, loads = self.candidates.changed, self.candidates.loads
        if self.when.moment is None or self.candidates.any_source:
            return changed
        later = loads.filter(pl.col("moment") > self.when.moment)["load_id"].implode()
        found = [rows.filter(pl.col("load_id").is_in(later))[ORDER] for rows in self.candidates.known.values()]
        return pl.concat([changed, *found]).unique().sort()

    def _merge(self, new: pl.DataFrame, known: pl.DataFrame) -> None:
        """Merge a batch of orders, whose state in the file is later or earlier than the known state."""
        reading = replace(self.candidates.reading, edges=self.candidates.cut_edges(new))
        states = self._states(new, known)
        if self.when.is_older:  # if two states have one moment, the state of the older export is the earlier one
            at, known_at = pl.col("at"), pl.col("before")
            found = progress(new, known, refunds=reading.refunds).filter(
                "earlier", ~pl.col(ORDER).is_in([*reading.edges])
            )
            is_before = (at == known_at) | pl.col(ORDER).is_in(found[ORDER].implode())
            before_known = pl.min_horizontal(at, known_at - A_MOMENT)
            states = states.with_columns(at=pl.when(is_before).then(before_known).otherwise(at))
        is_earlier = (pl.col("at") < pl.col("before")).fill_null(value=False) & pl.lit(not self.candidates.any_source)
        of_earlier = pl.col(ORDER).is_in(states.filter(is_earlier)[ORDER].implode())
        self._merge_later(new.filter(~of_earlier), known.filter(~of_earlier), reading, states)
        self._merge_earlier(new.filter(of_earlier), known.filter(of_earlier), reading, states)

    def _states(self, new: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
        """Return one row per order of the file.

        ``load_id`` of this load; ``at`` and ``before``, the moments of the state in the file and of the known state.
        """
        load_id = self.candidates.facts.load_id
        load = pl.DataFrame(
            {"load_id": [load_id], "moment": [self.when.moment]}, schema={"load_id": pl.String(), "moment": MOMENT}
        )
        before = state_moments(known, self.candidates.loads).rename({"at": "before"})
        states = state_moments(new, load).with_columns(load_id=pl.lit(load_id))
        return states.join(before, on=ORDER, how="left", maintain_order="left")

    def _merge_later(self, new: pl.DataFrame, known: pl.DataFrame, reading: OrderReading, states: pl.DataFrame) -> None:
        """Add to the plan that known orders are replaced by their later states in the file."""
        if new.is_empty():
            return
        plan, known_rows = self.plan, known.drop(FILE, POSITION)
        kept = with_known_amounts(new, known_rows, reading, self.amounts)
        whole = completed(kept.rows, known_rows, reading, self.amounts)
        found = compare(whole.rows, known_rows, reading, states)
        of_changed = pl.col(ORDER).is_in(found.changed.implode())
        replaced = known.filter(of_changed)
        is_state = ~pl.col(ORDER).is_in((whole.joined if reading.whole else whole.joined.clear()).implode())
        at = states.select(ORDER, pl.when(is_state).then("before").alias(KNOWN_FROM))
        plan.replaced.append(replaced.drop(FILE, POSITION).join(at, on=ORDER, how="left", maintain_order="left"))
        add_places(plan.stale, replaced)
        plan.entering.append(found.states)
        open_rows = self.candidates.open_rows(new)
        of_parts = pl.col(ORDER).is_in(pl.concat([kept.orders, whole.orders]).implode())
        is_unchanged = pl.col(ROW).is_in(found.unchanged.implode())
        add_places(plan.redundant, new.filter(of_changed | of_parts | is_unchanged))
        plan.updated += int(open_rows.is_in(found.updated.implode()).sum())
        plan.unchanged += int(open_rows.is_in(found.unchanged.implode()).sum())
        completed_orders = found.changed.filter(found.changed.is_in(whole.orders.implode()))
        self.merged += pl.concat([found.partial, completed_orders]).n_unique()
        self.kept += len(kept.orders)

    def _merge_earlier(
        self, new: pl.DataFrame, known: pl.DataFrame, reading: OrderReading, states: pl.DataFrame
    ) -> None:
        """Add to the plan the earlier states of known orders that the file contains."""
        if new.is_empty():
            return
        reading = replace(reading, whole=True, earlier=True)
        known_rows = known.drop(FILE, POSITION)
        before_refunds = known_rows
        if self.amounts is not None and STORED_AMOUNTS in known_rows.columns:
            before_refunds = self.amounts.without_refunds(known_rows)
        kept = with_known_amounts(new, before_refunds, reading, self.amounts)
        parts = completed(kept.rows, before_refunds, reading, self.amounts)
        reading = replace(reading, edges=reading.edges - {*parts.orders})
        found = compare(parts.rows, known_rows, reading, states)
        self.plan.unchanged += len(self.candidates.open_rows(new))
        add_places(self.plan.redundant, new)
        successor = known.group_by(ORDER).agg(pl.col("load_id").max().alias(REPLACED_BY))
        at = states.select(ORDER, pl.col("at").alias(KNOWN_FROM)).join(successor, on=ORDER, how="left")
        before = self._states_of(found.changed)
        earlier = self._with_first_line(found.states, new, parts.orders)
        earlier = earlier.join(at, on=ORDER, how="left", maintain_order="left")
        earlier = earlier.join(before, on=[ORDER, KNOWN_FROM], how="anti", maintain_order="left")
        if not reading.refunds:  # a file that never contains refunds does not show the refunds of that time
            refunded = pl.concat([rows.filter(is_refund_of_line())[ORDER] for rows in (known, before)])
            earlier = earlier.filter(~pl.col(ORDER).is_in(refunded.implode()))
        same = _equal_to_state_before(earlier, before, reading.columns)
        earlier = earlier.join(same, on=ORDER, how="anti", maintain_order="left")
        self.plan.earlier.append(earlier)
        self._date_again(known.filter(pl.col(ORDER).is_in(earlier[ORDER].unique().implode())), before, earlier)
        self.older += earlier[ORDER].n_unique()

    def _with_first_line(self, states: pl.DataFrame, new: pl.DataFrame, parts: pl.Series) -> pl.DataFrame:
        """Return states without orders whose first line, which has the order's status, is missing from the file.

        ``parts`` are the ids of the orders that were completed by known lines.
        """
        if self.amounts is None or parts.is_empty():
            return states
        with_first_line = new.filter(self.amounts.has_order_amounts())[ORDER].unique()
        without = parts.filter(~parts.is_in(with_first_line.implode()))
        return states.filter(~pl.col(ORDER).is_in(without.implode()))

    def _date_reloaded(self) -> None:
        """Date the undated returns of orders whose rows in the table are only from an earlier load of this file."""
        candidates, plan = self.candidates, self.plan
        if not candidates.superseded or not self.side.exists:
            return
        known = [rows[ORDER] for rows in candidates.known.values()]
        others = pl.concat([pl.Series(ORDER, [], dtype=pl.String), *known]).unique()
        mine = pl.concat([*candidates.ids.values()]).unique()
        states = self._states_of(mine.filter(~mine.is_in(others.implode())))
        rows = candidates.new_rows(states[ORDER].unique().to_list())
        undated = rows.filter(is_undated())
        if undated.is_empty():
            return
        dated = present_rows(rows.drop(FILE, POSITION), states, self._loads_with_this()).filter(is_undated())
        add_places(plan.redundant, undated)
        plan.entering.append(dated)
        # a known row of a replaced load that equals a newly dated return would be duplicated
        for name, positions in plan.matched.items():
            matched = candidates.rows({name: np.concatenate(positions)}).filter(
                is_undated(),
                pl.col(ORDER).is_in(states[ORDER].unique().implode()),
                pl.col("load_id").is_in(candidates.superseded),
            )
            add_places(plan.stale, matched)
            plan.replaced.append(matched.drop(FILE, POSITION))

    def _date_again(self, known: pl.DataFrame, before: pl.DataFrame, earlier: pl.DataFrame) -> None:
        """Recompute the dates of undated returns, because the file adds earlier states of known orders.

        Parameters
        ----------
        known
            Rows of these orders in the table.
        before
            Earlier states of these orders in the store.
        earlier
            Earlier states that the file adds.
        """
        replaced = pl.concat([before, aligned(earlier, before.schema)])
        present = known.drop(FILE, POSITION)
        dated = present_rows(present, replaced, self._loads_with_this())
        of_redated = pl.col(ORDER).is_in(redated_orders(dated, present).implode())
        add_places(self.plan.stale, known.filter(of_redated))
        self.plan.entering.append(dated.filter(of_redated))

    def _loads_with_this(self) -> pl.DataFrame:
        """Return the loads of the table and this load."""
        loads = self.candidates.loads
        values = {
            "load_id": [self.candidates.facts.load_id],
            "number": [len(loads)],
            "moment": [self.when.moment],
        }
        this = pl.DataFrame(values, schema_overrides={"number": pl.Int64(), "moment": MOMENT})
        return pl.concat([loads, this], how="diagonal")

    def _states_of(self, orders: pl.Series) -> pl.DataFrame:
        """Return the stored earlier states of orders that may belong to this source."""
        candidates = self.candidates
        states = replaced_states(self.side, candidates.loads, orders)
        states = aligned(states, state_schema(candidates.schema))
        if candidates.any_source:
            return states
        return states.filter(in_scope(candidates.facts.source, candidates.table.name))


def _equal_to_state_before(states: pl.DataFrame, stored: pl.DataFrame, columns: Collection[str]) -> pl.DataFrame:
    """Return the orders whose state equals their last stored state before it; only columns of the file count."""
    compared = [name for name in states.columns if name in columns]
    now = contents(states, compared).join(states.select(ORDER, KNOWN_FROM).unique(), on=ORDER, how="left")
    then = contents(stored, compared, [ORDER, KNOWN_FROM, REPLACED_BY]).rename({KNOWN_FROM: "then"})
    last = now.join(then, on=ORDER, suffix=" then").filter(pl.col("then") < pl.col(KNOWN_FROM)).sort("then")
    return last.group_by(ORDER).last().filter(pl.col(EQUAL) == pl.col(f"{EQUAL} then"))
