"""ckm whose models learn in few rounds and from little of the past: ``python -m tests.coarse segment orders.csv``."""

from __future__ import annotations

import pytest

FEW = {
    "ckm.models.churn.boosted.TREES": 5,
    "ckm.models.churn.labelled_models.TREES": 5,
    "ckm.models.spend.candidates.TREES": 5,
    "ckm.models.clusters.cluster_stability.BOOTSTRAPS": 2,
    "ckm.models.clusters.cluster_stability.BOOTSTRAP_RESTARTS": 2,
    "ckm.models.cutoffs.TESTS": 2,
    "ckm.models.cutoffs.TRAININGS": 4,
    "ckm.models.btyd.fitting.STARTS": 1,
}
"""How often and from how much. A fit from one start, the likeliest, ends in the same maximum or in another one."""


def learn_coarsely(patch: pytest.MonkeyPatch) -> None:
    for name, value in FEW.items():
        patch.setattr(name, value)


if __name__ == "__main__":
    from ckm.cli import main

    learn_coarsely(pytest.MonkeyPatch())
    main()
