"""Export of the assignments of the campaign: treated customers, who got the letter, and the holdout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.example.words import words

if TYPE_CHECKING:
    from pathlib import Path

    from ckm.example.simulation import Simulation


def write_campaign(world: Simulation, folder: Path) -> None:
    """Write the assignments to ``campaign.csv`` in the folder of the shop.

    The file is outside of ``incoming/``, because the store has no table for assignments.
    """
    plan = words("campaign")
    lines = [f"{plan['campaign_id']},{each.customer_id},{each.arm},{plan['assigned_at']}" for each in world.assignments]
    text = "\n".join(["campaign_id,customer_id,arm,assigned_at", *lines])
    (folder / "campaign.csv").write_bytes(f"{text}\n".encode())
