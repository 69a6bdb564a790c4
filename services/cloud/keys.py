"""lcuuid: the key of a resource that stays the same from run to run and from machine to machine."""

from __future__ import annotations

import uuid
from typing import Final

_NAMESPACE: Final = uuid.UUID("6f7e1c7e-6d0b-5d6a-9b57-2f1f0f6c7769")


def lcuuid(domain: str, kind: str, natural_key: str) -> str:
    """The same for the same domain, kind and natural key, for ever."""
    return str(uuid.uuid5(_NAMESPACE, f"{domain}/{kind}/{natural_key}"))
