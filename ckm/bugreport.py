"""What a bug in ckm prints: where it happened, and nothing of the data that it happened to.

A traceback is made to be sent to somebody. What other libraries write into their exceptions quotes cells
("could not parse `…`"), so that texts between quotes and numbers are masked in it.
"""

from __future__ import annotations

import re
import traceback

MASK = "…"
LONGEST = 300
"""Characters of an exception's message; what follows is often the data."""
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|\[[^\]]*\]|\{[^}]*\}|\d(?:[\d.,:-]*\d)?")
_OPEN_QUOTE = re.compile(r"['\"`\[{].*", re.DOTALL)


def bug_report(error: BaseException) -> str:
    """Return the traceback of ``error`` and its causes, oldest first, without values."""
    chain: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in chain:
        chain.append(following)
        following = following.__cause__ or (None if following.__suppress_context__ else following.__context__)
    parts = ["Traceback (most recent call last):\n" + _of(each) for each in reversed(chain)]
    return "\n".join(parts)


def _of(error: BaseException) -> str:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return "".join(traceback.format_tb(error.__traceback__)) + f"{name}: {_masked(error)}"


def _masked(error: BaseException) -> str:
    if isinstance(error, LookupError):  # the key alone, which may be an id
        return MASK
    message = _QUOTED.sub(MASK, str(error).partition("\n")[0][:LONGEST])
    return _OPEN_QUOTE.sub(MASK, message)
