"""VPCs of a region: an address is unique within one."""

from __future__ import annotations

from typing import Final

from services.recorder.resources.contract import Ref, ResourceType

VPC: Final = ResourceType("vpc", refs=(Ref("region", "region_id"),))
