"""List customers likely to churn, from a pandas frame of orders: ``python examples/churn_list.py orders.csv``."""

import sys

import pandas as pd

import ckm

orders = pd.read_csv(sys.argv[1], dtype=str)
warnings = ckm.open(orders, currency="EUR").churn(horizon="90d", model="scorecard")
print(warnings.frame.select("customer_id", "level", "p_churn", "value_at_risk", "why").head(20))
warnings.save("churn.csv")
