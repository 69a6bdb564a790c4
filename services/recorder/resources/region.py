"""Regions."""

from __future__ import annotations

from typing import Final

from services.recorder.resources.contract import ResourceType

REGION: Final = ResourceType("region")
