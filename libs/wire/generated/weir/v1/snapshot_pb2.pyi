from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SnapshotRequest(_message.Message):
    __slots__ = ("kind", "have_version", "reader")
    KIND_FIELD_NUMBER: _ClassVar[int]
    HAVE_VERSION_FIELD_NUMBER: _ClassVar[int]
    READER_FIELD_NUMBER: _ClassVar[int]
    kind: str
    have_version: int
    reader: str
    def __init__(self, kind: _Optional[str] = ..., have_version: _Optional[int] = ..., reader: _Optional[str] = ...) -> None: ...

class SnapshotChunk(_message.Message):
    __slots__ = ("kind", "version", "index", "last", "data", "checksum", "heartbeat")
    KIND_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    kind: str
    version: int
    index: int
    last: bool
    data: bytes
    checksum: int
    heartbeat: bool
    def __init__(self, kind: _Optional[str] = ..., version: _Optional[int] = ..., index: _Optional[int] = ..., last: _Optional[bool] = ..., data: _Optional[bytes] = ..., checksum: _Optional[int] = ..., heartbeat: _Optional[bool] = ...) -> None: ...

class Facts(_message.Message):
    __slots__ = ("agents",)
    AGENTS_FIELD_NUMBER: _ClassVar[int]
    agents: _containers.RepeatedCompositeFieldContainer[AgentFacts]
    def __init__(self, agents: _Optional[_Iterable[_Union[AgentFacts, _Mapping]]] = ...) -> None: ...

class AgentFacts(_message.Message):
    __slots__ = ("source", "version", "seen_at_ms", "hostname", "host_id", "vtap_id", "ctrl_ip", "ctrl_mac", "sync")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SEEN_AT_MS_FIELD_NUMBER: _ClassVar[int]
    HOSTNAME_FIELD_NUMBER: _ClassVar[int]
    HOST_ID_FIELD_NUMBER: _ClassVar[int]
    VTAP_ID_FIELD_NUMBER: _ClassVar[int]
    CTRL_IP_FIELD_NUMBER: _ClassVar[int]
    CTRL_MAC_FIELD_NUMBER: _ClassVar[int]
    SYNC_FIELD_NUMBER: _ClassVar[int]
    source: str
    version: int
    seen_at_ms: int
    hostname: str
    host_id: str
    vtap_id: int
    ctrl_ip: str
    ctrl_mac: str
    sync: bytes
    def __init__(self, source: _Optional[str] = ..., version: _Optional[int] = ..., seen_at_ms: _Optional[int] = ..., hostname: _Optional[str] = ..., host_id: _Optional[str] = ..., vtap_id: _Optional[int] = ..., ctrl_ip: _Optional[str] = ..., ctrl_mac: _Optional[str] = ..., sync: _Optional[bytes] = ...) -> None: ...

class Resources(_message.Message):
    __slots__ = ("resources",)
    RESOURCES_FIELD_NUMBER: _ClassVar[int]
    resources: _containers.RepeatedCompositeFieldContainer[Resource]
    def __init__(self, resources: _Optional[_Iterable[_Union[Resource, _Mapping]]] = ...) -> None: ...

class Resource(_message.Message):
    __slots__ = ("kind", "lcuuid", "name", "domain", "refs", "attributes")
    class RefsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class AttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    KIND_FIELD_NUMBER: _ClassVar[int]
    LCUUID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    REFS_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    kind: str
    lcuuid: str
    name: str
    domain: str
    refs: _containers.ScalarMap[str, str]
    attributes: _containers.ScalarMap[str, str]
    def __init__(self, kind: _Optional[str] = ..., lcuuid: _Optional[str] = ..., name: _Optional[str] = ..., domain: _Optional[str] = ..., refs: _Optional[_Mapping[str, str]] = ..., attributes: _Optional[_Mapping[str, str]] = ...) -> None: ...
