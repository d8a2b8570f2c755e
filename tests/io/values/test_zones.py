"""Time zones are recognised by the names that programs use."""

from __future__ import annotations

from zoneinfo import available_timezones

import pytest

from ckm.io.values.word_lists import load_data
from ckm.io.values.zones import zone_named


@pytest.mark.parametrize(
    ("word", "zone"),
    [
        ("Eastern Time (US & Canada)", "America/New_York"),
        (" pacific time (us & canada) ", "America/Los_Angeles"),
        ("(GMT-05:00) Eastern Time (US & Canada)", "America/New_York"),
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("Europe/Berlin", "Europe/Berlin"),
        ("PDT", "America/Los_Angeles"),
        ("UTC", "UTC"),
        ("UTC+02:00", "Etc/GMT-2"),
        ("GMT-5", "Etc/GMT+5"),
        ("UTC+05:30", None),
        ("UTC+99", None),
        ("tomorrow", None),
    ],
)
def test_time_zones_are_recognised_by_the_names_that_programs_write(word: str, zone: str | None) -> None:
    assert zone_named(word) == zone


def test_every_name_of_a_time_zone_maps_to_an_existing_zone() -> None:
    data = load_data("time_zones.yaml")
    zones = {zone for program in ("rails", "windows") for zone in data[program].values()}
    assert zones <= available_timezones()
