"""A small world whose every answer can be computed by hand.

Two hosts: web-1 (id 1, 10.0.0.1) and db (id 2, 10.0.0.2), which was called db-old until T + 600. T is 2026-03-01 00:00:00 UTC.
"""

from __future__ import annotations

from typing import Final

T: Final = 1_772_323_200
_END: Final = 4_294_967_295
_KINDS: Final = ("region", "chost", "host", "gprocess", "agent", "vpc")
_NAMES: Final = (
    ("region", 1, 0, _END, "north"),
    ("vpc", 1, 0, _END, "default"),
    ("agent", 7, 0, _END, "agent-7"),
    ("chost", 1, 0, _END, "web-1"),
    ("chost", 2, 0, T + 599, "db-old"),
    ("chost", 2, T + 600, _END, "db"),
    ("gprocess", 9, 0, _END, "nginx"),
)


def _names() -> list[str]:
    made = ["CREATE DATABASE IF NOT EXISTS tag"]
    for kind in _KINDS:
        made.append(
            f"CREATE TABLE tag.{kind}_rows (id UInt64, valid_from DateTime('UTC'), valid_to DateTime('UTC'), name String) ENGINE = MergeTree ORDER BY id"
        )
        rows = ", ".join(f"({id_}, {begin}, {end}, '{name}')" for of, id_, begin, end, name in _NAMES if of == kind)
        if rows:
            made.append(f"INSERT INTO tag.{kind}_rows VALUES {rows}")
        made.append(
            f"CREATE DICTIONARY tag.{kind} (id UInt64, valid_from DateTime('UTC'), valid_to DateTime('UTC'), name String) PRIMARY KEY id "
            f"SOURCE(CLICKHOUSE(TABLE '{kind}_rows' DB 'tag')) LIFETIME(MIN 0 MAX 5) LAYOUT(RANGE_HASHED(RANGE_LOOKUP_STRATEGY 'max')) "
            "RANGE(MIN valid_from MAX valid_to)"
        )
    return made


_HTTP: Final = (
    # second, status, code, duration_us, path, type
    (0, 0, 200, 100, "/a", 2),
    (1, 0, 200, 200, "/a", 2),
    (2, 3, 500, 300, "/b", 2),
    (3, 4, 404, 400, "/c", 2),
    (4, 2, 0, 0, "/a", 0),
    (700, 0, 200, 1000, "/a", 2),
)

_L7: Final = (
    "INSERT INTO flow_log.l7_flow_log (time, start_time, end_time, agent_id, chost_id_0, chost_id_1, gprocess_id_1, auto_instance_type_0, auto_instance_id_0, "
    "auto_instance_type_1, auto_instance_id_1, is_ipv4, ip4_0, ip4_1, server_port, protocol, l7_protocol, observation_point, response_status, response_code, "
    "response_duration, request_resource, endpoint, type, request_type, attributes, request_length, tag_source_0, flow_id) VALUES "
) + ", ".join(
    f"({T + at}, fromUnixTimestamp64Micro({(T + at) * 1_000_000}), fromUnixTimestamp64Micro({(T + at) * 1_000_000 + took}), 7, 1, 2, 9, 1, 1, 120, 9, 1, '10.0.0.1', '10.0.0.2', 80, 6, 20, 's', {status}, {code}, "
    f"{took}, '{path}?x=1', '{path}', {kind}, 'GET', {{'http.route': '{path}', 'tenant': 'o''neil \\\\ co'}}, {-1 if path == '/c' else 10}, 3, {2**60 + at})"
    for at, status, code, took, path, kind in _HTTP
)

_MAP_ROWS: Final = (
    # minute, bytes there, bytes back, packets there, packets back, rtt sum, count, max, retransmitted
    (0, 1000, 3000, 10, 30, 600, 3, 300, 4),
    (1, 2000, 1000, 20, 10, 100, 1, 100, 0),
    (3, 500, 500, 5, 5, 0, 0, 0, 1),
)


def _map(interval: str) -> str:
    rows = ", ".join(
        f"({T + minute * 60}, 1, 2, 1, 1, 1, 2, 1, '10.0.0.1', '10.0.0.2', 5432, 6, 7, {tx}, {rx}, {packets}, {back}, {rtt}, {count}, {longest}, {again}, 1, 1)"
        for minute, tx, rx, packets, back, rtt, count, longest, again in _MAP_ROWS
    )
    return (
        f"INSERT INTO flow_metrics.`network_map.{interval}` (time, chost_id_0, chost_id_1, auto_instance_type_0, auto_instance_id_0, auto_instance_type_1, "
        "auto_instance_id_1, is_ipv4, ip4_0, ip4_1, server_port, protocol, agent_id, byte_tx, byte_rx, packet_tx, packet_rx, rtt_sum, rtt_count, rtt_max, "
        f"retrans_tx, new_flow, closed_flow) VALUES {rows}"
    )


_INTERNET: Final = (
    f"INSERT INTO flow_metrics.`network_map.1m` (time, auto_instance_type_0, auto_instance_type_1, auto_instance_id_1, is_ipv4, ip6_0, ip6_1, server_port, protocol, byte_tx) "
    f"VALUES ({T + 86400}, 0, 255, 0, 0, '2001:db8::1', '2001:db8::2', 443, 6, 77)"
)

WORLD: Final = (*_names(), _L7, _map("1m"), _map("1s"), _INTERNET)
