#!/bin/bash
# Records the captures of this folder: someip 0.3 (Python, github afflux/pysomeip) over loopback, its service and client. Needs root, tcpdump, python3 with someip.
# Then: UPDATE_GOLDEN=1 cargo test --test l7 (in native/), and read the difference.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}
tcpdump -q -i lo -U --immediate-mode -s 0 -w "$here/calls.pcap" "port 30509 or port 30490" 2>/dev/null &
dump=$!
sleep 0.7
"$python" - <<PY
import asyncio, ipaddress, socket
from someip.header import SOMEIPHeader, SOMEIPMessageType, SOMEIPReturnCode, SOMEIPSDHeader, SOMEIPSDEntry, SOMEIPSDEntryType, IPv4EndpointOption, L4Protocols
from someip.service import SimpleService
import someip.header

class Doors(SimpleService):
    service_id, version_major, version_minor = 0x1234, 1, 0
    def __init__(self, instance):
        super().__init__(instance)
        self.register_method(0x0001, lambda message, address: b"open " + message.payload)

async def main():
    transport, doors = await Doors.create_unicast_endpoint(7, local_addr=("127.0.0.1", 30509))
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); client.bind(("127.0.0.1", 0)); client.connect(("127.0.0.1", 30509)); client.setblocking(False)
    loop = asyncio.get_running_loop()
    def ask(service, method, session, kind=SOMEIPMessageType.REQUEST, interface=1, payload=b"1"):
        return SOMEIPHeader(service_id=service, method_id=method, client_id=0x11, session_id=session, interface_version=interface, message_type=kind, payload=payload).build()
    for message in (ask(0x1234, 1, 1), ask(0x1234, 2, 2), ask(0x4321, 1, 3), ask(0x1234, 1, 4, interface=9), ask(0x1234, 1, 5, SOMEIPMessageType.REQUEST_NO_RETURN), ask(0x1234, 1, 6, payload=b"x" * 600)):
        client.send(message)
        try: await asyncio.wait_for(loop.sock_recv(client, 2000), 0.3)
        except TimeoutError: pass
    sd = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); sd.bind(("127.0.0.1", 30490))
    for kind, ttl in ((SOMEIPSDEntryType.FindService, 3), (SOMEIPSDEntryType.OfferService, 3), (SOMEIPSDEntryType.OfferService, 0)):
        entry = SOMEIPSDEntry(sd_type=kind, service_id=0x1234, instance_id=7, major_version=1, ttl=ttl, minver_or_counter=0)
        header = SOMEIPSDHeader(entries=(entry,), flag_reboot=True).assign_option_indexes()
        sd.sendto(SOMEIPHeader(service_id=someip.header.SD_SERVICE, method_id=someip.header.SD_METHOD, client_id=0, session_id=1, interface_version=1, message_type=SOMEIPMessageType.NOTIFICATION, payload=header.build()).build(), ("127.0.0.1", 30490))
    transport.close()
asyncio.run(main())
PY
sleep 0.3
kill -INT $dump; wait $dump || true
