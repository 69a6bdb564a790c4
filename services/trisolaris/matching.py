"""Which recorded machine an unknown agent runs on: its MAC in vinterface, its address in vinterface_ip or ip_resource."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.trisolaris.identity import Identity


@dataclass(frozen=True, slots=True)
class Machine:
    """A row of meta.vm."""

    id: int
    lcuuid: str
    vpc_id: int


_BY_INTERFACE = """SELECT vm.id, vm.lcuuid::text, coalesce(vm.vpc_id, 0) AS vpc_id
FROM meta.vinterface JOIN meta.vm ON vm.id = vinterface.vm_id AND vm.deleted_at IS NULL
WHERE vinterface.mac = $1 AND vinterface.deleted_at IS NULL AND vm.host_id IN ($3, '')
  AND (EXISTS (SELECT FROM meta.vinterface_ip AS lan WHERE lan.vinterface_id = vinterface.id AND lan.ip = $2 AND lan.deleted_at IS NULL)
    OR EXISTS (SELECT FROM meta.ip_resource AS wan WHERE wan.vinterface_id = vinterface.id AND wan.ip = $2 AND wan.deleted_at IS NULL))
ORDER BY vm.htype = 'host' AND vm.ctrl_mac = $1 DESC, vm.htype = 'host' DESC, vm.id LIMIT 1"""

# An agent that reaches the controller over loopback has neither; genesis knows its machine by the same three words.
_BY_MACHINE = """SELECT vm.id, vm.lcuuid::text, coalesce(vm.vpc_id, 0) AS vpc_id FROM meta.vm
WHERE vm.host_id = $1 AND vm.ctrl_mac = $2 AND vm.htype = 'host' AND vm.deleted_at IS NULL ORDER BY vm.id LIMIT 1"""


async def match(connection: Any, identity: Identity) -> Machine | None:  # noqa: ANN401  asyncpg's connection and its proxy share no type
    """The machine an agent runs on, None while recorder does not know it yet."""
    if identity.ctrl_mac.strip("0:"):
        row = await connection.fetchrow(_BY_INTERFACE, identity.ctrl_mac, identity.ctrl_ip, identity.host_id)
    else:
        row = await connection.fetchrow(_BY_MACHINE, identity.host_id, identity.ctrl_mac)
    return Machine(**row) if row else None
