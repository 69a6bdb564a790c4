from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SyncStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SYNC_STATUS_UNSPECIFIED: _ClassVar[SyncStatus]
    SYNC_STATUS_OK: _ClassVar[SyncStatus]
    SYNC_STATUS_UNKNOWN: _ClassVar[SyncStatus]
    SYNC_STATUS_REFUSED: _ClassVar[SyncStatus]
SYNC_STATUS_UNSPECIFIED: SyncStatus
SYNC_STATUS_OK: SyncStatus
SYNC_STATUS_UNKNOWN: SyncStatus
SYNC_STATUS_REFUSED: SyncStatus

class SyncRequest(_message.Message):
    __slots__ = ("vtap_id", "ctrl_ip", "ctrl_mac", "hostname", "host_id", "revision", "os", "arch", "kernel", "cpus", "memory_bytes", "boot_time_s", "config_version", "kubernetes_cluster_id", "vtap_group_request", "interface_macs", "interface_ips", "health")
    VTAP_ID_FIELD_NUMBER: _ClassVar[int]
    CTRL_IP_FIELD_NUMBER: _ClassVar[int]
    CTRL_MAC_FIELD_NUMBER: _ClassVar[int]
    HOSTNAME_FIELD_NUMBER: _ClassVar[int]
    HOST_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    OS_FIELD_NUMBER: _ClassVar[int]
    ARCH_FIELD_NUMBER: _ClassVar[int]
    KERNEL_FIELD_NUMBER: _ClassVar[int]
    CPUS_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    BOOT_TIME_S_FIELD_NUMBER: _ClassVar[int]
    CONFIG_VERSION_FIELD_NUMBER: _ClassVar[int]
    KUBERNETES_CLUSTER_ID_FIELD_NUMBER: _ClassVar[int]
    VTAP_GROUP_REQUEST_FIELD_NUMBER: _ClassVar[int]
    INTERFACE_MACS_FIELD_NUMBER: _ClassVar[int]
    INTERFACE_IPS_FIELD_NUMBER: _ClassVar[int]
    HEALTH_FIELD_NUMBER: _ClassVar[int]
    vtap_id: int
    ctrl_ip: str
    ctrl_mac: str
    hostname: str
    host_id: str
    revision: str
    os: str
    arch: str
    kernel: str
    cpus: int
    memory_bytes: int
    boot_time_s: int
    config_version: int
    kubernetes_cluster_id: str
    vtap_group_request: str
    interface_macs: _containers.RepeatedScalarFieldContainer[str]
    interface_ips: _containers.RepeatedScalarFieldContainer[str]
    health: AgentHealth
    def __init__(self, vtap_id: _Optional[int] = ..., ctrl_ip: _Optional[str] = ..., ctrl_mac: _Optional[str] = ..., hostname: _Optional[str] = ..., host_id: _Optional[str] = ..., revision: _Optional[str] = ..., os: _Optional[str] = ..., arch: _Optional[str] = ..., kernel: _Optional[str] = ..., cpus: _Optional[int] = ..., memory_bytes: _Optional[int] = ..., boot_time_s: _Optional[int] = ..., config_version: _Optional[int] = ..., kubernetes_cluster_id: _Optional[str] = ..., vtap_group_request: _Optional[str] = ..., interface_macs: _Optional[_Iterable[str]] = ..., interface_ips: _Optional[_Iterable[str]] = ..., health: _Optional[_Union[AgentHealth, _Mapping]] = ...) -> None: ...

class AgentHealth(_message.Message):
    __slots__ = ("cpu_percent", "rss_bytes", "packets", "packets_dropped", "rows_sent", "rows_dropped", "spool_bytes", "shedding", "errors")
    CPU_PERCENT_FIELD_NUMBER: _ClassVar[int]
    RSS_BYTES_FIELD_NUMBER: _ClassVar[int]
    PACKETS_FIELD_NUMBER: _ClassVar[int]
    PACKETS_DROPPED_FIELD_NUMBER: _ClassVar[int]
    ROWS_SENT_FIELD_NUMBER: _ClassVar[int]
    ROWS_DROPPED_FIELD_NUMBER: _ClassVar[int]
    SPOOL_BYTES_FIELD_NUMBER: _ClassVar[int]
    SHEDDING_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    cpu_percent: float
    rss_bytes: int
    packets: int
    packets_dropped: int
    rows_sent: int
    rows_dropped: int
    spool_bytes: int
    shedding: str
    errors: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, cpu_percent: _Optional[float] = ..., rss_bytes: _Optional[int] = ..., packets: _Optional[int] = ..., packets_dropped: _Optional[int] = ..., rows_sent: _Optional[int] = ..., rows_dropped: _Optional[int] = ..., spool_bytes: _Optional[int] = ..., shedding: _Optional[str] = ..., errors: _Optional[_Iterable[str]] = ...) -> None: ...

class SyncResponse(_message.Message):
    __slots__ = ("status", "vtap_id", "vpc_id", "platform_enabled", "kubernetes_api_enabled", "genesis_address", "ingesters", "config_version", "config_yaml", "sync_interval_s", "retry_after_ms", "message", "vtap_group_id", "weir_endpoints")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    VTAP_ID_FIELD_NUMBER: _ClassVar[int]
    VPC_ID_FIELD_NUMBER: _ClassVar[int]
    PLATFORM_ENABLED_FIELD_NUMBER: _ClassVar[int]
    KUBERNETES_API_ENABLED_FIELD_NUMBER: _ClassVar[int]
    GENESIS_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    INGESTERS_FIELD_NUMBER: _ClassVar[int]
    CONFIG_VERSION_FIELD_NUMBER: _ClassVar[int]
    CONFIG_YAML_FIELD_NUMBER: _ClassVar[int]
    SYNC_INTERVAL_S_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    VTAP_GROUP_ID_FIELD_NUMBER: _ClassVar[int]
    WEIR_ENDPOINTS_FIELD_NUMBER: _ClassVar[int]
    status: SyncStatus
    vtap_id: int
    vpc_id: int
    platform_enabled: bool
    kubernetes_api_enabled: bool
    genesis_address: str
    ingesters: _containers.RepeatedCompositeFieldContainer[IngesterEndpoint]
    config_version: int
    config_yaml: str
    sync_interval_s: int
    retry_after_ms: int
    message: str
    vtap_group_id: str
    weir_endpoints: _containers.RepeatedCompositeFieldContainer[WeirEndpoint]
    def __init__(self, status: _Optional[_Union[SyncStatus, str]] = ..., vtap_id: _Optional[int] = ..., vpc_id: _Optional[int] = ..., platform_enabled: _Optional[bool] = ..., kubernetes_api_enabled: _Optional[bool] = ..., genesis_address: _Optional[str] = ..., ingesters: _Optional[_Iterable[_Union[IngesterEndpoint, _Mapping]]] = ..., config_version: _Optional[int] = ..., config_yaml: _Optional[str] = ..., sync_interval_s: _Optional[int] = ..., retry_after_ms: _Optional[int] = ..., message: _Optional[str] = ..., vtap_group_id: _Optional[str] = ..., weir_endpoints: _Optional[_Iterable[_Union[WeirEndpoint, _Mapping]]] = ...) -> None: ...

class IngesterEndpoint(_message.Message):
    __slots__ = ("decoder", "otlp_http", "otlp_grpc")
    DECODER_FIELD_NUMBER: _ClassVar[int]
    OTLP_HTTP_FIELD_NUMBER: _ClassVar[int]
    OTLP_GRPC_FIELD_NUMBER: _ClassVar[int]
    decoder: str
    otlp_http: str
    otlp_grpc: str
    def __init__(self, decoder: _Optional[str] = ..., otlp_http: _Optional[str] = ..., otlp_grpc: _Optional[str] = ...) -> None: ...

class WeirEndpoint(_message.Message):
    __slots__ = ("address", "port")
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    PORT_FIELD_NUMBER: _ClassVar[int]
    address: str
    port: int
    def __init__(self, address: _Optional[str] = ..., port: _Optional[int] = ...) -> None: ...

class GenesisSyncRequest(_message.Message):
    __slots__ = ("host_id", "vtap_id", "hostname", "version", "unchanged", "namespaces", "processes", "ctrl_ip", "ctrl_mac", "os")
    HOST_ID_FIELD_NUMBER: _ClassVar[int]
    VTAP_ID_FIELD_NUMBER: _ClassVar[int]
    HOSTNAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    UNCHANGED_FIELD_NUMBER: _ClassVar[int]
    NAMESPACES_FIELD_NUMBER: _ClassVar[int]
    PROCESSES_FIELD_NUMBER: _ClassVar[int]
    CTRL_IP_FIELD_NUMBER: _ClassVar[int]
    CTRL_MAC_FIELD_NUMBER: _ClassVar[int]
    OS_FIELD_NUMBER: _ClassVar[int]
    host_id: str
    vtap_id: int
    hostname: str
    version: int
    unchanged: bool
    namespaces: _containers.RepeatedCompositeFieldContainer[NetworkNamespace]
    processes: _containers.RepeatedCompositeFieldContainer[Process]
    ctrl_ip: str
    ctrl_mac: str
    os: str
    def __init__(self, host_id: _Optional[str] = ..., vtap_id: _Optional[int] = ..., hostname: _Optional[str] = ..., version: _Optional[int] = ..., unchanged: _Optional[bool] = ..., namespaces: _Optional[_Iterable[_Union[NetworkNamespace, _Mapping]]] = ..., processes: _Optional[_Iterable[_Union[Process, _Mapping]]] = ..., ctrl_ip: _Optional[str] = ..., ctrl_mac: _Optional[str] = ..., os: _Optional[str] = ...) -> None: ...

class NetworkNamespace(_message.Message):
    __slots__ = ("name", "inode", "interfaces", "workload")
    NAME_FIELD_NUMBER: _ClassVar[int]
    INODE_FIELD_NUMBER: _ClassVar[int]
    INTERFACES_FIELD_NUMBER: _ClassVar[int]
    WORKLOAD_FIELD_NUMBER: _ClassVar[int]
    name: str
    inode: int
    interfaces: _containers.RepeatedCompositeFieldContainer[NetworkInterface]
    workload: str
    def __init__(self, name: _Optional[str] = ..., inode: _Optional[int] = ..., interfaces: _Optional[_Iterable[_Union[NetworkInterface, _Mapping]]] = ..., workload: _Optional[str] = ...) -> None: ...

class NetworkInterface(_message.Message):
    __slots__ = ("index", "name", "mac", "up", "kind", "addresses", "peer_index", "mtu")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    MAC_FIELD_NUMBER: _ClassVar[int]
    UP_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ADDRESSES_FIELD_NUMBER: _ClassVar[int]
    PEER_INDEX_FIELD_NUMBER: _ClassVar[int]
    MTU_FIELD_NUMBER: _ClassVar[int]
    index: int
    name: str
    mac: str
    up: bool
    kind: str
    addresses: _containers.RepeatedScalarFieldContainer[str]
    peer_index: int
    mtu: int
    def __init__(self, index: _Optional[int] = ..., name: _Optional[str] = ..., mac: _Optional[str] = ..., up: _Optional[bool] = ..., kind: _Optional[str] = ..., addresses: _Optional[_Iterable[str]] = ..., peer_index: _Optional[int] = ..., mtu: _Optional[int] = ...) -> None: ...

class Process(_message.Message):
    __slots__ = ("pid", "start_time_ms", "name", "kname", "command", "user", "netns_inode", "listeners", "container_id")
    PID_FIELD_NUMBER: _ClassVar[int]
    START_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    KNAME_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    NETNS_INODE_FIELD_NUMBER: _ClassVar[int]
    LISTENERS_FIELD_NUMBER: _ClassVar[int]
    CONTAINER_ID_FIELD_NUMBER: _ClassVar[int]
    pid: int
    start_time_ms: int
    name: str
    kname: str
    command: str
    user: str
    netns_inode: int
    listeners: _containers.RepeatedCompositeFieldContainer[Listener]
    container_id: str
    def __init__(self, pid: _Optional[int] = ..., start_time_ms: _Optional[int] = ..., name: _Optional[str] = ..., kname: _Optional[str] = ..., command: _Optional[str] = ..., user: _Optional[str] = ..., netns_inode: _Optional[int] = ..., listeners: _Optional[_Iterable[_Union[Listener, _Mapping]]] = ..., container_id: _Optional[str] = ...) -> None: ...

class Listener(_message.Message):
    __slots__ = ("address", "port", "protocol")
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    PORT_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    address: str
    port: int
    protocol: int
    def __init__(self, address: _Optional[str] = ..., port: _Optional[int] = ..., protocol: _Optional[int] = ...) -> None: ...

class GenesisSyncResponse(_message.Message):
    __slots__ = ("version", "need_full", "interval_s")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    NEED_FULL_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_S_FIELD_NUMBER: _ClassVar[int]
    version: int
    need_full: bool
    interval_s: int
    def __init__(self, version: _Optional[int] = ..., need_full: _Optional[bool] = ..., interval_s: _Optional[int] = ...) -> None: ...
