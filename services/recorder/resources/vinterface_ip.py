"""LAN addresses of an interface. scope vpc: unique in the VPC; host: only on its host."""

from __future__ import annotations

from typing import Final

from services.recorder.resources.contract import Ref, ResourceType, text

VINTERFACE_IP: Final = ResourceType(
    "vinterface_ip",
    refs=(Ref("vpc", "vpc_id"), Ref("vm", "vm_id"), Ref("vinterface", "vinterface_id"), Ref("subnet", "subnet_id", required=False)),
    attributes=(text("ip"), text("scope")),
)
