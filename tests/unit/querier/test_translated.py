"""What a statement becomes, compared as a syntax tree and not as text."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from services.querier.errors import QueryError
from services.querier.translation import translate
from services.querier.translation.functions import FUNCTIONS
from services.querier.translation.values import AUTO_KINDS, Names
from services.querier.vocabulary import SOURCES

NAMES = Names(frozenset({"chost", "gprocess"}))
FROM_CHOST = "SELECT id FROM tag.chost WHERE"
CHANGES = "NOT (valid_from <= toDateTime({0}) AND valid_to >= toDateTime(4294967295))"
CHOST = "dictGetOrDefault('tag.chost', 'name', toUInt64(_r.chost_id{}), _r.time, '')"

UNHURRIED = settings(deadline=None, max_examples=80)

GOLDEN = (
    ("SELECT Sum(byte) FROM network", 'SELECT sum(_r.byte_tx + _r.byte_rx) AS "Sum(byte)" FROM flow_metrics."network.1m" AS _r LIMIT 10000'),
    ("select sum(byte) b from network.1s limit 3;", 'SELECT sum(_r.byte_tx + _r.byte_rx) AS "b" FROM flow_metrics."network.1s" AS _r LIMIT 3'),
    (
        "SELECT Avg(rtt) AS a FROM `flow_metrics`.`network_map.1m` LIMIT 1",
        'SELECT divide(sum(_r.rtt_sum), nullIf(sum(_r.rtt_count), 0)) AS "a" FROM flow_metrics."network_map.1m" AS _r LIMIT 1',
    ),
    (
        "SELECT chost, Max(rtt) AS m FROM network WHERE time >= 100 AND chost = 'a' GROUP BY chost ORDER BY m DESC LIMIT 5",
        f"""SELECT {CHOST.format("")} AS "chost", max(_r._a0) AS "m" FROM (
            SELECT maxOrNullIf(_r.rtt_max, _r.rtt_count > 0) AS _a0,
                if(((SELECT count() FROM ({FROM_CHOST} valid_to >= toDateTime(100) AND {CHANGES.format(100)})) > 0) AS _c_resource_chost,
                   xxh3(if(_r.chost_id IN ({FROM_CHOST} valid_to >= toDateTime(100) AND {CHANGES.format(100)}), {CHOST.format("")}, '')), 0) AS _v_chost,
                _r.chost_id AS chost_id,
                any(if(_c_resource_chost, _r.time, toDateTime(100))) AS time
            FROM flow_metrics."network.1m" AS _r
            WHERE _r.time >= toDateTime(100) AND _r.chost_id IN ({FROM_CHOST} name = 'a' AND valid_to >= toDateTime(100))
                AND {CHOST.format("")} = 'a'
            GROUP BY 2, 3) AS _r
        GROUP BY 1 ORDER BY 2 DESC LIMIT 5""",
    ),
    (
        "SELECT Count(*) AS n FROM l7_flow_log WHERE chost_0 != 'a'",
        f"""SELECT count() AS "n" FROM flow_log."l7_flow_log" AS _r
        WHERE NOT (_r.chost_id_0 IN ({FROM_CHOST} name = 'a')
            AND {CHOST.format("_0")} = 'a') LIMIT 10000""",
    ),
    (
        "SELECT Count(*) AS n FROM l7_flow_log WHERE pod_0 = 'a' OR ip_1 = '10.0.0.0/8' AND l7_protocol IN ('http', 'dns')",
        """SELECT count() AS "n" FROM flow_log."l7_flow_log" AS _r WHERE '' = 'a'
        OR _r.is_ipv4 = 1 AND _r.ip4_1 >= toIPv4('10.0.0.0') AND _r.ip4_1 <= toIPv4('10.255.255.255') AND _r.l7_protocol IN (20, 120) LIMIT 10000""",
    ),
    (
        "SELECT time(time, 60) AS t, PerSecond(Sum(byte_tx)) AS r FROM network GROUP BY t ORDER BY t",
        """SELECT intDiv(toUnixTimestamp(_r.time), 60) * 60 AS "t", divide(sum(_r.byte_tx), nullIf(60, 0)) AS "r"
        FROM flow_metrics."network.1m" AS _r GROUP BY 1 ORDER BY 1 LIMIT 10000""",
    ),
    (
        "SELECT endpoint FROM l7_flow_log WHERE time > now() - INTERVAL 5 MINUTE AND start_time < now()",
        """SELECT _r.endpoint AS "endpoint" FROM flow_log."l7_flow_log" AS _r WHERE _r.time > (now() - 300)
        AND toUnixTimestamp64Micro(_r.start_time) < (toUnixTimestamp64Micro(now64(6)) + 0) LIMIT 10000""",
    ),
    (
        "SELECT Sum(byte) / Sum(packet) AS x FROM network HAVING x > 1 OR NOT (Sum(byte) BETWEEN 1 AND 2)",
        """SELECT divide(sum(_r.byte_tx + _r.byte_rx), nullIf(sum(_r.packet_tx + _r.packet_rx), 0)) AS "x" FROM flow_metrics."network.1m" AS _r
        HAVING divide(sum(_r.byte_tx + _r.byte_rx), nullIf(sum(_r.packet_tx + _r.packet_rx), 0)) > 1
        OR NOT (sum(_r.byte_tx + _r.byte_rx) >= 1 AND sum(_r.byte_tx + _r.byte_rx) <= 2) LIMIT 10000""",
    ),
)


def bare(sql: str) -> Any:
    """The tree without parentheses that only group and without quotes."""
    tree = sqlglot.parse_one(sql, dialect="clickhouse")
    tree = tree.transform(lambda node: node.this.unnest() if isinstance(node, exp.Paren) else node)
    for name in tree.find_all(exp.Identifier):
        name.set("quoted", False)
    return tree


@pytest.mark.parametrize(("asked", "meant"), GOLDEN, ids=[asked[:60] for asked, _ in GOLDEN])
def test_statement_becomes_the_stores(asked: str, meant: str) -> None:
    assert bare(translate(asked, names=NAMES).sql) == bare(meant)


@pytest.mark.parametrize(
    ("sql", "table"),
    [
        ("SELECT Sum(byte) FROM network", "flow_metrics.network.1m"),
        ("SELECT Sum(byte) FROM network.1s", "flow_metrics.network.1s"),
        ("SELECT Sum(byte) FROM network WHERE time > now() - 300", "flow_metrics.network.1s"),
        ("SELECT Sum(byte) FROM network WHERE time > now() - 3600", "flow_metrics.network.1m"),
        ("SELECT Sum(byte) FROM network WHERE time > 100 AND time < 110", "flow_metrics.network.1m"),
        ("SELECT time(time, 10) AS t, Sum(byte) FROM network GROUP BY t", "flow_metrics.network.1s"),
        ("SELECT time(time, 120) AS t, Sum(byte) FROM network WHERE time > now() - 300 GROUP BY t", "flow_metrics.network.1m"),
        ("SELECT Count(*) FROM l7_flow_log", "flow_log.l7_flow_log"),
    ],
)
def test_a_family_is_read_at_the_interval_that_fits(sql: str, table: str) -> None:
    assert translate(sql).table == table


def test_the_request_may_say_the_interval() -> None:
    assert translate("SELECT Sum(byte) FROM network", precision="1s").table == "flow_metrics.network.1s"


@pytest.mark.parametrize(
    ("where", "seconds"),
    [
        ("time >= 100 AND time < 200", "100"),
        ("time > 99 AND time <= 199", "100"),
        ("time BETWEEN 100 AND 199", "100"),
        ("time >= 100 AND time < 200 AND time >= 150", "50"),
        ("time = 100", "1"),
        ("time > now() - 60", "60"),
        ("time >= now() - 60 AND time < now()", "60"),
        ("time >= now() - 60 AND time < now() - 10", "50"),
        ("time >= '1970-01-01 00:01:40' AND time < '1970-01-01T00:03:20Z'", "100"),
        ("(time >= 100 AND server_port = 80) AND time < 200", "100"),
    ],
)
def test_rates_divide_by_the_time_range(where: str, seconds: str) -> None:
    assert f"nullIf({seconds}, 0)" in translate(f"SELECT PerSecond(Count(*)) AS r FROM l7_flow_log WHERE {where}").sql


def test_rates_over_minutes_divide_by_whole_minutes() -> None:
    assert "nullIf(180, 0)" in translate("SELECT PerSecond(Sum(byte)) AS r FROM network.1m WHERE time >= 60 AND time <= 200").sql


def test_an_unknown_dictionary_means_no_name_and_no_error() -> None:
    sql = translate("SELECT chost_0, auto_instance_0 FROM network_map", names=Names(frozenset())).sql
    assert "dictGet" not in sql


# What may stand in SQL that was printed. Everything else would have come from somewhere it should not.
STORE_FUNCTIONS = frozenset(
    {
        "count",
        "sum",
        "sumif",
        "countif",
        "uniq",
        "uniqexact",
        "any",
        "topk",
        "avgornull",
        "avgornullif",
        "maxornull",
        "maxornullif",
        "minornull",
        "minornullif",
        "argmaxornull",
        "argmaxornullif",
        "stddevpopornull",
        "stddevpopornullif",
        "quantileornull",
        "quantileornullif",
        "quantileexactinclusiveornull",
        "quantileexactinclusiveornullif",
        "quantileexactweightedornullif",
        "divide",
        "nullif",
        "negate",
        "modulo",
        "multiply",
        "plus",
        "intdiv",
        "intdivorzero",
        "if",
        "multiif",
        "empty",
        "notempty",
        "greatest",
        "dictgetordefault",
        "touint8",
        "touint32",
        "touint64",
        "xxh3",
        "tostring",
        "tounixtimestamp",
        "tounixtimestamp64micro",
        "todatetime",
        "now",
        "now64",
        "toipv4",
        "toipv6",
        "like",
        "ilike",
        "match",
        "transform",
        "arraystringconcat",
        "arrayfilter",
        "bitand",
        "macnumtostring",
        "arrayelement",
        "arrayjoin",
        "tupleelement",
        "tonullable",
        "not",
    }
)
TABLES = frozenset(f"{source.database}.{source.name}" for source in SOURCES) | frozenset(
    f"tag.{kind}" for kind in {*AUTO_KINDS, "region", "az", "vpc", "subnet", "pod_ns", "agent"}
)

NAME = st.sampled_from(["chost_0", "auto_instance_1", "ip_0", "byte", "rtt", "retrans_ratio", "time", "server_port", "l7_protocol", "endpoint", "pod_1", "x"])
TEXT = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    ["'", "\\", "\\'", "''; DROP TABLE x --", "{p:String}", "%", "*/", "`", "\x00", "\n"]
)
LITERAL = TEXT.map(lambda text: "'" + text.replace("\\", "\\\\").replace("'", "''") + "'") | st.integers(-5, 2**40).map(str)
CALL = st.builds("{}({}{})".format, st.sampled_from([row.name for row in FUNCTIONS]), NAME, st.sampled_from(["", ", 50", ", 2", ", endpoint"]))
VALUE = st.recursive(
    NAME | CALL | st.integers(0, 9).map(str) | st.just("time(time, 60)") | st.just("enum(l7_protocol)"),
    lambda inner: st.builds("{} {} {}".format, inner, st.sampled_from("+-*/%"), inner) | inner.map("({})".format) | inner.map("-({})".format),
    max_leaves=4,
)
CONDITION = st.recursive(
    st.builds("{} {} {}".format, NAME | VALUE, st.sampled_from(["=", "!=", ">", "<=", "LIKE", "NOT LIKE", "REGEXP", "ILIKE"]), LITERAL | NAME)
    | st.builds("{} IN ({}, {})".format, NAME, LITERAL, LITERAL)
    | st.builds("{} BETWEEN {} AND {}".format, NAME, LITERAL, LITERAL),
    lambda inner: st.builds("({} {} {})".format, inner, st.sampled_from(["AND", "OR"]), inner) | inner.map("NOT ({})".format),
    max_leaves=4,
)
ALIAS = st.text(st.characters(codec="utf-8", exclude_characters="`"), min_size=1, max_size=8)
STATEMENT = st.builds(
    "SELECT {} AS `{}`, {} FROM {} {} {} {} LIMIT 3".format,
    VALUE,
    ALIAS,
    VALUE,
    st.sampled_from(["network_map", "l7_flow_log", "application_map.1s", "l4_flow_log", "network"]),
    st.just("") | CONDITION.map("WHERE {}".format),
    st.just("") | VALUE.map("GROUP BY {}".format),
    st.just("") | CONDITION.map("HAVING {}".format) | VALUE.map("ORDER BY {}".format),
)


KEY = st.sampled_from(["chost_0", "auto_instance_1", "ip_0", "server_port", "enum(protocol)", "time(time, 60)", "capture_nic", "pod_1"])
TEXTUAL = st.sampled_from(["chost_0", "auto_instance_1", "capture_nic", "pod_1", "enum(protocol)", "observation_point"])
QUOTED = TEXT.map(lambda text: "'" + text.replace("\\", "\\\\").replace("'", "''") + "'")
RIGHT = st.recursive(
    st.builds("{} {} {}".format, TEXTUAL, st.sampled_from(["=", "!=", "LIKE", "NOT LIKE", "REGEXP", ">"]), QUOTED)
    | st.builds("{} NOT IN ({}, {})".format, TEXTUAL, QUOTED, QUOTED)
    | st.builds("{} > {}".format, st.sampled_from(["time", "byte", "server_port", "retrans_ratio", "byte_tx + 2"]), st.integers(-9, 2**33)),
    lambda inner: st.builds("({} {} {})".format, inner, st.sampled_from(["AND", "OR"]), inner) | inner.map("NOT ({})".format),
    max_leaves=5,
)
TOTAL = st.recursive(
    st.builds("{}({})".format, st.sampled_from(["Sum", "Max", "Last", "Count"]), st.sampled_from(["byte", "rtt", "byte_tx * 8 + packet"]))
    | st.sampled_from(
        ["Percentile(rtt, 99)", "Uniq(chost_0, ip_1)", "Avg(bpp)", "Apdex(rtt, 5)", "PerSecond(Sum(byte))", "Percentage(Sum(byte_tx), Sum(byte))"]
    ),
    lambda inner: st.builds("({} {} {})".format, inner, st.sampled_from("+-*/%"), inner | st.integers(0, 9).map(str)) | inner.map("-({})".format),
    max_leaves=4,
)
GROUPED = st.builds(
    lambda key, total, alias, where, having, desc: (
        f"SELECT {key}, {total} AS `{alias}` FROM network_map WHERE time >= now() - 60 AND {where} GROUP BY {key} HAVING {having} > 1 ORDER BY 2{desc} LIMIT 3"
    ),
    KEY,
    TOTAL,
    ALIAS.filter(lambda alias: alias.isprintable() and alias != "_r"),
    RIGHT,
    TOTAL,
    st.sampled_from(["", " DESC"]),
)


def inspect(sql: str) -> None:
    """Reads printed SQL again, as ClickHouse's: one SELECT over known tables, known functions, nothing attached."""
    trees = sqlglot.parse(sql, dialect="clickhouse")
    assert len(trees) == 1
    tree = trees[0]
    assert isinstance(tree, exp.Select)
    assert not {"settings", "format", "into", "joins", "with_", "with", "sample", "final"} & {key for key, value in tree.args.items() if value}
    assert {f"{table.db}.{table.name}" for table in tree.find_all(exp.Table)} <= TABLES
    assert not list(tree.find_all(exp.Join, exp.Parameter, exp.Placeholder, exp.Command, exp.SessionParameter))
    assert all(isinstance(union.parent, exp.Subquery | exp.In | exp.Union) for union in tree.find_all(exp.Union))
    words = sqlglot.tokenize(sql, dialect="clickhouse")
    called = {word.text.lower() for word, following in itertools.pairwise(words) if following.token_type == TokenType.L_PAREN and word.text[-1:].isalnum()}
    whole = {name.removesuffix("state").removesuffix("merge") for name in called}
    assert whole <= STORE_FUNCTIONS | {"in", "and", "or", "not", "where", "having", "from", "by"}


@UNHURRIED
@given(GROUPED)
def test_what_is_well_put_is_accepted_and_prints_as_one_select_over_known_tables(sql: str) -> None:
    inspect(translate(sql).sql)


@UNHURRIED
@given(STATEMENT)
def test_whatever_gets_through_prints_as_one_select_over_known_tables(sql: str) -> None:
    try:
        plan = translate(sql)
    except QueryError:
        return
    inspect(plan.sql)


@UNHURRIED
@given(TEXT, st.sampled_from(["chost_0 = {}", "endpoint LIKE {}", "auto_instance_0 IN ({}, 'x')", "attributes.a = {}", "enum(l7_protocol) REGEXP {}"]))
def test_text_arrives_in_the_store_as_it_was_written(text: str, condition: str) -> None:
    written = "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
    sql = translate(f"SELECT Count(*) AS n FROM l7_flow_log WHERE {condition.format(written)}", names=NAMES).sql
    inspect(sql)
    literals = {node.name for node in sqlglot.parse_one(sql, dialect="clickhouse").find_all(exp.Literal) if node.is_string}
    assert text in literals


@UNHURRIED
@given(st.text(max_size=60))
def test_random_text_is_refused_and_never_breaks(text: str) -> None:
    with pytest.raises(QueryError):
        translate(text)


@UNHURRIED
@given(st.text(st.sampled_from(list("SELECTFROMWHERE chost_0'\"`()*,.;-/\\{}[]@#$%=<>!?:~^&|1 \n")), max_size=80))
def test_near_sql_never_breaks(text: str) -> None:
    for sql in (f"SELECT {text} FROM network", f"SELECT chost FROM network WHERE {text}", f"SHOW TAG {text} VALUES FROM network"):
        try:
            plan = translate(sql)
        except QueryError:
            continue
        inspect(plan.sql)
