"""Captures of others, with the numbers that others derived from them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

CASES = Path(__file__).parents[4] / "shared" / "cases" / "pcap"

pytestmark = pytest.mark.skipif(not (CASES / "expected.json").exists(), reason="the shared captures are not there")


def _expected() -> dict[str, dict[str, Any]]:
    path = CASES / "expected.json"
    return orjson.loads(path.read_bytes())["l4"] if path.exists() else {}


def _columns(expected: dict[str, Any]) -> dict[str, int]:
    """The file's names as columns; `3008 x 6` is a product."""
    names = {
        "rtt_us": "rtt", "rtt_client_us": "rtt_client_max", "rtt_server_us": "rtt_server_max", "srt_max_us": "srt_max", "art_max_us": "art_max",
        "cit_max_us": "cit_max", "rtt_client_max_us": "rtt_client_max", "rtt_server_max_us": "rtt_server_max", "syn": "syn_count",
        "synack": "synack_count", "fin": "fin_count", "retrans": "retrans_tx", "art_us": "art_max", "l3_payload_bytes": "l3_byte_tx",
        "l4_payload_bytes": "l4_byte_tx",
    }  # fmt: skip
    columns: dict[str, int] = {}
    for name, value in expected.items():
        if isinstance(value, dict):
            columns |= {f"{name}_{part}": number for part, number in value.items()}
        elif isinstance(value, str):
            size, count = value.split(" x ")
            columns[names[name]] = int(size) * int(count)
        else:
            columns[names.get(name, name)] = value
    return columns


@pytest.mark.parametrize("name", sorted(_expected()))
def test_a_capture_gives_the_expected_numbers(name: str, replayed: Callable[..., Any]) -> None:
    flow = replayed(CASES / "l4" / f"{name}.pcap").flow
    expected = _columns(_expected()[name])
    assert {column: flow[column] for column in expected} == expected
    assert flow["retrans_rx"] == 0 or "retrans_tx" not in expected


@pytest.mark.parametrize("path", sorted(CASES.glob("*/*.pcap")), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_packet_of_any_capture_is_lost(path: Path, replayed: Callable[..., Any]) -> None:
    result = replayed(path)
    stats = result.stats
    flows = sum(row["packet_tx"] + row["packet_rx"] for row in result.flows)
    assert flows == stats["packets"] > 0
    pairs = result.tables["flow_metrics.network_map.1s"]
    assert sum(row["byte_tx"] + row["byte_rx"] for row in pairs) == stats["bytes"] == sum(row["byte_tx"] + row["byte_rx"] for row in result.flows)


def test_a_repeated_handshake_ack_is_a_sample_and_a_window_update_is_none(replayed: Callable[..., Any]) -> None:
    flow = replayed(CASES / "l4" / "syn-retrans.pcap").flow
    assert (flow["rtt_client_count"], flow["rtt_client_max"], flow["rtt"]) == (1, 9_100, 325_400)
    assert (flow["retrans_syn"], flow["syn_count"], flow["synack_count"]) == (1, 2, 1)


def test_a_handshake_seen_in_the_wrong_order_gives_no_round_trip_times(replayed: Callable[..., Any]) -> None:
    flow = replayed(CASES / "l4" / "handshake-error.pcap").flow
    assert (flow["rtt_client_count"], flow["rtt_server_count"], flow["srt_count"], flow["art_count"]) == (0, 0, 0, 0)
    # Theirs are two: data twice. The FIN that came once more before was sent again too, says any kernel that sends one.
    assert (flow["retrans_tx"], flow["retrans_rx"], flow["retrans_synack"], flow["fin_count"]) == (3, 1, 1, 4)
