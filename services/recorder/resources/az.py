"""Availability zones of a region."""

from __future__ import annotations

from typing import Final

from services.recorder.resources.contract import Ref, ResourceType

AZ: Final = ResourceType("az", refs=(Ref("region", "region_id"),))
