"""A role sees the columns of the exposures that the settings list for the role."""

from __future__ import annotations

from datetime import date

import pytest

from ckm._profile.figures import NotKnown, ProfileFigure, ProfileSection, ProfileTable
from ckm._profile.roles import visible_exposures
from ckm.errors import UnknownNameError
from ckm.schema import Exposure
from ckm.settings import ProfileSettings

SETTINGS = ProfileSettings(roles={"service": ("group", "identity"), "odd": ("grop",)})
DAY = date(2026, 6, 30)


def test_without_a_role_everything_is_visible() -> None:
    assert visible_exposures(None, SETTINGS) == set(Exposure)


def test_a_listed_role_sees_the_exposures_in_the_settings() -> None:
    assert visible_exposures("service", SETTINGS) == {Exposure.group, Exposure.identity}


def test_an_unlisted_role_sees_columns_of_groups_only() -> None:
    assert visible_exposures("visitor", SETTINGS) == {Exposure.group}


def test_an_unknown_exposure_in_the_settings_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="unknown exposure 'grop'") as caught:
        visible_exposures("odd", SETTINGS)
    assert caught.value.hint == "did you mean 'group'?"


def test_hidden_figures_columns_and_missing_facts_are_removed_from_a_section() -> None:
    section = ProfileSection(
        "who",
        "Customer",
        (
            ProfileFigure("country", "Country", "DE", "customers", DAY, Exposure.group),
            ProfileFigure("email", "E-mail", "ann@example.org", "customers", DAY, Exposure.identity),
        ),
        (
            ProfileTable(
                "open", "Open", {"topic": Exposure.group, "text": Exposure.identity}, (("tea", "hm"),), "i", DAY
            ),
            ProfileTable("links", "Linked ids", {"id": Exposure.identity}, (("c1",),), "i", DAY),
        ),
        (NotKnown("telephone", "", Exposure.identity), NotKnown("consents", "")),
    )
    seen = section.visible({Exposure.group})
    assert [figure.name for figure in seen.figures] == ["country"]
    assert [(table.name, [*table.columns], table.rows) for table in seen.tables] == [("open", ["topic"], (("tea",),))]
    assert [each.what for each in seen.not_known] == ["consents"]
