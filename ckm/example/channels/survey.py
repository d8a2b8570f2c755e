"""Export of the survey tool: JSON Lines, with some truncated lines, log messages and invalid ratings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ckm.example import days
from ckm.example.channels.channel_export import ChannelExport, with_spoilt_copies
from ckm.example.random_stream import RandomStream

if TYPE_CHECKING:
    from pathlib import Path

    from ckm.example.simulation import Simulation
    from ckm.example.survey_responses import SurveyResponse

CUT_OFF, LOGGED, OFF_SCALE = 5, 3, 4


def write_survey(world: Simulation, incoming: Path) -> ChannelExport:
    """Write the survey responses to ``survey.jsonl``."""
    lines = [_line(response) for response in world.responses]
    spoilers = [(_cut, CUT_OFF), (_log, LOGGED), (_off_scale, OFF_SCALE)]
    body = with_spoilt_copies(lines, spoilers, RandomStream(world.seed, "export", "survey"))
    (incoming / "survey.jsonl").write_bytes("".join(f"{line}\n" for line in body).encode())
    return ChannelExport(
        file="incoming/survey.jsonl",
        table="interactions",
        encoding="utf-8",
        delimiter=None,
        records=len(body),
        rejected={"cut off": CUT_OFF, "not JSON": LOGGED},
        broken={"rating off its scale": OFF_SCALE},
    )


def _line(response: SurveyResponse) -> str:
    """Return a response as a JSON line without line end."""
    fields = {
        "answer_id": response.number,
        "customer": response.customer_id,
        "answered_at": days.moment(response.day, response.minute, days.BERLIN).isoformat(),
        "question": response.question,
        "score": response.rating,
        "comment": response.text,
        "lang": response.lang,
        "article": response.product_id,
    }
    return json.dumps(fields, ensure_ascii=False)


def _cut(line: str, stream: RandomStream) -> str:
    """Return a truncated copy of a line."""
    return line[: stream.whole(20, 60)]


def _log(line: str, stream: RandomStream) -> str:
    """Return a log message instead of a line."""
    return "WARN survey-export: timeout, retrying"


def _off_scale(line: str, stream: RandomStream) -> str:
    """Return a copy of a line with the rating 99, which no scale has."""
    return json.dumps(json.loads(line) | {"score": 99}, ensure_ascii=False)
