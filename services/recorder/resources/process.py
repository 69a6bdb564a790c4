"""Processes of a vm. listeners is [[protocol, address, port], …]."""

from __future__ import annotations

from typing import Final

from services.recorder.resources.contract import Ref, ResourceType, integer, json, text

PROCESS: Final = ResourceType(
    "process",
    refs=(Ref("vpc", "vpc_id"), Ref("vm", "vm_id"), Ref("host", "launch_host_id")),
    attributes=(integer("pid"), integer("start_time_ms"), text("kname"), text("command"), text("user_name"), text("container_id"), json("listeners")),
)
