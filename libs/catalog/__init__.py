"""Closed sets: the numbers that mean something, and the ports and names that are fixed.

Admission rule: a set whose members are known when Weir is built, with the number or word that is stored for each.
"""

from __future__ import annotations

from typing import Final

from libs.catalog.enums import ENUMS, Member
from libs.catalog.kinds import RESOURCE_KINDS, ResourceKind
from libs.catalog.ports import PORTS, Port

__all__: Final = ["ENUMS", "PORTS", "RESOURCE_KINDS", "Member", "Port", "ResourceKind"]
