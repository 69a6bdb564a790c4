from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PlatformTable(_message.Message):
    __slots__ = ("version", "interfaces", "cidrs", "agents", "processes", "services")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    INTERFACES_FIELD_NUMBER: _ClassVar[int]
    CIDRS_FIELD_NUMBER: _ClassVar[int]
    AGENTS_FIELD_NUMBER: _ClassVar[int]
    PROCESSES_FIELD_NUMBER: _ClassVar[int]
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    version: int
    interfaces: _containers.RepeatedCompositeFieldContainer[PlatformInterface]
    cidrs: _containers.RepeatedCompositeFieldContainer[PlatformCidr]
    agents: _containers.RepeatedCompositeFieldContainer[PlatformAgent]
    processes: _containers.RepeatedCompositeFieldContainer[PlatformProcess]
    services: _containers.RepeatedCompositeFieldContainer[PlatformService]
    def __init__(self, version: _Optional[int] = ..., interfaces: _Optional[_Iterable[_Union[PlatformInterface, _Mapping]]] = ..., cidrs: _Optional[_Iterable[_Union[PlatformCidr, _Mapping]]] = ..., agents: _Optional[_Iterable[_Union[PlatformAgent, _Mapping]]] = ..., processes: _Optional[_Iterable[_Union[PlatformProcess, _Mapping]]] = ..., services: _Optional[_Iterable[_Union[PlatformService, _Mapping]]] = ...) -> None: ...

class PlatformInterface(_message.Message):
    __slots__ = ("id", "mac", "ips", "ids", "scope_agent_id", "shared")
    ID_FIELD_NUMBER: _ClassVar[int]
    MAC_FIELD_NUMBER: _ClassVar[int]
    IPS_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    SCOPE_AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    SHARED_FIELD_NUMBER: _ClassVar[int]
    id: int
    mac: int
    ips: _containers.RepeatedScalarFieldContainer[bytes]
    ids: PlatformIds
    scope_agent_id: int
    shared: bool
    def __init__(self, id: _Optional[int] = ..., mac: _Optional[int] = ..., ips: _Optional[_Iterable[bytes]] = ..., ids: _Optional[_Union[PlatformIds, _Mapping]] = ..., scope_agent_id: _Optional[int] = ..., shared: _Optional[bool] = ...) -> None: ...

class PlatformIds(_message.Message):
    __slots__ = ("region_id", "az_id", "host_id", "vpc_id", "subnet_id", "pod_cluster_id", "pod_node_id", "pod_ns_id", "pod_group_id", "pod_id", "service_id", "chost_id", "gprocess_id")
    REGION_ID_FIELD_NUMBER: _ClassVar[int]
    AZ_ID_FIELD_NUMBER: _ClassVar[int]
    HOST_ID_FIELD_NUMBER: _ClassVar[int]
    VPC_ID_FIELD_NUMBER: _ClassVar[int]
    SUBNET_ID_FIELD_NUMBER: _ClassVar[int]
    POD_CLUSTER_ID_FIELD_NUMBER: _ClassVar[int]
    POD_NODE_ID_FIELD_NUMBER: _ClassVar[int]
    POD_NS_ID_FIELD_NUMBER: _ClassVar[int]
    POD_GROUP_ID_FIELD_NUMBER: _ClassVar[int]
    POD_ID_FIELD_NUMBER: _ClassVar[int]
    SERVICE_ID_FIELD_NUMBER: _ClassVar[int]
    CHOST_ID_FIELD_NUMBER: _ClassVar[int]
    GPROCESS_ID_FIELD_NUMBER: _ClassVar[int]
    region_id: int
    az_id: int
    host_id: int
    vpc_id: int
    subnet_id: int
    pod_cluster_id: int
    pod_node_id: int
    pod_ns_id: int
    pod_group_id: int
    pod_id: int
    service_id: int
    chost_id: int
    gprocess_id: int
    def __init__(self, region_id: _Optional[int] = ..., az_id: _Optional[int] = ..., host_id: _Optional[int] = ..., vpc_id: _Optional[int] = ..., subnet_id: _Optional[int] = ..., pod_cluster_id: _Optional[int] = ..., pod_node_id: _Optional[int] = ..., pod_ns_id: _Optional[int] = ..., pod_group_id: _Optional[int] = ..., pod_id: _Optional[int] = ..., service_id: _Optional[int] = ..., chost_id: _Optional[int] = ..., gprocess_id: _Optional[int] = ...) -> None: ...

class PlatformCidr(_message.Message):
    __slots__ = ("vpc_id", "prefix", "bits", "ids")
    VPC_ID_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    BITS_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    vpc_id: int
    prefix: bytes
    bits: int
    ids: PlatformIds
    def __init__(self, vpc_id: _Optional[int] = ..., prefix: _Optional[bytes] = ..., bits: _Optional[int] = ..., ids: _Optional[_Union[PlatformIds, _Mapping]] = ...) -> None: ...

class PlatformAgent(_message.Message):
    __slots__ = ("agent_id", "vpc_id", "ids")
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    VPC_ID_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    agent_id: int
    vpc_id: int
    ids: PlatformIds
    def __init__(self, agent_id: _Optional[int] = ..., vpc_id: _Optional[int] = ..., ids: _Optional[_Union[PlatformIds, _Mapping]] = ...) -> None: ...

class PlatformProcess(_message.Message):
    __slots__ = ("gprocess_id", "agent_id", "pid", "ids", "listeners")
    GPROCESS_ID_FIELD_NUMBER: _ClassVar[int]
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    LISTENERS_FIELD_NUMBER: _ClassVar[int]
    gprocess_id: int
    agent_id: int
    pid: int
    ids: PlatformIds
    listeners: _containers.RepeatedCompositeFieldContainer[PlatformListener]
    def __init__(self, gprocess_id: _Optional[int] = ..., agent_id: _Optional[int] = ..., pid: _Optional[int] = ..., ids: _Optional[_Union[PlatformIds, _Mapping]] = ..., listeners: _Optional[_Iterable[_Union[PlatformListener, _Mapping]]] = ...) -> None: ...

class PlatformListener(_message.Message):
    __slots__ = ("ip", "port", "protocol")
    IP_FIELD_NUMBER: _ClassVar[int]
    PORT_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    ip: bytes
    port: int
    protocol: int
    def __init__(self, ip: _Optional[bytes] = ..., port: _Optional[int] = ..., protocol: _Optional[int] = ...) -> None: ...

class PlatformService(_message.Message):
    __slots__ = ("service_id", "vpc_id", "ip", "port", "protocol", "kind")
    SERVICE_ID_FIELD_NUMBER: _ClassVar[int]
    VPC_ID_FIELD_NUMBER: _ClassVar[int]
    IP_FIELD_NUMBER: _ClassVar[int]
    PORT_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    service_id: int
    vpc_id: int
    ip: bytes
    port: int
    protocol: int
    kind: int
    def __init__(self, service_id: _Optional[int] = ..., vpc_id: _Optional[int] = ..., ip: _Optional[bytes] = ..., port: _Optional[int] = ..., protocol: _Optional[int] = ..., kind: _Optional[int] = ...) -> None: ...
