"""Thrift's server and client by thriftpy2, in each coding and transport: each call one row with the time that the client waited."""

from __future__ import annotations

import statistics
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from tests.kernel.l7.conftest import Watched

pytest.importorskip("thriftpy2")

SERVICE: Final = Path(__file__).parents[2] / "data" / "l7" / "thrift" / "Shop.thrift"
ROUNDS: Final = 150
WAYS: Final = 4
"""Binary and compact, each framed and not."""

CLIENT: Final = """
import json, logging, sys, threading, time
import thriftpy2
from thriftpy2.protocol import TBinaryProtocolFactory, TCompactProtocolFactory
from thriftpy2.rpc import make_client, make_server
from thriftpy2.thrift import TApplicationException
from thriftpy2.transport import TBufferedTransportFactory, TFramedTransportFactory
logging.disable()
rounds, shop = int(sys.argv[1]), thriftpy2.load(sys.argv[2], module_name="shop_thrift")
class Handler:
    def find(self, name, depth):
        return shop.Item(name=name, price=1.5, sizes=[1, 2, 300], labels={"room": "any"}, sold=True)
    def all(self, count):
        return [self.find("lamp", 1)] * count
    def put(self, item):
        raise shop.Refused(why="no room", code=7)
    def forget(self, id):
        pass
def timed(name, work):
    start, error = time.perf_counter(), ""
    try:
        work()
    except (shop.Refused, TApplicationException) as caught:
        error = type(caught).__name__
    print(json.dumps([name, error, (time.perf_counter() - start) * 1e6]))
port = 9090
for coding in (TBinaryProtocolFactory, TCompactProtocolFactory):
    for transport in (TBufferedTransportFactory, TFramedTransportFactory):
        ways = {"proto_factory": coding(), "trans_factory": transport()}
        server = make_server(shop.Shop, Handler(), "127.0.0.1", port, client_timeout=None, **ways)
        threading.Thread(target=server.serve, daemon=True).start()
        time.sleep(0.3)
        client = make_client(shop.More, "127.0.0.1", port, timeout=20000, **ways)
        for number in range(rounds):
            timed("find", lambda: client.find("lamp" * (number * 7 % 900), number))
            if number % 5 == 0:
                timed("all", lambda: client.all(number))
                timed("put", lambda: client.put(shop.Item(name="full")))
                timed("missing", client.missing)
                timed("forget", lambda: client.forget(number))
        client.close()
        port += 1
"""


def test_each_call_is_one_row_in_each_coding_and_transport(watched: Watched) -> None:
    told = watched.client(CLIENT, str(ROUNDS), str(SERVICE))
    rows = [row for row in watched.rows if row["l7_protocol_str"] == "Thrift"]
    counted = Counter((row["server_port"], row["type"], row["endpoint"], row["response_status"]) for row in rows)
    some = ROUNDS // 5
    each = {(2, "find", 0): ROUNDS, (2, "all", 0): some, (2, "put", 3): some, (2, "missing", 4): some, (0, "forget", 5): some}
    assert counted == {(port, *what): count for port in range(9090, 9090 + WAYS) for what, count in each.items()}
    assert Counter(row["attributes"]["thrift.protocol"] for row in rows) == {"binary": len(rows) // 2, "compact": len(rows) // 2}
    waited = [took_us for name, _, took_us in told if name != "forget"]
    slack = [took_us - row["response_duration"] for row, took_us in zip((row for row in rows if row["type"] == 2), waited, strict=True)]
    assert min(slack) > -1_000, "clocks differ by less than a millisecond"
    assert statistics.median(slack) < 5_000
