"""Every function's result against what can be computed by hand from `world.py`."""

from __future__ import annotations

import pytest

from services.querier.translation.functions import FUNCTIONS
from tests.integration.querier.conftest import Querier
from tests.integration.querier.world import T

PAIR = "FROM network_map.1m WHERE chost_0 = 'web-1'"
L7 = "FROM l7_flow_log"

CASES: tuple[tuple[str, str, object], ...] = (
    # durations 100, 200, 300, 400, none, 1000
    ("Count(*)", L7, 6),
    ("Count(rrt)", L7, 5),
    ("Count()", L7, 6),
    ("Sum(rrt)", L7, 2000),
    ("Avg(rrt)", L7, 400),
    ("avg(response_duration)", L7, 400),
    ("Max(rrt)", L7, 1000),
    ("Min(rrt)", L7, 100),
    ("Last(rrt)", L7, 1000),
    ("Spread(rrt)", L7, 900),
    ("Rspread(rrt)", L7, 10),
    ("Stddev(rrt)", L7, pytest.approx(316.2277660168379)),
    ("Percentile(rrt, 50)", L7, 300),
    ("PercentileExact(rrt, 75)", L7, 400),
    ("PercentileExact(rrt, 90)", L7, pytest.approx(760)),
    ("Apdex(rrt, 200)", L7, 60),
    ("Sum(request)", L7, 6),
    ("Sum(response)", L7, 5),
    ("Sum(error)", L7, 2),
    ("Sum(timeout)", L7, 1),
    ("Avg(error_ratio)", L7, 40),
    ("Avg(client_error_ratio)", L7, 20),
    ("Avg(timeout_ratio)", L7, pytest.approx(100 / 6)),
    ("Avg(request_length)", L7, 10),
    ("Max(time)", L7, T + 700),
    ("Uniq(endpoint)", L7, 3),
    ("Uniq(endpoint, response_code)", L7, 4),
    ("UniqExact(chost_1)", L7, 2),
    ("Uniq(enum(response_status))", L7, 4),
    ("TopK(endpoint, 1)", L7, ["/a"]),
    ("Any(chost_0)", L7, "web-1"),
    ("Percentage(Sum(error), Sum(request))", L7, pytest.approx(100 / 3)),
    ("PerSecond(Count(*))", f"{L7} WHERE time >= {T} AND time < {T + 10}", 0.5),
    ("PerSecond(Count(*))", f"{L7} WHERE time > '2026-02-28 23:59:59' AND time <= '2026-03-01T00:00:09Z'", 0.5),
    # bytes 4000, 3000, 1000; packets 40, 30, 10; rtt 600/3, 100/1, none
    ("Sum(byte)", PAIR, 8000),
    ("Avg(byte)", PAIR, pytest.approx(8000 / 3)),
    ("Max(byte)", PAIR, 4000),
    ("Min(byte)", PAIR, 1000),
    ("Last(byte)", PAIR, 1000),
    ("Sum(byte_tx + byte_rx)", PAIR, 8000),
    ("Max(byte_tx * 8)", PAIR, 16000),
    ("Avg(bpp)", PAIR, 100),
    ("Max(bpp)", PAIR, 100),
    ("Avg(rtt)", PAIR, 175),
    ("Max(rtt)", PAIR, 300),
    ("Max(rtt_max)", PAIR, 300),
    ("Min(rtt)", PAIR, 100),
    ("Sum(rtt)", PAIR, 700),
    ("Count(rtt)", PAIR, 4),
    ("Last(rtt)", PAIR, 100),
    ("Percentile(rtt, 50)", PAIR, 200),
    ("Apdex(rtt, 100)", PAIR, 62.5),
    ("Avg(retrans_ratio)", PAIR, 6.25),
    ("Max(retrans_ratio)", PAIR, 10),
    ("Min(retrans_ratio)", PAIR, 0),
    ("Spread(retrans_ratio)", PAIR, 10),
    ("Sum(retrans) * 2 + 1", PAIR, 11),
    ("(Sum(byte) - Sum(byte_tx)) / Sum(packet_rx)", PAIR, 100),
    ("Sum(byte) % 7", PAIR, 8000 % 7),
    ("-Sum(byte)", PAIR, -8000),
    ("Sum(byte) / Sum(zero_win)", PAIR, None),
    ("Percentage(Sum(byte), 0)", PAIR, None),
    ("PerSecond(Sum(byte))", f"{PAIR} AND time >= {T} AND time < {T + 300}", pytest.approx(8000 / 300)),
    ("PerSecond(Max(byte) + 2)", f"{PAIR} AND time BETWEEN {T} AND {T + 239}", pytest.approx(4002 / 240)),
    # nothing to add up
    ("Avg(rtt)", f"{PAIR} AND server_port = 1", None),
    ("Max(byte)", f"{PAIR} AND server_port = 1", None),
    ("Percentile(rtt, 99)", f"{PAIR} AND server_port = 1", None),
    ("Sum(byte)", f"{PAIR} AND server_port = 1", 0),
    ("Avg(cit)", PAIR, None),
)


@pytest.mark.parametrize(("asked", "rest", "expected"), CASES, ids=[f"{asked} {rest}"[:70] for asked, rest, _ in CASES])
def test_function_gives_what_is_computed_by_hand(querier: Querier, asked: str, rest: str, expected: object) -> None:
    assert querier.values(f"SELECT {asked} AS it {rest}") == [[expected]]


def test_every_function_is_among_the_cases() -> None:
    asked = " ".join(case[0] for case in CASES)
    assert [row.name for row in FUNCTIONS if f"{row.name}(" not in asked] == []


def test_every_function_runs_over_every_type_it_says_it_fits(querier: Querier) -> None:
    samples = {"counter": "byte", "gauge": "rtt_max", "delay": "rtt", "percentage": "retrans_ratio", "quotient": "bpp"}
    for row in FUNCTIONS:
        for kind in row.types:
            more = "".join(f", {least + 1:g}" for _, least, _ in row.parameters)
            querier.answer(f"SELECT {row.name}({samples[kind]}{more}) FROM network_map WHERE time > now() - 60")


def test_groups_are_of_names_buckets_and_words(querier: Querier) -> None:
    rows = querier.rows(
        "SELECT enum(response_status) AS status, chost_1, time(time, 600) AS at, Count(*) AS n FROM l7_flow_log "
        "GROUP BY status, chost_1, at HAVING n > 0 AND status != 'timeout' ORDER BY at, n DESC, status"
    )
    assert rows == [
        {"status": "ok", "chost_1": "db-old", "at": T, "n": 2},
        {"status": "client_error", "chost_1": "db-old", "at": T, "n": 1},
        {"status": "server_error", "chost_1": "db-old", "at": T, "n": 1},
        {"status": "ok", "chost_1": "db", "at": T + 600, "n": 1},
    ]


def test_rates_use_the_bucket(querier: Querier) -> None:
    assert querier.values(f"SELECT time(time, 60) AS t, PerSecond(Sum(byte)) AS r {PAIR} GROUP BY t ORDER BY t") == [
        [T, pytest.approx(4000 / 60)],
        [T + 60, 50],
        [T + 180, pytest.approx(1000 / 60)],
    ]


@pytest.mark.parametrize(("fill", "gap"), [("0", 0), ("'null'", None)])
def test_gaps_are_filled_in_each_group(querier: Querier, fill: str, gap: int | None) -> None:
    sql = f"SELECT time(time, 60, 1, {fill}) AS t, chost_1, Sum(byte) AS b {PAIR} AND time >= {T} AND time < {T + 300} GROUP BY t, chost_1"
    assert querier.values(sql) == [[T + 60 * at, "db-old", b] for at, b in enumerate((4000, 3000, gap, 1000, gap))]


def test_order_limit_and_offset(querier: Querier) -> None:
    assert querier.values("SELECT endpoint, rrt FROM l7_flow_log ORDER BY rrt DESC, endpoint LIMIT 2 OFFSET 1") == [["/c", 400], ["/b", 300]]
    assert querier.values("SELECT endpoint, Max(rrt) FROM l7_flow_log GROUP BY 1 ORDER BY 2 DESC LIMIT 1, 1") == [["/c", 400]]


def test_bare_measures_are_of_one_row(querier: Querier) -> None:
    assert querier.values(f"SELECT byte, rtt, bpp, retrans_ratio {PAIR} AND byte >= 3000 ORDER BY time") == [[4000, 200, 100, 10], [3000, 100, 100, 0]]


def test_order_by_is_the_alias_and_not_the_column_of_that_name(querier: Querier) -> None:
    assert querier.values(f"SELECT time(time, 60) AS time, -Sum(byte_tx) AS byte_tx {PAIR} AND time < {T + 180} GROUP BY time ORDER BY byte_tx") == [
        [T + 60, -2000],
        [T, -1000],
    ]


def test_everything_can_be_selected(querier: Querier) -> None:
    row = querier.rows("SELECT * FROM l7_flow_log ORDER BY time LIMIT 1")[0]
    assert row["chost_0"] == "web-1"
    assert row["auto_instance_1"] == "nginx"
    assert row["ip_1"] == "10.0.0.2"
    assert row["response_duration"] == 100
    assert "batch_id" not in row
    assert row["attributes"] == {"http.route": "/a", "tenant": "o'neil \\ co"}
