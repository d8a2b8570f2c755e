"""Claim: ``ckm churn-warn`` with the whole stack takes at most 4 times the CPU time of lifetimes' BG/NBD.

Both read Online Retail from Parquet, as whole processes, and write a file with a probability per customer. lifetimes
fits one model to recency and frequency; ckm backtests six models at four cut-offs, stacks them and writes reasons.

Usage: ``python bench/churn_lifetimes.py [ROUNDS]`` (default 3), where lifetimes 0.11.3 is installed (CKM_SHARED).
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from measure import CKM, SHARED, machine, run

SOURCE = SHARED / "transactions" / "online_retail_2009_2010.parquet"
BAR = 4
PEER = """
import sys
import pandas as pd
from lifetimes import BetaGeoFitter
from lifetimes.utils import summary_data_from_transaction_data
lines = pd.read_parquet(sys.argv[1], columns=["Customer ID", "InvoiceDate", "Quantity"])
bought = lines[lines["Customer ID"].notna() & (lines["Quantity"] > 0)]
customers = summary_data_from_transaction_data(bought, "Customer ID", "InvoiceDate", freq="D")
model = BetaGeoFitter().fit(customers["frequency"], customers["recency"], customers["T"])
alive = model.conditional_probability_alive(customers["frequency"], customers["recency"], customers["T"])
expected = model.conditional_expected_number_of_purchases_up_to_time(
    90, customers["frequency"], customers["recency"], customers["T"]
)
customers.assign(alive=alive, expected=expected).to_csv(sys.argv[2])
print(len(customers), "customers", model.params_.round(4).to_dict())
"""


def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder)
        peers, mine = [], []
        for _ in range(rounds):
            peers.append(run([sys.executable, "-W", "ignore", "-c", PEER, str(SOURCE), str(target / "lifetimes.csv")]))
            warn = [*CKM, "churn-warn", str(SOURCE), "--horizon", "90d", "--all", "-q"]
            mine.append(run([*warn, "-o", str(target / "warnings.csv")]))
            assert peers[-1].code == mine[-1].code == 0
            print(f"  lifetimes      {peers[-1]}: {peers[-1].stdout.strip()}\n  ckm churn-warn {mine[-1]}", flush=True)
    ratio = min(each.cpu for each in mine) / min(each.cpu for each in peers)
    print(f"CPU, best of {rounds}: {ratio:.1f} times lifetimes (at most {BAR})")
    print(machine("lifetimes", "pandas", "polars", "scikit-learn", "scipy"))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
