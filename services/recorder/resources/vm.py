"""Whatever has a network of its own: a machine (htype host), a network namespace or container on it (htype netns)."""

from __future__ import annotations

from typing import Final

from services.recorder.resources.contract import Ref, ResourceType, text

VM: Final = ResourceType(
    "vm",
    refs=(Ref("region", "region_id"), Ref("az", "az_id"), Ref("vpc", "vpc_id"), Ref("host", "launch_host_id")),
    attributes=(text("htype"), text("host_id"), text("ctrl_ip"), text("ctrl_mac"), text("os"), text("netns"), text("workload")),
)
