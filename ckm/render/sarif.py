"""Export of findings as SARIF 2.1.0, which code hosts show next to the line.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/sarif-v2.1.0-os.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ckm.severity import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {Severity.error: "error", Severity.warning: "warning", Severity.info: "note"}


@dataclass(frozen=True)
class SarifRule:
    """A rule: its id, default severity, passing condition and advice."""

    id: str
    severity: Severity
    condition: str
    remedy: str


@dataclass(frozen=True)
class SarifResult:
    """A violation of a rule.

    Attributes
    ----------
    rule
        Id of a rule.
    path
        The file, with ``/``: relative to where the program runs, or to ``base``.
    line
        1-based; 0 is the file as a whole.
    subject
        Subject of the violation; part of the fingerprint that matches results of two runs.
    """

    rule: str
    severity: Severity
    path: str
    line: int
    message: str
    subject: str = ""


def to_sarif(
    tool: str, version: str, rules: Sequence[SarifRule], results: Iterable[SarifResult], *, base: str | None = None
) -> str:
    """Return the SARIF log of one run as JSON text.

    Parameters
    ----------
    tool, version
        Name and version of the tool.
    rules, results
        All rules, and the violations.
    base
        Name of the base folder of the paths; None if they are relative to the working directory. Its address is not
        written: the log goes to a code host, and no reader there has the machine's folders (SARIF 2.1.0, 3.14.14).
    """
    index = {rule.id: number for number, rule in enumerate(rules)}
    run: dict[str, Any] = {
        "tool": {"driver": {"name": tool, "version": version, "rules": [_rule(rule) for rule in rules]}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(result, index[result.rule], base is not None) for result in results],
    }
    if base is not None:
        run["originalUriBaseIds"] = {"BASE": {"description": {"text": base}}}
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, ensure_ascii=False, indent=1) + "\n"


def _rule(rule: SarifRule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.condition},
        "help": {"text": rule.remedy},
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
    }


def _result(result: SarifResult, index: int, based: bool) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": quote(result.path)}}
    if based:
        place["artifactLocation"]["uriBaseId"] = "BASE"
    if result.line:
        place["region"] = {"startLine": result.line}
    same = "\n".join((result.rule, result.path, result.subject, result.message))
    return {
        "ruleId": result.rule,
        "ruleIndex": index,
        "level": LEVELS[result.severity],
        "message": {"text": result.message},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"ckm/v1": sha256(same.encode("utf-8", "replace")).hexdigest()[:32]},
    }
