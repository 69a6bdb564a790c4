"""Interfaces of a vm."""

from __future__ import annotations

from typing import Final

from services.recorder.resources.contract import Ref, ResourceType, text

VINTERFACE: Final = ResourceType(
    "vinterface", refs=(Ref("vpc", "vpc_id"), Ref("vm", "vm_id"), Ref("host", "launch_host_id")), attributes=(text("mac"), text("kind"), text("netns"))
)
