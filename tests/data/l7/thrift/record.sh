#!/bin/bash
# Records the captures of this folder: the codings and transports of Apache Thrift's Python library over loopback, with what its compiler makes of
# Shop.thrift; in `many` two services share the connection. Needs root, tcpdump, thrift-compiler and python3 with thrift.
# Then: UPDATE_GOLDEN=1 cargo test --test l7 (in native/), and read the difference.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}
port=29090
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
thrift --gen py -out "$work" "$here/Shop.thrift"
for kind in bare framed compact bare_compact old header many; do
  tcpdump -q -i lo -U --immediate-mode -s 0 -w "$here/$kind.pcap" "tcp port $port" 2>/dev/null &
  dump=$!
  sleep 0.7
  PYTHONPATH=$work "$python" - $port $kind <<PY
import logging, sys, threading, time
from Shop import More, Shop
from Shop.ttypes import Item, Refused
from thrift.Thrift import TApplicationException
from thrift.TMultiplexedProcessor import TMultiplexedProcessor
from thrift.protocol import TBinaryProtocol, TCompactProtocol, THeaderProtocol
from thrift.protocol.TMultiplexedProtocol import TMultiplexedProtocol
from thrift.server import TServer
from thrift.transport import TSocket, TTransport
logging.disable()
port, kind = int(sys.argv[1]), sys.argv[2]
lamp = Item("lamp", 9.5, [1, 2, 300], {"colour": "red", "room": "any"}, True)
class Handler:
    def find(self, name, depth): return lamp
    def all(self, count): return [lamp] * count
    def put(self, item): raise Refused("no room", 7)
    def crash(self): raise ValueError("oops")
    def forget(self, id): pass
processor = Shop.Processor(Handler())
if kind == "many":
    processor = TMultiplexedProcessor(); processor.registerProcessor("Shop", Shop.Processor(Handler()))
wrap = TTransport.TBufferedTransportFactory() if "bare" in kind or kind == "old" else TTransport.TFramedTransportFactory()
how = TCompactProtocol.TCompactProtocolFactory() if "compact" in kind else TBinaryProtocol.TBinaryProtocolFactory(strictRead=False, strictWrite=kind != "old")
if kind == "header":
    wrap, how = TTransport.TTransportFactoryBase(), THeaderProtocol.THeaderProtocolFactory()
server = TServer.TThreadedServer(processor, TSocket.TServerSocket("127.0.0.1", port), wrap, how, daemon=True)
threading.Thread(target=server.serve, daemon=True).start()
time.sleep(0.3)
socket = TSocket.TSocket("127.0.0.1", port); socket.setTimeout(5000)
way = how.getProtocol(wrap.getTransport(socket)); way.trans.open()
if kind == "header": way.trans.set_header(b"traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
shop = More.Client(TMultiplexedProtocol(way, "Shop") if kind == "many" else way)
shop.find("lamp", 7)
shop.all(80)
for call in (lambda: shop.put(lamp), shop.crash, shop.missing):
    try: call()
    except (Refused, TApplicationException): pass
shop.forget(3)
shop.find("lamp" * 900, 7)
way.trans.close()
PY
  sleep 0.3
  kill -INT $dump; wait $dump || true
done
