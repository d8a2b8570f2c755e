"""A simulated shop: customers who buy at individual rates until they drop out, and their windows on any day."""

from dataclasses import dataclass

import numpy as np

from ckm.models.churn.training_set import TrainingSnapshot
from ckm.models.sampling import id_hashes

HORIZON = 30


@dataclass(frozen=True)
class Shop:
    """Customer ids, and purchase days of each customer, ascending."""

    ids: list[str]
    days: list[np.ndarray]

    def window(self, day: int, horizon: int = HORIZON) -> TrainingSnapshot:
        rows = [index for index, days in enumerate(self.days) if days[0] <= day]
        seen = [self.days[index][self.days[index] <= day] for index in rows]
        gaps = [np.diff(days) for days in seen]
        usual = np.log(np.quantile(np.concatenate([*gaps, [20.0]]), 0.8))
        features = {
            "days_silent": np.array([float(day - days[-1]) for days in seen]),
            "purchase_days": np.array([float(len(days)) for days in seen]),
            "gap_p80_days": np.array([np.exp((np.log(each).sum() + 3 * usual) / (len(each) + 3)) for each in gaps]),
            "gap_last_ratio": np.array([each[-1] / np.median(each) if len(each) else np.nan for each in gaps]),
            "tenure_days": np.array([float(day - days[0]) for days in seen]),
            "constant": np.ones(len(seen)),
            "unknown": np.full(len(seen), np.nan),
        }
        came = [((self.days[index] > day) & (self.days[index] <= day + horizon)).any() for index in rows]
        return TrainingSnapshot(day, features, ~np.array(came), id_hashes([self.ids[index] for index in rows]))

    def until(self, day: int) -> "Shop":
        """Return the shop with only the purchases by a day."""
        kept = [(each, days[days <= day]) for each, days in zip(self.ids, self.days, strict=True) if days[0] <= day]
        return Shop([each for each, _ in kept], [days for _, days in kept])


def make_shop(customers: int = 700, days: int = 200, seed: int = 0) -> Shop:
    random = np.random.default_rng(seed)
    histories = []
    for _ in range(customers):
        first = int(random.integers(0, days // 2))
        rate, leaving = random.gamma(1.5, 1 / 25), random.beta(1, 4)
        history = [first]
        while random.random() > leaving:
            history.append(history[-1] + 1 + int(random.exponential(1 / rate)))
        histories.append(np.array([day for day in history if day <= days]))
    return Shop([f"c{number:05d}" for number in range(customers)], histories)
