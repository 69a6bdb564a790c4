"""Flows as IPFIX, read back by hand as RFC 7011 says."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Any

import weir_native

from tests.unit.native.conftest import Conversation, pcap

Record = dict[int, int | str]


def replayed_batches(tmp_path: Any, *talks: Conversation) -> list[weir_native.Batch]:
    path = tmp_path / "talk.pcap"
    path.write_bytes(pcap(sorted((record for talk in talks for record in talk.records), key=lambda record: record[0])))
    return list(weir_native.Engine().replay(path))


def read(message: bytes, templates: dict[int, list[tuple[int, int]]]) -> Iterator[Record]:
    version, length, _, _, _ = struct.unpack_from(">HHIII", message)
    assert (version, length) == (10, len(message))
    at = 16
    while at < length:
        kind, size = struct.unpack_from(">HH", message, at)
        body, at = message[at + 4 : at + size], at + size
        if kind == 2:
            while body:
                number, fields = struct.unpack_from(">HH", body)
                templates[number] = [struct.unpack_from(">HH", body, 4 + 4 * n) for n in range(fields)]
                body = body[4 + 4 * fields :]
            continue
        width = sum(size for _, size in templates[kind])
        assert len(body) % width == 0
        for start in range(0, len(body), width):
            record, place = {}, start
            for element, size in templates[kind]:
                raw = body[place : place + size]
                record[element] = str(ip_address(raw)) if element in (8, 12, 27, 28) else int.from_bytes(raw, "big")
                place += size
            yield record


def test_each_direction_is_a_record_with_the_rows_numbers(conversation: type[Conversation], tmp_path: Any) -> None:
    talk = conversation().opened().c("AP", payload=b"hello").s("AP", payload=b"x" * 1000, ack=6)
    batches = replayed_batches(tmp_path, talk)
    exporter = weir_native.IpfixExporter(domain=9)
    messages = [message for batch in batches for message in exporter.messages(batch, now_s=1_700_000_000)]
    assert [struct.unpack_from(">IIII", message, 4)[0:3:2] for message in messages] == [(1_700_000_000, 9)]
    there, back = read(messages[0], {})
    assert (there[8], there[12], there[7], there[11], there[4]) == ("10.0.0.1", "10.0.0.2", 40_000, 80, 6)
    assert (back[8], back[12], back[7], back[11]) == ("10.0.0.2", "10.0.0.1", 80, 40_000)
    assert (there[2], there[1]) == (3, 3 * 40 + 5)
    assert (back[2], back[1]) == (2, 2 * 40 + 1000)
    assert there[6] == 2 | 8 | 16
    assert there[148] == back[148] != 0
    assert int(there[153]) - int(there[152]) == 4
    assert exporter.records == 2


def test_messages_keep_their_bound_and_count_what_went_before(conversation: type[Conversation], tmp_path: Any) -> None:
    talks = [conversation(ports=(1000 + n, 80)).opened() for n in range(300)]
    talks += [conversation(client="2001:db8::1", server="2001:db8::2", ports=(1000 + n, 80)).opened() for n in range(300)]
    exporter, sent = weir_native.IpfixExporter(), 0
    templates: dict[int, list[tuple[int, int]]] = {}
    seen: set[tuple[object, ...]] = set()
    for batch in replayed_batches(tmp_path, *talks):
        for message in exporter.messages(batch, now_s=1, max_bytes=1000):
            assert len(message) <= 1000
            assert struct.unpack_from(">I", message, 8)[0] == sent
            records = list(read(message, templates))
            sent += len(records)
            seen.update((record.get(8, record.get(27)), record[7], record[11]) for record in records)
    assert sent == exporter.records == 1200
    assert len(seen) == 1200


def test_other_tables_give_nothing(conversation: type[Conversation], tmp_path: Any) -> None:
    others = [batch for batch in replayed_batches(tmp_path, conversation().opened()) if batch.table != "flow_log.l4_flow_log"]
    assert others
    assert [weir_native.IpfixExporter().messages(batch, now_s=1) for batch in others] == [[]] * len(others)


def test_a_direction_without_packets_is_no_record(conversation: type[Conversation], replayed: Callable[..., Any], tmp_path: Any) -> None:
    talk = conversation().c("S", seq=0)
    assert replayed(talk).flow["packet_rx"] == 0
    exporter = weir_native.IpfixExporter()
    for batch in replayed_batches(tmp_path, talk):
        exporter.messages(batch, now_s=1)
    assert exporter.records == 1
