"""Resource kinds: what a name can belong to, with the tag it is queried by and the column that holds its id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ResourceKind:
    """One kind. Its names live in the dictionary `tag.<kind>`; its ids in columns `<id_column>`, `<id_column>_0`, `<id_column>_1`."""

    kind: str
    id_column: str
    meta_table: str
    """The table of PostgreSQL's schema `meta` that owns it, or nothing where none does yet."""
    doc: str
    aliases: tuple[str, ...] = ()


RESOURCE_KINDS: Final = (
    ResourceKind("region", "region_id", "region", "Region."),
    ResourceKind("az", "az_id", "az", "Availability zone."),
    ResourceKind("host", "host_id", "host", "Hypervisor or physical host."),
    ResourceKind("vpc", "vpc_id", "vpc", "VPC.", ("l3_epc",)),
    ResourceKind("subnet", "subnet_id", "subnet", "Subnet."),
    ResourceKind("pod_cluster", "pod_cluster_id", "", "Kubernetes cluster."),
    ResourceKind("pod_node", "pod_node_id", "", "Kubernetes node."),
    ResourceKind("pod_ns", "pod_ns_id", "", "Kubernetes namespace."),
    ResourceKind("pod_group", "pod_group_id", "", "Kubernetes workload."),
    ResourceKind("pod", "pod_id", "", "Kubernetes pod."),
    ResourceKind("service", "service_id", "", "Kubernetes service.", ("pod_service",)),
    ResourceKind("chost", "chost_id", "vm", "Cloud host, legacy host or container with a network of its own.", ("vm",)),
    ResourceKind("gprocess", "gprocess_id", "process", "Process.", ("process",)),
    ResourceKind("agent", "agent_id", "", "Agent; owned by trisolaris (schema agent, table vtap).", ("vtap",)),
)
