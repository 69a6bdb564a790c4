"""The platform table: what an ingester needs to turn addresses into ids, read from meta and published whenever it changes."""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from libs.postgres import Database
from libs.wire import platform_pb2
from libs.wire.snapshots import SnapshotServer
from services.trisolaris.metrics import PLATFORM_ROWS, PLATFORM_SECONDS, PLATFORM_VERSION

KIND: Final = "trisolaris.platform"

_QUERIES: Final = {
    "vms": """SELECT id, coalesce(region_id, 0) AS region_id, coalesce(az_id, 0) AS az_id, coalesce(vpc_id, 0) AS vpc_id,
        coalesce(launch_host_id, 0) AS host_id, htype FROM meta.vm WHERE deleted_at IS NULL ORDER BY id""",
    "vtaps": "SELECT vtap.id, vm.id AS vm_id FROM agent.vtap JOIN meta.vm ON vm.lcuuid = vtap.vm_lcuuid AND vm.deleted_at IS NULL ORDER BY vtap.id",
    "vinterfaces": "SELECT id, vm_id, mac FROM meta.vinterface WHERE deleted_at IS NULL ORDER BY id",
    "addresses": """SELECT vinterface_id, coalesce(subnet_id, 0) AS subnet_id, ip, scope FROM meta.vinterface_ip WHERE deleted_at IS NULL
        UNION ALL SELECT vinterface_id, coalesce(subnet_id, 0), ip, scope FROM meta.ip_resource WHERE deleted_at IS NULL ORDER BY 1, 2, 4, 3""",
    "subnets": """SELECT id, coalesce(region_id, 0) AS region_id, coalesce(az_id, 0) AS az_id, coalesce(vpc_id, 0) AS vpc_id, prefix
        FROM meta.subnet WHERE deleted_at IS NULL ORDER BY id""",
    "processes": "SELECT id, vm_id, pid, listeners FROM meta.process WHERE deleted_at IS NULL ORDER BY id",
}

Rows = Mapping[str, list[Any]]


@dataclass(frozen=True, slots=True)
class Owner:
    """A vm and who reports it."""

    ids: platform_pb2.PlatformIds
    agent_id: int


def build(rows: Rows) -> platform_pb2.PlatformTable:
    """The table of what the queries gave, without a version. Pure and deterministic: equal rows are equal bytes."""
    owners = dict(_owners(rows))
    table = platform_pb2.PlatformTable()
    table.interfaces.extend(_interfaces(rows, owners))
    for subnet in rows["subnets"]:
        network = ipaddress.ip_network(subnet["prefix"], strict=False)
        ids = platform_pb2.PlatformIds(region_id=subnet["region_id"], az_id=subnet["az_id"], vpc_id=subnet["vpc_id"], subnet_id=subnet["id"])
        table.cidrs.add(vpc_id=subnet["vpc_id"], prefix=network.network_address.packed, bits=network.prefixlen, ids=ids)
    for vtap in rows["vtaps"]:
        ids = owners[vtap["vm_id"]].ids
        table.agents.add(agent_id=vtap["id"], vpc_id=ids.vpc_id, ids=ids)
    table.processes.extend(_processes(rows, owners))
    return table


def _owners(rows: Rows) -> Iterator[tuple[int, Owner]]:
    agent_of_vm = {vtap["vm_id"]: vtap["id"] for vtap in rows["vtaps"]}
    agent_of_host = {vm["host_id"]: agent_of_vm[vm["id"]] for vm in rows["vms"] if vm["id"] in agent_of_vm}
    for vm in rows["vms"]:
        ids = platform_pb2.PlatformIds(region_id=vm["region_id"], az_id=vm["az_id"], host_id=vm["host_id"], vpc_id=vm["vpc_id"], chost_id=vm["id"])
        yield vm["id"], Owner(ids, agent_of_host.get(vm["host_id"], 0))


def _interfaces(rows: Rows, owners: Mapping[int, Owner]) -> Iterator[platform_pb2.PlatformInterface]:
    """One per interface, subnet and scope: an interface in two subnets is two rows, the MAC on the first."""
    vm_of = {row["id"]: row["vm_id"] for row in rows["vinterfaces"]}
    addresses: dict[int, dict[tuple[int, bool], list[bytes]]] = defaultdict(lambda: defaultdict(list))
    ambiguous = _ambiguous(rows["addresses"], vm_of, owners)
    for row in rows["addresses"]:
        vm_id = vm_of.get(row["vinterface_id"], 0)
        if vm_id in owners:
            shared = row["scope"] == "host" or (owners[vm_id].ids.vpc_id, row["ip"]) in ambiguous
            addresses[row["vinterface_id"]][row["subnet_id"], shared].append(ipaddress.ip_address(row["ip"]).packed)
    for row in rows["vinterfaces"]:
        owner = owners.get(row["vm_id"])
        if owner is None:
            continue
        mac = int(row["mac"].replace(":", "") or "0", 16)
        for (subnet_id, shared), ips in (addresses.get(row["id"]) or {(0, False): []}).items():
            ids = platform_pb2.PlatformIds(subnet_id=subnet_id)
            ids.MergeFrom(owner.ids)
            yield platform_pb2.PlatformInterface(id=row["id"], mac=mac, ips=ips, ids=ids, scope_agent_id=owner.agent_id, shared=shared)
            mac = 0


def _ambiguous(addresses: Iterable[Any], vm_of: Mapping[int, int], owners: Mapping[int, Owner]) -> set[tuple[int, str]]:
    """Addresses that more than one vm claims in a VPC: each is looked up within its reporter's own rows only."""
    first: dict[tuple[int, str], int] = {}
    ambiguous: set[tuple[int, str]] = set()
    for row in addresses:
        vm_id = vm_of.get(row["vinterface_id"], 0)
        if row["scope"] == "host" or vm_id not in owners:
            continue
        key = (owners[vm_id].ids.vpc_id, row["ip"])
        if first.setdefault(key, vm_id) != vm_id:
            ambiguous.add(key)
    return ambiguous


def _processes(rows: Rows, owners: Mapping[int, Owner]) -> Iterator[platform_pb2.PlatformProcess]:
    for row in rows["processes"]:
        owner = owners.get(row["vm_id"])
        if owner is None:
            continue
        ids = platform_pb2.PlatformIds(gprocess_id=row["id"])
        ids.MergeFrom(owner.ids)
        listeners = [platform_pb2.PlatformListener(ip=_listening(address), port=port, protocol=protocol) for protocol, address, port in row["listeners"]]
        yield platform_pb2.PlatformProcess(gprocess_id=row["id"], agent_id=owner.agent_id, pid=row["pid"] & 0xFFFFFFFF, ids=ids, listeners=listeners)


def _listening(address: str) -> bytes:
    """The bytes of an address, empty for "any"."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0] or "::")
    except ValueError:
        return b""
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return b"" if ip.is_unspecified else ip.packed


class Platform:
    """Publishes the table; equal content keeps its version across restarts and replicas."""

    def __init__(self, database: Database, snapshots: SnapshotServer) -> None:
        self._database = database
        self._snapshots = snapshots
        self.version = 0
        self.rows: dict[str, int] = {}

    async def load(self) -> None:
        """Reads, builds and publishes. Raises PostgresUnavailable; what was published stays."""
        with PLATFORM_SECONDS.time():
            async with self._database.connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
                rows = {name: await connection.fetch(query) for name, query in _QUERIES.items()}
            table = await asyncio.to_thread(build, rows)
            content = table.SerializeToString(deterministic=True)
        table.version = await self._version_of(content)
        if table.version == self.version:
            return
        self.version = table.version
        self._snapshots.publish(KIND, table.version, table.SerializeToString(deterministic=True))
        self.rows = {field: len(getattr(table, field)) for field in ("interfaces", "cidrs", "agents", "processes", "services")}
        PLATFORM_VERSION.set(table.version)
        for name, count in self.rows.items():
            PLATFORM_ROWS.labels(name).set(count)

    async def _version_of(self, content: bytes) -> int:
        checksum = hashlib.blake2b(content, digest_size=16).hexdigest()
        async with self._database.connection() as connection:
            known = await connection.fetchrow("SELECT version, checksum FROM agent.platform")
            if known["checksum"] == checksum:
                return int(known["version"])
            version: int = await connection.fetchval(
                """UPDATE agent.platform SET version = version + (checksum <> $1)::int, checksum = $1, made_at = now() RETURNING version""", checksum
            )
        return version
