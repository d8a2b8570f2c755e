"""Make the example shop again: ``python examples/make_shop.py [FOLDER]`` (default: ``shop`` beside this file)."""

import sys
from pathlib import Path

from ckm.example import make_shop

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "shop"
print("\n".join(make_shop(folder).files))
