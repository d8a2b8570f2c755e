"""Texts of the next steps: the action, its amount, how it is computed, and the command that writes its list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.metrics.next_steps import next_steps
from ckm.plaintext import harmless, shell_word
from ckm.render.document import Action, Actions

if TYPE_CHECKING:
    from ckm._loyalty.localized import LocalizedReport
    from ckm.metrics.next_steps import NextStep

COMMANDS = {
    "call": "ckm churn-warn{data} -o calls.csv",
    "cause": "ckm loyalty-report{data} --export lists",
    "entry": "ckm kb-gaps",
    "win_back": "ckm segment{data} --by lifecycle -o customers.csv",
    "second_order": "ckm loyalty-report{data} --export lists",
}
"""Command that writes the list of each action."""


def actions(localized: LocalizedReport) -> Actions | None:
    """Return the next steps, largest amount first; None without any."""
    steps = next_steps(localized.report.metrics)
    if not steps:
        return None
    note = localized.say("step.note") if len(steps) > 1 else ""
    return Actions(localized.say("step.title"), tuple(_action(localized, step) for step in steps), note)


def _action(localized: LocalizedReport, step: NextStep) -> Action:
    metric, data = step.metric, localized.report.data
    values = {
        "customers": localized.numbers.count(metric.n or 0),
        "reason": localized.called("reason", step.reason or ""),
    }
    return Action(
        localized.written(metric.name, metric.value),
        localized.say(f"step.{step.action}", metric.n, **values),
        localized.say(f"step.{step.action}_how", metric.n, **values),
        COMMANDS[step.action].format(data=f" {harmless(shell_word(data))}" if data else ""),
    )
