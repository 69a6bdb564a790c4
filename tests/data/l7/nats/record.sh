#!/bin/bash
# Records the captures of this folder: a stock nats-server asked by nats-py (`python3 -m pip install nats-py`) and by bytes of our own over loopback:
# run it in a network namespace of its own (unshare -n, then ip link set lo up). Needs root, nats-server, python3 with nats-py, and tcpdump.
# Then: UPDATE_GOLDEN=1 cargo test --test l7 (in native/), and read the difference.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
nats-server -a 127.0.0.1 -p 4222 -n weir-test -js -sd "$work" > /dev/null 2>&1 &
open=$!
nats-server -a 127.0.0.1 -p 4223 -n locked --user alice --pass secret > /dev/null 2>&1 &
locked=$!
trap 'kill $open $locked; rm -rf "$work"' EXIT
sleep 1

record() { # name, then the program on stdin
  tcpdump -q -i lo -U --immediate-mode -s 0 -w "$here/$1.pcap" "tcp port 4222 or tcp port 4223" 2>/dev/null &
  dump=$!
  sleep 0.7
  python3 - > /dev/null 2>&1 || true
  sleep 0.5
  kill -INT $dump; wait $dump || true
}
record core <<PY
import asyncio, nats
async def main():
    service, client = await nats.connect("nats://127.0.0.1:4222", name="service"), await nats.connect("nats://127.0.0.1:4222", name="shop")
    async def answer(message):
        await message.respond(b"hello " + message.data, ) if message.data != b"silent" else None
    await service.subscribe("greet.*", cb=answer, queue="workers")
    await service.flush()
    news = await client.subscribe("news.>"); await client.flush()
    for number in range(4): print(await client.request("greet.world", b"%d" % number, timeout=1))
    await client.publish("news.sport", b"1:0")
    await client.publish("news.long", b"x" * 20000)
    await client.publish("news.traced", b"t", headers={"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "X-Request-ID": "r-1"})
    print(await client.request("greet.traced", b"h", timeout=1, headers={"sw8": "1-MWYyZDRiZjQ3YmY3MTFlYWI3OTRhY2RlNDgwMDExMjI=-MWU3YzIwNGE3YmY3MTFlYWI4NThhY2RlNDgwMDExMjI=-0-c2VydmljZQ==-aW5zdGFuY2U=-L2FwaQ==-MTI3LjAuMC4x"}))
    for subject in ("nobody.here", "greet.silent"):
        try: await client.request(subject, b"silent", timeout=0.3)
        except Exception as error: print(error)
    await news.unsubscribe(); await client.drain(); await service.close()
asyncio.run(main())
PY
record jetstream <<PY
import asyncio, nats
async def main():
    client = await nats.connect("nats://127.0.0.1:4222", name="orders")
    stream = client.jetstream()
    await stream.add_stream(name="ORDERS", subjects=["orders.*"])
    for number in range(3): await stream.publish("orders.new", b"order %d" % number, headers={"Nats-Msg-Id": "m-%d" % number})
    pull = await stream.pull_subscribe("orders.new", "worker")
    first, second = await pull.fetch(2)
    await first.ack(); await second.nak()
    (third,) = await pull.fetch(1); await third.ack_sync()
    try: await stream.stream_info("MISSING")
    except Exception as error: print(error)
    try: await stream.publish("nostream.x", b"", timeout=0.5)
    except Exception as error: print(error)
    push = await stream.subscribe("orders.new", durable="pushed")
    await (await push.next_msg()).ack()
    await client.drain()
asyncio.run(main())
PY
record typed <<PY
import socket, time
def connect(port=4222):
    s = socket.create_connection(("127.0.0.1", port)); time.sleep(0.05); return s
def say(s, *lines):
    for line in lines: s.sendall(line); time.sleep(0.05)
say(connect(), b'CONNECT {"verbose":true,"pedantic":true,"headers":true,"name":"typed"}\r\n', b"sub FOO 1\r\n", b"SUB BAR group 2\r\n", b"PUB FOO 5\r\nhello\r\n",
    b"HPUB FOO JOKE.1 22 33\r\nNATS/1.0\r\nBar: Baz\r\n\r\nHello NATS!\r\n", b"UNSUB 1 7\r\nUNSUB 2\r\n", b"PING\r\n", b"PUB a..b 1\r\nx\r\n", b"bogus\r\n")
say(connect(), b'CONNECT {"verbose":false}\r\nPING\r\n', b"PUB big 2000000\r\n" + b"x" * 100)
say(connect(4223), b'CONNECT {"verbose":false,"user":"alice","pass":"wrong","name":"thief"}\r\nPING\r\n')
say(connect(4223), b'CONNECT {"verbose":false,"user":"alice","pass":"secret","lang":"none","version":"1"}\r\nPING\r\n', b"PUB a 1\r\nb\r\n")
PY
