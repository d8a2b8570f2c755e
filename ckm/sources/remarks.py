"""What is worth telling about a file: counted, so that a million odd lines make one sentence."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Remarks:
    """Collects remarks by their text; each keeps its first line and how often it was made."""

    _found: dict[str, tuple[int | None, int]] = field(default_factory=dict)

    def add(self, text: str, line: int | None = None, times: int = 1) -> None:
        """Note ``text`` once more, about ``line`` (1-based; null for the file as a whole)."""
        first, count = self._found.get(text, (line, 0))
        self._found[text] = (first, count + times)

    def clear(self) -> None:
        """Forget everything, before a second pass makes the same remarks again."""
        self._found.clear()

    def listed(self) -> list[tuple[int | None, str]]:
        """Return ``(first line, text)``; a remark made several times says how often."""
        return [(line, text if n == 1 else f"{text} ({n:,} times)") for text, (line, n) in self._found.items()]
