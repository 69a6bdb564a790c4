"""WAN addresses of an interface."""

from __future__ import annotations

from typing import Final

from services.recorder.resources.contract import Ref, ResourceType, text

IP_RESOURCE: Final = ResourceType(
    "ip_resource",
    refs=(Ref("vpc", "vpc_id"), Ref("vm", "vm_id"), Ref("vinterface", "vinterface_id"), Ref("subnet", "subnet_id", required=False)),
    attributes=(text("ip"), text("scope")),
)
