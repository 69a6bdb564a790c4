"""Grouping by names and comparing names answers as if every row's name were looked up, however names change within the range.

The rows themselves, each with its names, are asked for once; what a grouped or narrowed question should answer is computed from them here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.querier.conftest import Querier, Store

D = 1_780_000_000
"""No other test has rows from here on."""
_FOR_EVER = 4_294_967_295
_CHOSTS = (
    # id, from, to, name: the same throughout; renamed; renamed twice, back again; deleted; made anew under the name of the one deleted
    (100, 0, _FOR_EVER, "still"),
    (101, 0, D + 2999, "before"),
    (101, D + 3000, _FOR_EVER, "after"),
    (102, 0, D + 999, "here"),
    (102, D + 1000, D + 1999, "there"),
    (102, D + 2000, _FOR_EVER, "here"),
    (103, 0, D + 2499, "twice"),
    (104, D + 3500, _FOR_EVER, "twice"),
    # two ids of one name; a name that looks like an address; no name
    (105, 0, _FOR_EVER, "still"),
    (106, 0, _FOR_EVER, "10.9.0.3"),
    (107, 0, _FOR_EVER, ""),
    # renamed, but before any row
    (108, 0, D - 1000, "young"),
    (108, D - 999, _FOR_EVER, "old"),
)
TABLE = "application_map.1s"
COLUMNS = ("auto_instance_0", "auto_instance_1", "auto_service_1", "chost_0", "chost_1", "ip_0", "server_port", "enum(l7_protocol)", "time")
KEYS = ("auto_instance_0", "auto_service_1", "chost_0", "chost_1", "ip_0", "enum(l7_protocol)", "auto_instance_0, auto_instance_1", "ip_0, auto_instance_0",
        "chost_0, server_port", "chost_0, chost_1, auto_instance_1", "auto_instance_0, time", "time, chost_0")  # fmt: skip
SPANS = {
    f"time >= {D} AND time < {D + 6000}": (0, 6000),
    f"time >= {D + 3000} AND time < {D + 6000}": (3000, 6000),
    f"time > {D + 1099} AND time <= {D + 1900}": (1100, 1901),
    f"time BETWEEN {D + 1000} AND {D + 1999}": (1000, 2000),
    f"time >= {D}": (0, 6000),
    f"(time >= {D} AND NOT time > {D + 3000})": (0, 3001),
    f"time >= {D + 2900} AND time < {D + 3100}": (2900, 3100),
}
"""Condition on the time → the seconds after D that it lets through."""


@pytest.fixture(scope="module", autouse=True)
def changed(store: Store) -> Iterator[None]:
    """6000 s of rows between every id there is, one that no dictionary has, and 0; each fifth of them over IPv6."""
    rows = ", ".join(f"({id_}, {begin}, {end}, '{name}')" for id_, begin, end, name in _CHOSTS)
    store.run(f"INSERT INTO tag.chost_rows VALUES {rows}")
    store.run("SYSTEM RELOAD DICTIONARY tag.chost")
    store.run(
        "INSERT INTO flow_metrics.`application_map.1s` (time, chost_id_0, chost_id_1, auto_instance_type_0, auto_instance_id_0, auto_instance_type_1, "
        "auto_instance_id_1, auto_service_type_1, auto_service_id_1, is_ipv4, ip4_0, ip4_1, ip6_0, ip6_1, server_port, l7_protocol, request, rrt_sum, rrt_count, rrt_max) "
        f"SELECT {D} + number % 600 * 10, a, b, if(a > 0, 1, 255), a, [1, 0, 6, 120][1 + number % 4], b, if(b > 0, 1, 0), b, number % 5 != 0 AS v4, "
        "if(v4, 168361984 + number % 3, 0), if(v4, 168361984 + b % 5, 0), if(v4, toIPv6('::'), toIPv6('2001:db8::1')), if(v4, toIPv6('::'), toIPv6('::ffff:10.9.0.3')), "
        "80 + number % 2, 20 + number % 2, 1 + number, number * 10, 1, number * 10 "
        "FROM (SELECT number, [0, 100, 101, 102, 103, 104, 105, 106, 107, 108, 999][1 + sipHash64(number) % 11] AS a, "
        "[0, 100, 101, 102, 103, 104, 105, 106, 107, 108, 999][1 + sipHash64(number, 1) % 11] AS b FROM numbers(3000))"
    )
    yield
    store.run("DELETE FROM flow_metrics.`application_map.1s` WHERE time >= 1780000000")
    store.run("DELETE FROM tag.chost_rows WHERE id >= 100")
    store.run("SYSTEM RELOAD DICTIONARY tag.chost")


@pytest.fixture(scope="module")
def rows(querier: Querier, changed: None) -> list[dict[str, Any]]:  # noqa: ARG001  there are rows
    return querier.rows(f"SELECT {', '.join(COLUMNS)}, request FROM {TABLE} WHERE time >= {D} LIMIT 100000")


def test_the_rows_have_every_kind_of_change(rows: list[dict[str, Any]]) -> None:
    assert len(rows) == 3000
    assert {row["chost_0"] for row in rows} == {"still", "before", "after", "here", "there", "twice", "10.9.0.3", "old", ""}
    assert {"10.9.0.0", "2001:db8::1", "twice"} <= {row["auto_instance_0"] for row in rows}


@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("keys", KEYS)
def test_groups_are_those_of_the_rows_names(querier: Querier, rows: list[dict[str, Any]], keys: str, span: str) -> None:
    first, end = (D + begin for begin in SPANS[span])
    expected: Counter[tuple[Any, ...]] = Counter()
    for row in rows:
        if first <= row["time"] < end:
            expected[tuple(row[key] for key in keys.split(", "))] += row["request"]
    found = querier.values(f"SELECT {keys}, Sum(request) AS n FROM {TABLE} WHERE {span} GROUP BY {keys} LIMIT 100000")
    assert {tuple(values[:-1]): values[-1] for values in found} == expected
    assert len(found) == len(expected)


CONDITIONS: tuple[tuple[str, Callable[[str], bool]], ...] = (
    *((f"= '{word}'", lambda name, word=word: name == word) for word in ("still", "before", "twice", "here", "10.9.0.3", "", "nobody", "::ffff:10.9.0.3")),
    ("!= 'before'", lambda name: name != "before"),
    ("!= ''", bool),
    ("IN ('after', '10.9.0.1', 'there')", lambda name: name in {"after", "10.9.0.1", "there"}),
    ("IN ('', 'twice')", lambda name: name in {"", "twice"}),
    ("NOT IN ('twice', 'old')", lambda name: name not in {"twice", "old"}),
    ("LIKE '%e%'", lambda name: "e" in name),
    ("LIKE 't%'", lambda name: name.startswith("t")),
    ("LIKE '10.%'", lambda name: name.startswith("10.")),
    ("LIKE '%'", lambda _: True),
    ("NOT LIKE '%e'", lambda name: not name.endswith("e")),
    ("ILIKE 'BEF_RE'", lambda name: name == "before"),
    ("ILIKE '%F%'", lambda name: "f" in name.lower()),
    ("REGEXP '^(t|b)'", lambda name: name[:1] in {"t", "b"}),
    ("REGEXP '^[0-9.]*$'", lambda name: re.fullmatch("[0-9.]*", name) is not None),
    ("> 'here'", lambda name: name > "here"),
    ("<= 'here'", lambda name: name <= "here"),
    ("BETWEEN 'b' AND 'i'", lambda name: "b" <= name <= "i"),
)


@pytest.mark.parametrize("tag", ["chost_0", "auto_instance_0", "auto_instance_1"])
@pytest.mark.parametrize(("condition", "holds"), CONDITIONS, ids=[condition for condition, _ in CONDITIONS])
def test_conditions_hold_for_the_rows_names(querier: Querier, rows: list[dict[str, Any]], tag: str, condition: str, holds: Callable[[str], bool]) -> None:
    for first, last in ((D, D + 6000), (D + 3000, D + 6000), (D + 1100, D + 1900)):
        expected = sum(row["request"] for row in rows if first <= row["time"] < last and holds(row[tag]))
        where = f"{tag} {condition} AND time >= {first} AND time < {last}"
        assert querier.values(f"SELECT Sum(request) FROM {TABLE} WHERE {where}") == [[expected]], (first, last)
    assert querier.values(f"SELECT Sum(request) FROM {TABLE} WHERE time >= {D} AND NOT ({tag} {condition})") == [
        [sum(row["request"] for row in rows if not holds(row[tag]))]
    ]


def test_having_order_and_limit_are_of_the_names(querier: Querier, rows: list[dict[str, Any]]) -> None:
    sums = Counter[str]()
    for row in rows:
        sums[row["auto_instance_0"]] += row["request"]
    named = sorted(((name, total) for name, total in sums.items() if "e" in name and total > 1000), reverse=True)
    asked = f"SELECT auto_instance_0 AS who, Sum(request) AS n FROM {TABLE} WHERE time >= {D} GROUP BY who HAVING who LIKE '%e%' AND n > 1000 ORDER BY who DESC"
    assert querier.values(f"{asked} LIMIT 2, 3") == [list(pair) for pair in named[2:5]]


@pytest.mark.parametrize(
    ("function", "of"),
    [
        ("Count(*)", len),
        ("Max(rrt)", lambda rows: max(row["request"] - 1 for row in rows) * 10),
        ("Avg(rrt)", lambda rows: pytest.approx(sum(row["request"] - 1 for row in rows) * 10 / len(rows))),
        ("Percentile(rrt, 100)", lambda rows: max(row["request"] - 1 for row in rows) * 10),
        ("Last(request)", None),
        ("UniqExact(chost_1)", lambda rows: len({row["chost_1"] for row in rows})),
        ("Uniq(time)", lambda rows: len({row["time"] for row in rows})),
        ("Sum(request) * 2 + Count(*)", lambda rows: sum(row["request"] for row in rows) * 2 + len(rows)),
        ("PerSecond(Sum(request))", lambda rows: pytest.approx(sum(row["request"] for row in rows) / 6000)),
    ],
)
def test_functions_of_groups_are_those_of_their_rows(querier: Querier, rows: list[dict[str, Any]], function: str, of: Any) -> None:
    found = querier.values(f"SELECT chost_0, {function} AS n FROM {TABLE} WHERE time >= {D} AND time < {D + 6000} GROUP BY chost_0 ORDER BY chost_0")
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row["chost_0"], []).append(row)
    assert [name for name, _ in found] == sorted(groups)
    if of is not None:
        assert found == [[name, of(groups[name])] for name in sorted(groups)]


def test_gaps_are_filled_in_every_group_of_a_name(querier: Querier, rows: list[dict[str, Any]]) -> None:
    found = querier.values(
        f"SELECT time(time, 1000, 1, 0) AS t, chost_0, Sum(request) AS n FROM {TABLE} WHERE time >= {D} AND time < {D + 6000} GROUP BY t, chost_0"
    )
    buckets = {at // 1000 * 1000 for at in range(D, D + 6000)}
    sums = Counter[tuple[int, str]]()
    for row in rows:
        sums[row["time"] // 1000 * 1000, row["chost_0"]] += row["request"]
    names = {row["chost_0"] for row in rows}
    assert {(at, name): n for at, name, n in found} == {(at, name): sums[at, name] for at in buckets for name in names}
