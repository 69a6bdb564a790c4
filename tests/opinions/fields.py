"""Which fields of another reader's records are which of our columns, by protocol.

Only facts that both mean alike are here: names, ids, codes, sizes where both count the same bytes. A record is a message, a row of ours
a request with its answer, so values are compared as multisets over a whole capture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from tests.opinions.printed import Record

Value = Callable[[Record], Any]
"""What a record says of a column; None or "" where it says nothing."""


def plain(name: str, *kinds: str) -> Value:
    """The field as it is, of requests, responses or (Session) both alone where `kinds` says so."""
    return lambda record: record.get(name) if not kinds or record.get("msg_type") in kinds else None


def upper(name: str) -> Value:
    return lambda record: str(record.get(name) or "").upper()


def traces(record: Record) -> Any:
    """The first trace id, in whatever form."""
    found = record.get("trace_ids")
    if isinstance(found, list) and found and isinstance(found[0], dict):
        return found[0].get("field")
    return found[0] if isinstance(found, list) and found else None


def inner(*path: str) -> Value:
    def value(record: Record) -> Any:
        found: Any = record
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        return found

    return value


def nats(field: str, *messages: str) -> Value:
    return lambda record: record["message"].get(field) if isinstance(record["message"], dict) and record["message"]["_name"] in messages else None


def status(field: str) -> Value:
    """Our number of what they call the status of an answer."""
    names = {"ok": 0, "server_error": 3, "servererror": 3, "client_error": 4, "clienterror": 4}
    return lambda record: names.get(str(record.get(field)).lower()) if record.get("msg_type") == "Response" else None


_DNS: Final[dict[str, Value]] = {
    "request_id": plain("request_id", "Request"),
    "request_type": plain("request_type", "Request"),
    "request_resource": plain("request_resource", "Request"),
    "captured_request_byte": plain("captured_request_byte", "Request"),
    "captured_response_byte": plain("captured_response_byte", "Response"),
}
_HTTP_NAMES: Final = {"_RequestHeader": "POST", "_ResponseHeader": ""}
_KAFKA_NO: Final = ("", "0")


def _http_method(record: Record) -> Any:
    name = str(record.get("method") or "")
    return _HTTP_NAMES.get(name, name.upper()) if record["msg_type"] == "Request" else None


def _amqp_method(record: Record) -> Any:
    return record.get("req_type") if record.get("msg_type") in ("Request", "Session") else None


def _mongo(record: Record) -> Any:
    text = str(record.get("request") or "")
    return text.split('"')[1] if text.startswith("{") else None


def _mqtt_type(record: Record) -> Any:
    kind = record["pkt_type"]
    name = kind["_name"] if isinstance(kind, dict) else kind
    return name.upper() if name in ("Connect", "Publish", "Subscribe", "Unsubscribe", "Pingreq", "Disconnect") else None


def _openwire_asked(name: str) -> Value:
    """Of everything but answers."""
    return lambda record: record.get(name) if record["msg_type"] != "Response" else None


def _pulsar_command(record: Record) -> Any:
    names = [name for name in record["command"] if name != "type"] if record["msg_type"] == "Request" else []
    spelled = {"PartitionMetadata": "PartitionedMetadata", "LookupTopic": "Lookup"}
    return next((spelled.get(found, found) for name in names if (found := name.title().replace("_", ""))), None)


FIELDS: Final[dict[str, dict[str, Value]]] = {
    "amqp": {"request_type": _amqp_method},
    "brpc": {
        "request_id": plain("correlation_id", "Request"),
        "request_type": plain("req_method_name"),
        "request_resource": plain("req_service_name"),
        "request_length": plain("req_len"),
        "response_length": plain("resp_len"),
    },
    "dns": _DNS,
    "dubbo": {
        "request_id": plain("request_id", "Request"),
        "request_type": plain("method_name", "Request"),
        "request_resource": plain("service_name", "Request"),
        "version": plain("dubbo_version", "Request"),
        "endpoint": plain("endpoint", "Request"),
        "trace_id": traces,
    },
    "http": {
        "request_type": _http_method,
        "request_resource": plain("path", "Request"),
        "request_domain": plain("host", "Request"),
        "response_code": plain("status_code", "Response"),
        "trace_id": traces,
    },
    "kafka": {
        "request_id": plain("correlation_id", "Request"),
        "request_type": plain("command", "Request"),
        "endpoint": plain("endpoint", "Request"),
        "response_code": plain("status_code", "Response"),
        "request_length": plain("req_msg_size"),
        "response_length": plain("resp_msg_size"),
    },
    "memcached": {"request_resource": plain("request", "Request"), "response_result": lambda record: str(record["result"]).split("\r")[0]},
    "mongo": {"request_id": plain("request_id", "Request"), "request_type": _mongo},
    "mqtt": {"request_type": _mqtt_type, "endpoint": plain("publish_topic")},
    "mysql": {
        "request_resource": plain("request_resource", "Request"),
        "response_exception": plain("response_execption", "Response"),
        "sql_affected_rows": plain("affected_rows", "Response"),
    },
    "nats": {"request_resource": nats("subject", "Sub", "Pub", "Hpub", "Msg", "Hmsg")},
    "openwire": {
        "request_type": _openwire_asked("command_type"),
        "request_id": _openwire_asked("command_id"),
        "endpoint": _openwire_asked("topic"),
        "version": _openwire_asked("version"),
        "request_length": lambda record: (record["req_msg_size"] or record["res_msg_size"]) if record["msg_type"] != "Response" else None,
        "response_length": plain("res_msg_size", "Response"),
        "response_exception": plain("err_msg", "Response"),
        "trace_id": traces,
    },
    "pulsar": {
        "request_type": _pulsar_command,
        "request_id": lambda record: record.get("request_id", 0) if record["msg_type"] == "Request" else None,
        "request_domain": plain("domain", "Request"),
        "version": plain("version", "Request"),
        "request_length": plain("req_len", "Request"),
        "response_length": plain("resp_len", "Response"),
    },
    "redis": {"endpoint": upper("request_type"), "request_resource": plain("request", "Request"), "response_exception": plain("error", "Response")},
    "rocketmq": {
        "request_id": plain("opaque", "Request"),
        "request_type": plain("req_code_name", "Request"),
        "request_resource": plain("ext_topic", "Request"),
        "endpoint": plain("endpoint", "Request"),
        "response_code": plain("resp_code", "Response"),
        "request_length": plain("req_msg_size"),
        "response_length": plain("resp_msg_size"),
        "trace_id": traces,
        "span_id": plain("span_id"),
    },
    "some_ip": {"request_type": lambda record: record.get("request_type") if "response_code" not in record else None},
    "tars": {
        "request_id": plain("request_id", "Request"),
        "request_type": plain("req_method_name"),
        "request_resource": plain("req_service_name"),
        "endpoint": plain("endpoint", "Request"),
        "request_length": lambda record: record["req_len"] or None,
        "response_length": lambda record: record["resp_len"] or None,
    },
    "zmtp": {"endpoint": plain("subscription")},
}
"""Folder of captures → our column → what they say of it."""


def said(records: Iterable[Record], value: Value) -> list[str]:
    """What their records say of one column, as text; nothing where they say nothing."""
    return [str(found) for found in map(value, records) if found not in (None, "")]
