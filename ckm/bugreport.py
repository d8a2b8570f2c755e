"""Bug reports: the traceback of an unexpected error, without any data.

A traceback is made for sending to the maintainers. Exceptions of other libraries can quote cells ("could not parse
`…`"), so quoted texts and numbers are masked.
"""

from __future__ import annotations

import re
import traceback

MASK = "…"
LONGEST = 300
"""Maximum characters of an exception's message, because data often follow."""
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
    if isinstance(error, LookupError):  # only the key, which may be an id
        return MASK
    message = _QUOTED.sub(MASK, str(error).partition("\n")[0][:LONGEST])
    return _OPEN_QUOTE.sub(MASK, message)
