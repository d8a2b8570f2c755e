"""Columns that a role may see in a profile, by their exposure.

Without a role all columns are visible. ``profile.roles`` of ckm.yaml lists the exposures that each role may see. A role
that is not listed may see columns of :attr:`ckm.schema.Exposure.group` only. Roles filter the output and are not access
control: a user who can read the workspace's files can read all rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.errors import UnknownNameError
from ckm.schema import Exposure

if TYPE_CHECKING:
    from ckm.settings import ProfileSettings

UNLISTED = frozenset({Exposure.group})
"""Exposures that a role sees which ckm.yaml does not list."""


def visible_exposures(role: str | None, settings: ProfileSettings) -> frozenset[Exposure]:
    """Return the exposures that a role may see; all exposures if the role is None.

    Raises
    ------
    UnknownNameError
        ckm.yaml lists an unknown exposure for the role.
    """
    if role is None:
        return frozenset(Exposure)
    if role not in settings.roles:
        return UNLISTED
    for name in settings.roles[role]:
        if name not in set(Exposure):
            raise UnknownNameError("exposure", name, list(Exposure), where="profile.roles of ckm.yaml")
    return frozenset(Exposure(name) for name in settings.roles[role])
