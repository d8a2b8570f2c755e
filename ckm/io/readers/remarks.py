"""Count equal remarks on a file, so that a million irregular lines give one sentence."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Remarks:
    """Collect remarks by text, each with its first line and count."""

    _found: dict[str, tuple[int | None, int]] = field(default_factory=dict)

    def add(self, text: str, line: int | None = None, times: int = 1) -> None:
        """Add ``times`` to the count of a remark; ``line`` is 1-based, null for the whole file."""
        first, count = self._found.get(text, (line, 0))
        self._found[text] = (first, count + times)

    def clear(self) -> None:
        """Clear all remarks before a second pass."""
        self._found.clear()

    def listed(self) -> list[tuple[int | None, str]]:
        """Return ``(first line, text)``, with the count of repeated remarks."""
        return [(line, text if n == 1 else f"{text} ({n:,} times)") for text, (line, n) in self._found.items()]
