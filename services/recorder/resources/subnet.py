"""Networks of a VPC."""

from __future__ import annotations

from typing import Final

from services.recorder.resources.contract import Ref, ResourceType, text

SUBNET: Final = ResourceType("subnet", refs=(Ref("region", "region_id"), Ref("az", "az_id"), Ref("vpc", "vpc_id")), attributes=(text("prefix"),))
