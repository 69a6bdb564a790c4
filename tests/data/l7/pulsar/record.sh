#!/bin/bash
# Records the capture of this folder: Pulsar's client for Python (which is that for C++) over loopback. No broker is in a registry, so a stand-in answers
# in a broker's words. Needs root, tcpdump and python3 with pulsar-client. Then: UPDATE_GOLDEN=1 cargo test --test l7 (in native/), and read the difference.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}
tcpdump -q -i lo -U --immediate-mode -s 0 -w "$here/client.pcap" "tcp port 26650" 2>/dev/null &
dump=$!
sleep 0.7
"$python" - <<'PY' || true
import socketserver, struct, threading
import pulsar
def varint(n):
    out = b""
    while n > 127: out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])
def pb(**fields):
    out = b""
    for name, value in fields.items():
        field = int(name[1:])
        out += varint(field << 3) + varint(value) if isinstance(value, int) else varint(field << 3 | 2) + varint(len(value)) + value
    return out
def read(data):
    found, at = {}, 0
    def number():
        nonlocal at
        n = shift = 0
        while True:
            byte = data[at]; at += 1
            n |= (byte & 127) << shift; shift += 7
            if byte < 128: return n
    while at < len(data):
        key = number()
        if key & 7 == 0: found[key >> 3] = number()
        else: size = number(); found[key >> 3] = data[at:at + size]; at += size
    return found
stored = []
class Broker(socketserver.StreamRequestHandler):
    def say(self, kind, fields, behind=b""):
        command = pb(f1=kind, **{f"f{kind}": fields})
        self.wfile.write(struct.pack(">II", 4 + len(command) + len(behind), len(command)) + command + behind)
    def handle(self):
        topics = {}
        while size := self.rfile.read(4):
            frame = self.rfile.read(struct.unpack(">I", size)[0])
            inner = struct.unpack(">I", frame[:4])[0]
            command, behind = read(frame[4:4 + inner]), frame[4 + inner:]
            kind = command[1]; asked = read(command[kind])
            if kind == 2: self.say(3, pb(f1=b"Pulsar Server3.2.0", f2=19, f3=5242880))
            elif kind == 21: self.say(22, pb(f1=0, f2=asked[2], f3=0))
            elif kind == 23 and b"hidden" in asked[1]: self.say(24, pb(f3=2, f4=asked[2], f6=4, f7=b"not for you"))
            elif kind == 23: self.say(24, pb(f1=b"pulsar://127.0.0.1:26650", f3=1, f4=asked[2], f5=1, f8=1))
            elif kind == 5 and b"busy" in asked[1]: self.say(14, pb(f1=asked[3], f2=25, f3=b"another producer is there"))
            elif kind == 5: self.say(17, pb(f1=asked[3], f2=b"standalone-0-1", f4=b"", f6=1))
            elif kind == 6:
                stored.append(behind)
                self.say(7, pb(f1=asked[1], f2=asked[2], f3=pb(f1=9, f2=len(stored)), f4=asked[2]))
            elif kind == 4: self.say(13, pb(f1=asked[5]))
            elif kind == 11:
                while stored:
                    self.say(9, pb(f1=asked[1], f2=pb(f1=9, f2=100 + len(stored))), stored.pop(0))
            elif kind == 10 and 8 in asked: self.say(38, pb(f1=asked[1], f6=asked[8]))
            elif kind in (15, 16, 12, 28): self.say(13, pb(f1=asked[2]))
            elif kind == 29: self.say(30, pb(f1=pb(f1=9, f2=1), f2=asked[2]))
            elif kind == 18: self.say(19, b"")
class Server(socketserver.ThreadingTCPServer): allow_reuse_address, daemon_threads = True, True
server = Server(("127.0.0.1", 26650), Broker)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = pulsar.Client("pulsar://127.0.0.1:26650", operation_timeout_seconds=5, logger=pulsar.ConsoleLogger(pulsar.LoggerLevel.Error))
producer = client.create_producer("persistent://public/default/orders")
trace = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
producer.send(b"first", properties=trace)
producer.send(b"second" * 600, partition_key="k7")
batched = client.create_producer("persistent://public/default/orders", batching_enabled=True, batching_max_publish_delay_ms=50)
for number in range(3): batched.send_async(b"batched", lambda *told: None, properties=trace)
batched.flush()
consumer = client.subscribe("persistent://public/default/orders", "shop")
for _ in range(5): consumer.acknowledge(consumer.receive(timeout_millis=3000))
for topic in ("hidden", "busy"):
    try: client.create_producer(f"persistent://public/default/{topic}")
    except Exception as error: print(error)
consumer.close(); batched.close(); producer.close(); client.close()
PY
sleep 0.3
kill -INT $dump; wait $dump || true
