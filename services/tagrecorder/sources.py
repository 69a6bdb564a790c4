"""Where the names of each kind come from: the tables of schema meta, and trisolaris's agents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Source:
    """The query gives id, name, updated_at, deleted_at, uid, and the kind's attributes by their names in ClickHouse. `$1`: only what changed since."""

    kind: str
    query: str
    is_incremental: bool = True
    """Whether nothing is ever removed from it, so that what changed since a time is all there is to know."""


def _meta(kind: str, table: str, *attributes: str) -> Source:
    columns = "".join(f", {attribute}" for attribute in attributes)
    query = f"SELECT id, name, updated_at, deleted_at, lcuuid::text AS uid{columns} FROM meta.{table} WHERE updated_at >= $1 ORDER BY id"  # noqa: S608  constants
    return Source(kind, query)


SOURCES: Final[tuple[Source, ...]] = (
    _meta("region", "region"),
    _meta("az", "az", "region_id"),
    _meta("vpc", "vpc", "region_id"),
    _meta("subnet", "subnet", "prefix", "vpc_id"),
    _meta("host", "host", "ip", "host_id AS machine_id"),
    _meta("chost", "vm", "htype AS type", "ctrl_ip AS ip", "launch_host_id AS host_id", "vpc_id", "workload"),
    _meta("gprocess", "process", "pid", "command", "kname", 'user_name AS "user"', "container_id", "vm_id AS chost_id"),
    Source(
        "agent",
        """SELECT id, name, updated_at, NULL::timestamptz AS deleted_at, '' AS uid, ctrl_ip AS ip, ctrl_mac AS mac, vm_id AS chost_id, vtap_group_id AS "group"
        FROM agent.vtap WHERE updated_at >= $1 OR true ORDER BY id""",
        is_incremental=False,
    ),
)
