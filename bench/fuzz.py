"""Run one of the structured fuzzers for as long as wanted, and count the exit codes.

    python bench/fuzz.py parquet                        two minutes
    python bench/fuzz.py options --minutes 10 --seed 7
    python bench/fuzz.py --list                         the kinds

Cases come in rounds of 40; the seed of each round is that of the run plus its number, so that ``--seed`` of a round
that failed brings its cases back. A failed case is printed, with ``--shrink`` as small as can be, as Python that can be
kept as an example in ``tests/fuzz/test_found.py``. The run ends with 1 if one failed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROUND = 40


def main() -> int:
    """Run the fuzzer and print what it found."""
    sys.path.insert(0, str(ROOT))
    import hypothesis
    from hypothesis import HealthCheck, Phase, given, settings

    from tests.fuzz.case import Case  # noqa: TC001 - hypothesis reads annotations
    from tests.fuzz.kinds import KINDS

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kind", choices=[*KINDS], nargs="?")
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--shrink", action="store_true", help="make a failed case small, which takes minutes")
    asked = parser.parse_args()
    if asked.list or asked.kind is None:
        print("\n".join(KINDS))
        return 0
    end = time.monotonic() + 60 * asked.minutes
    counts: Counter[int] = Counter()
    cases = failed = 0
    seed = asked.seed
    while time.monotonic() < end:

        @hypothesis.seed(seed)
        @settings(
            max_examples=ROUND,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink] if asked.shrink else [Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(KINDS[asked.kind])
        def check(case: Case) -> None:
            nonlocal cases
            cases += 1
            counts.update(case.run())

        try:
            check()
        except Exception as error:  # whatever a case ends with, the next round runs
            failed += 1
            print(
                f"seed {seed}: {type(error).__name__}: {error}", *getattr(error, "__notes__", ()), sep="\n", flush=True
            )
        seed += 1
    found = ", ".join(f"{code}: {count:,}" for code, count in sorted(counts.items()))
    print(
        f"{asked.kind}: seeds {asked.seed} to {seed - 1}, {cases:,} cases, {counts.total():,} commands; "
        f"exit codes {found}"
    )
    print(f"{failed} rounds with an undocumented exit code")
    return int(failed > 0)


if __name__ == "__main__":
    raise SystemExit(main())
