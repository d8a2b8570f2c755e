"""Names that a folder or a file can have, and the walk through ckm in a workspace of such a name."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.conftest import Run

NAMES = (
    "plain", "my shop", " lead", "trail ", "ร้าน", "商店", "فروشگاه", "Läden", "La\u0308den", 'a"b', "a{b}", "50% off",
    "a%41b", "a#b", "a?b", "a\\b", "a[b]", "a*b", "a&b", "a'b", "a;b", "~", "$HOME", "a+b", "x=1", "a:b", "-a", "..a",
    "emoji😀", "tab\tb", "nl\nb", "a|b^c", os.fsdecode(b"caf\xe9"), "x" * 255, "ร" * 85, "http:", "<i>&amp;",
    "a,b@c!(d)",
)  # fmt: skip
CSV = "order_id,line_no,customer_id,ordered_at,category,quantity,net,currency"


def on_this_system(name: str) -> bool:
    """Whether the system has files of such a name."""
    if sys.platform == "win32":
        return not set(name) & set('<>:"/\\|?*\t\n') and not name.endswith((" ", "."))
    return sys.platform != "darwin" or name.isprintable()


def orders(customers: int = 110) -> str:
    """Orders of a small shop, one of them without a day."""
    rows = [CSV]
    for customer in range(customers):
        for order in range(2 + customer % 6):
            day = f"2024-{1 + (customer * 3 + order * 5) % 12:02d}-{1 + (customer * 7 + order * 11) % 28:02d}"
            net = 10 + (len(rows) * 7) % 90
            rows.append(f"o{len(rows)},1,c{customer:03d},{day},cat{order % 4},{1 + order % 3},{net}.50,EUR")
    return "\n".join([*rows, "bad,1,c1,no day,cat1,1,5.00,EUR", ""])


def walk(run: Run, root: Path) -> None:
    """Run every command in a new workspace; each must end as it does in a folder of a plain name."""

    def done(*words: object, code: int = 0) -> str:
        result = run(*words)
        assert result.exit_code == code, (words, result.output)
        return result.stdout

    out = root / "out"
    done("init", root)
    incoming = root / "incoming" / "orders.csv"
    incoming.write_text(orders(), encoding="utf-8")
    done("inspect", incoming, "-o", out / "clean.csv")
    load = ("ingest", "-C", root, incoming, "--as", "transactions", "--save-map", root / "maps" / "shop.yaml")
    done(*load, "--dry-run")
    done(*load)
    done("ingest", "-C", root)
    done("ingest", "-C", root, "--requarantine")
    assert "incoming/orders.csv" in done("ingest", "-C", root, "--history")
    done("check", "-C", root)
    for method in ("rfm", "value", "lifecycle", "clusters"):
        done("segment", "-C", root, "--by", method, "-o", out / f"{method}.csv")
    done("segment", "-C", root, "--save", "mine", "-o", out / "mine.xlsx")
    done("segment", "-C", root, "--use", "mine", "--customers", "-o", out / "mine.parquet")
    done("segment", "-C", root, "--as-of", "2024-10-31")
    done("segment", "-C", root, "--moves")
    done("churn-warn", "-C", root, code=4)  # too few customers, which it has read
    for suffix in ("html", "md", "xlsx"):
        done("loyalty-report", "-C", root, "-o", out / f"loyalty.{suffix}")
    done("loyalty-report", "-C", root, "--export", out / "export")
    done("kb-new", "-C", root, "--title", "Late parcel", "--id", "late")
    done("kb-lint", "-C", root)
    for _ in range(2):  # the second time from the index that was kept
        assert "late" in done("kb-search", "-C", root, "parcel", "--include-inactive", "-f", "csv")
    done("kb-show", "-C", root, "late")
    done("kb-gaps", "-C", root)
    done("ingest", "-C", root, "--undo", "incoming/orders.csv", "--dry-run")
    done("ingest", "-C", root, "--undo", incoming)
    assert sorted(path.name for path in root.parent.iterdir()) == [root.name]
