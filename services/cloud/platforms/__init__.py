"""Where resources come from. To add a cloud: one file here, one row below."""

from __future__ import annotations

from typing import Final

from services.cloud.platforms import legacy
from services.cloud.platforms.contract import Platform

PLATFORMS: Final[tuple[Platform, ...]] = (Platform("legacy", legacy.resources, "Machines and network namespaces that agents report themselves."),)
