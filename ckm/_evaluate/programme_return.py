"""Return of the customer knowledge programme: incremental margin of its audiences, costs, net return, payback."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ckm._evaluate.knowledge import newly_validated
from ckm._evaluate.measurement import Measurement, unknown
from ckm.models.intervals import LEVEL, Z

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from ckm._evaluate.measurement import EvaluationSources, MeasuredAudience
    from ckm._outcome.outcome_file import MeasuredEffect
    from ckm.customers.period import Period

    Floats = NDArray[np.float64]

DRAWS = 100_000
"""Number of draws of the simulation; the Monte Carlo error of an end is about 0.5 % of the width of the interval."""
ENDS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
MARGIN_OF_NET = "margin_of_net"
"""Code of the note, and method, of an effect on margin that is computed from an effect on net sales."""
RETURNS = ("net_return", "return_on_cost", "return_probability", "payback_months")


@dataclass(frozen=True)
class Costs:
    """Costs of the customer knowledge programme in a period.

    Attributes
    ----------
    contacts
        Cost of the contacts, in the currency.
    offers
        Cost of the offers, in the currency; None if unknown.
    hours
        Hours of work; None if unknown.
    hour_cost
        Cost of an hour of work, in the currency; None if unknown.
    """

    contacts: float
    offers: float | None
    hours: float | None
    hour_cost: float | None

    @property
    def work(self) -> float | None:
        """Cost of all hours of work, in the currency; None if unknown."""
        return None if self.hours is None or self.hour_cost is None else self.hours * self.hour_cost

    @property
    def total(self) -> float:
        """Sum of the costs of contacts, offers and work, in the currency; unknown costs count as 0."""
        return self.contacts + (self.offers or 0.0) + (self.work or 0.0)

    @property
    def note(self) -> str:
        """Code of a note on the unknown costs that :attr:`total` leaves out; empty if all are known."""
        lacks = (self.offers is None, self.work is None)
        return {(True, True): "no_offers_or_hours", (True, False): "no_offer_cost", (False, True): "without_hours"}.get(
            lacks, ""
        )


def return_of(sources: EvaluationSources, period: Period, months: int, seed: int) -> list[Measurement]:
    """Return the metrics on return, costs and cost per unit in a period.

    An audience belongs to the period in which its window ends. The interval of a sum of effects is simulated: the total
    effect of each audience is drawn from a split normal distribution, whose median is the estimate and whose 2.5 % and
    97.5 % quantiles are the ends of its interval. Draws of different audiences are independent, because their holdouts
    were drawn independently.

    Parameters
    ----------
    sources
        Data of the evaluation.
    period, months
        The period, and its length in months.
    seed
        Random seed of the simulation.
    """
    audiences = sources.audiences_of(period)
    costs = _costs(sources, audiences, period, months)
    found = [*_cost_rows(costs, audiences), *_unit_costs(sources, audiences, period, months, seed)]
    if not audiences:
        lacking = unknown("no_audience", "incremental_margin", "incremental_net_sales", *RETURNS)
        return [*lacking, *found]
    random = np.random.default_rng(seed)
    for metric, name in (("margin", "incremental_margin"), ("net", "incremental_net_sales")):
        effects = _effects(sources, audiences, metric)
        found += _incremental(name, audiences, effects, random)
        if metric == "margin":
            found += _returns(effects, costs, months, np.random.default_rng(seed), _note(audiences, effects))
    return found


def _effects(
    sources: EvaluationSources, audiences: Sequence[MeasuredAudience], metric: str
) -> dict[str, MeasuredEffect]:
    """Return the effect on ``margin`` or ``net`` by name of the audience.

    Only final outcomes in the currency of the shop are used. If an outcome has no effect on margin, the effect on
    margin is its effect on net sales times the setting ``evaluate.margin_share``, with the method
    :data:`MARGIN_OF_NET`; without this setting the audience is left out.
    """
    found = {}
    share = sources.config.evaluate.margin_share if metric == "margin" else None
    for each in audiences:
        outcome = each.outcome
        if outcome is None or not outcome.is_final or outcome.currency != sources.currency:
            continue
        effects = {effect.metric: effect for effect in (outcome.primary, *outcome.secondary)}
        if metric in effects:
            found[each.assignment.name] = effects[metric]
        elif share is not None and "net" in effects:
            net = effects["net"]
            found[each.assignment.name] = replace(
                net,
                metric=metric,
                estimate=share * net.estimate,
                low=share * net.low,
                high=share * net.high,
                treated_mean=share * net.treated_mean,
                holdout_mean=share * net.holdout_mean,
                method=MARGIN_OF_NET,
            )
    return found


def _note(audiences: Sequence[MeasuredAudience], effects: dict[str, MeasuredEffect]) -> str:
    """Return the code of a note on audiences without an effect, or on margins computed from net sales; else empty."""
    if len(effects) == len(audiences):
        return MARGIN_OF_NET if any(each.method == MARGIN_OF_NET for each in effects.values()) else ""
    return "some_without_outcome" if effects else "no_outcome"


def _incremental(
    name: str, audiences: Sequence[MeasuredAudience], effects: dict[str, MeasuredEffect], random: np.random.Generator
) -> list[Measurement]:
    """Return the sum of the effects over all treated persons of all audiences, and the effect of each audience.

    ``name`` is the metric ``incremental_margin`` or ``incremental_net_sales``; amounts are in the currency.
    """
    note = _note(audiences, effects)
    if not effects:
        return unknown(note, name)
    low, high = _interval(list(effects.values()), simulated(effects.values(), random))
    whole = Measurement(name, sum(each.total[0] for each in effects.values()), low, high, len(effects))
    rows = [replace(whole, note=note)]
    for each in audiences:
        audience = each.assignment.name
        if audience in effects:
            effect = effects[audience]
            of_net = MARGIN_OF_NET if effect.method == MARGIN_OF_NET else ""
            rows.append(Measurement(name, *effect.total, n=effect.treated + effect.holdout, of=audience, note=of_net))
        else:
            rows.append(Measurement(name, None, of=audience, note="no_outcome"))
    return rows


def simulated(effects: Iterable[MeasuredEffect], random: np.random.Generator) -> Floats:
    """Return draws of the sum of effects over all treated persons, shape (:data:`DRAWS`,).

    The effects are independent, each with a split normal distribution (see :func:`return_of`).
    """
    draws = np.zeros(DRAWS)
    for effect in effects:
        estimate, low, high = effect.total
        normal = random.standard_normal(DRAWS)
        draws += estimate + normal * np.where(normal > 0, (high - estimate) / Z, (estimate - low) / Z)
    return draws


def _interval(effects: Sequence[MeasuredEffect], draws: Floats) -> tuple[float, float]:
    """Return the 95 % interval of a sum of effects: quantiles of the draws; of one effect its measured interval."""
    if len(effects) == 1:
        return effects[0].total[1:]
    low, high = np.quantile(draws, ENDS)
    return float(low), float(high)


def _returns(
    effects: dict[str, MeasuredEffect], costs: Costs, months: int, random: np.random.Generator, note: str
) -> list[Measurement]:
    """Return net return, probability of a positive return, return on cost, and months until the costs are paid back.

    ``effects`` are the effects on margin by name of the audience; ``note`` is the code of their note.
    """
    if not effects:
        return unknown(note, *RETURNS)
    n, note = len(effects), (costs.note or note) if note == MARGIN_OF_NET else (note or costs.note)
    margin = sum(each.total[0] for each in effects.values())
    draws = simulated(effects.values(), random)
    low, high = _interval(list(effects.values()), draws)
    cost = costs.total
    rows = [
        Measurement("net_return", margin - cost, low - cost, high - cost, n, note=note),
        Measurement("return_probability", float((draws > cost).mean()), n=n, note=note),
    ]
    if cost <= 0:
        return [*rows, *unknown("no_costs", "return_on_cost", "payback_months")]
    ends = ((low - cost) / cost, (high - cost) / cost)
    rows.append(Measurement("return_on_cost", (margin - cost) / cost, *ends, n, note=note))
    if margin <= 0:
        return [*rows, *unknown("no_margin_gained", "payback_months")]
    slowest = cost * months / low if low > 0 else None
    rows.append(Measurement("payback_months", cost * months / margin, cost * months / high, slowest, n, note=note))
    return rows


def _costs(sources: EvaluationSources, audiences: Sequence[MeasuredAudience], period: Period, months: int) -> Costs:
    """Return the costs of audiences, newly validated entries and monthly work in a period, from the settings."""
    settings = sources.config.evaluate
    per_contact = settings.contact_cost if settings.contact_cost is not None else sources.config.churn.contact_cost
    parts = [
        (settings.hours_per_entry, len(newly_validated(sources.entries, period))),
        (settings.hours_per_audience, len(audiences)),
        (settings.hours_per_month, months),
    ]
    known = [hours * count for hours, count in parts if hours is not None]
    return Costs(
        contacts=per_contact * sum(each.assignment.treated for each in audiences),
        offers=_offers(audiences, settings.offer_cost),
        hours=sum(known) if known else None,
        hour_cost=settings.hour_cost,
    )


def _offers(audiences: Sequence[MeasuredAudience], cost: float | None) -> float | None:
    """Return the cost of the offers to treated persons; 0 without offers, None if ``cost`` (per offer) is unknown."""
    persons = sum(each.assignment.treated for each in audiences if each.assignment.offer)
    return 0.0 if not persons else None if cost is None else cost * persons


def _cost_rows(costs: Costs, audiences: Sequence[MeasuredAudience]) -> list[Measurement]:
    """Return the costs by kind, the hours of work, and the sum of the known costs."""
    n = len(audiences)
    return [
        Measurement("contact_costs", costs.contacts, n=n),
        Measurement("offer_costs", costs.offers, n=n, note="no_offer_cost" if costs.offers is None else ""),
        Measurement("hours_of_work", costs.hours, note="no_hours" if costs.hours is None else ""),
        Measurement("hour_costs", costs.work, note="no_hours" if costs.work is None else ""),
        Measurement("total_costs", costs.total, n=n, note=costs.note),
    ]


def _unit_costs(
    sources: EvaluationSources, audiences: Sequence[MeasuredAudience], period: Period, months: int, seed: int
) -> list[Measurement]:
    """Return the number of incremental buyers, and costs and hours per incremental buyer and per validated entry."""
    settings = sources.config.evaluate
    found = []
    measured = [each for each in audiences if _buyers(each) is not None]
    effects = [effect for each in audiences if (effect := _buyers(each)) is not None]
    if not effects:
        found += unknown("no_buyers", "incremental_buyers", "cost_per_incremental_buyer", "hours_per_incremental_buyer")
    else:
        buyers = sum(each.total[0] for each in effects)
        draws = simulated(effects, np.random.default_rng(seed))
        low, high = _interval(effects, draws)
        found.append(Measurement("incremental_buyers", buyers, low, high, len(effects)))
        hours = None if settings.hours_per_audience is None else settings.hours_per_audience * len(measured)
        part = _costs(sources, measured, period, months)
        cost = part.contacts + (part.offers or 0.0) + (hours or 0.0) * (settings.hour_cost or 0.0)
        lacks_work = hours is None or settings.hour_cost is None
        note = Costs(0.0, part.offers, None if lacks_work else 0.0, None if lacks_work else 0.0).note
        for name, amount, what in (
            ("cost_per_incremental_buyer", cost, note),
            ("hours_per_incremental_buyer", hours, "no_hours" if hours is None else ""),
        ):
            if amount is None or buyers <= 0:
                found += unknown(what if amount is None else "no_buyers_gained", name)
            else:
                most = amount / low if low > 0 else None
                found.append(Measurement(name, amount / buyers, amount / high, most, len(effects), note=what))
    return [*found, *_entry_costs(sources, period, months)]


def _buyers(audience: MeasuredAudience) -> MeasuredEffect | None:
    """Return the effect on the share of persons with an order; for the metric churn, its effect with the sign reversed.

    None if the outcome is missing or not final, or if its primary metric is neither order nor churn.
    """
    outcome = audience.outcome
    if outcome is None or not outcome.is_final:
        return None
    primary = outcome.primary
    if primary.metric == "order":
        return primary
    if primary.metric == "churn":
        return replace(primary, estimate=-primary.estimate, low=-primary.high, high=-primary.low)
    return None


def _entry_costs(sources: EvaluationSources, period: Period, months: int) -> list[Measurement]:
    """Return hours and cost per newly validated entry.

    The hours are those per entry, and the monthly hours of the period divided by the number of new entries.
    """
    settings = sources.config.evaluate
    names = ("hours_per_validated_entry", "cost_per_validated_entry")
    new = len(newly_validated(sources.entries, period))
    if not new:
        return unknown("no_new_entry", *names)
    if settings.hours_per_entry is None and settings.hours_per_month is None:
        return unknown("no_hours", *names)
    hours = (settings.hours_per_entry or 0.0) + (settings.hours_per_month or 0.0) * months / new
    per_entry = Measurement(names[0], hours, n=new)
    if settings.hour_cost is None:
        return [per_entry, *unknown("no_hours", names[1])]
    return [per_entry, Measurement(names[1], hours * settings.hour_cost, n=new)]
