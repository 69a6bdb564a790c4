"""Physical hosts and hypervisors. host_id is the machine's own stable id."""

from __future__ import annotations

from typing import Final

from services.recorder.resources.contract import Ref, ResourceType, text

HOST: Final = ResourceType("host", refs=(Ref("region", "region_id"), Ref("az", "az_id")), attributes=(text("ip"), text("host_id")))
