#!/bin/bash
# Records the captures of this folder: dnsmasq asked by dhclient, in two network namespaces of their own. Needs root, dnsmasq, isc-dhcp-client and
# tcpdump. Then: UPDATE_GOLDEN=1 cargo test --test l7 (in native/), and read the difference.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
a=dhcp-a-$$ b=dhcp-b-$$
ip netns add $a; ip netns add $b
trap 'kill $server 2>/dev/null; ip netns del $a; ip netns del $b; rm -rf "$work"' EXIT
ip link add dhcp0 netns $a type veth peer name dhcp1 netns $b
ip -n $a addr add 10.77.0.1/24 dev dhcp0; ip -n $a link set dhcp0 up; ip -n $b link set dhcp1 up
ip netns exec $a dnsmasq -d -C /dev/null -p 0 -i dhcp0 --dhcp-range=10.77.0.100,10.77.0.110,120s --dhcp-leasefile="$work/leases" --dhcp-authoritative > /dev/null 2>&1 &
server=$!
sleep 0.5
ip netns exec $a tcpdump -q -i dhcp0 -U --immediate-mode -s 0 -w "$here/leases.pcap" "udp port 67" 2>/dev/null &
dump=$!
sleep 0.7
printf '#!/bin/sh\n[ "$reason" = BOUND ] && ip addr add $new_ip_address/24 dev dhcp1\nexit 0\n' > "$work/script"; chmod +x "$work/script"
echo 'send host-name "laptop"; option rfc3442-classless-static-routes code 121 = array of unsigned integer 8;' > "$work/conf"
client() { timeout 20 ip netns exec $b dhclient -4 -1 -cf "$work/conf" -sf "$work/script" -lf "$work/lease" -pf "$work/pid" "$@" dhcp1 > /dev/null 2>&1 || true; }
client
kill "$(cat "$work/pid")"; sleep 0.3
# An address that the server does not give away.
sed -i 's/10\.77\.0\.1[01][0-9]/10.88.0.5/' "$work/lease"
client
# Renewed, and given back, by bytes of our own: dhclient would wait for half of the lease.
ip netns exec $b python3 - <<'PY'
import fcntl, re, socket, struct, subprocess
address = re.search(r"inet (10\.77\.\S+)/", subprocess.run(["ip", "addr", "show", "dhcp1"], capture_output=True, text=True).stdout)[1]
mac = fcntl.ioctl(socket.socket(), 0x8927, struct.pack("256s", b"dhcp1"))[18:24]
stream = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
stream.bind((address, 68)); stream.settimeout(2)
def say(kind, more=b""):
    fixed = struct.pack("!BBBBIHH4s4s4s4s16s64s128s", 1, 1, 6, 0, 0x1234, 0, 0, socket.inet_aton(address), bytes(4), bytes(4), bytes(4), mac, b"", b"")
    stream.sendto(fixed + b"\x63\x82\x53\x63" + bytes([53, 1, kind]) + more + b"\xff", ("10.77.0.1", 67))
say(3)
try: stream.recv(2000)
except TimeoutError: pass
say(7, b"\x36\x04" + socket.inet_aton("10.77.0.1"))
PY
kill "$(cat "$work/pid")" || true
sleep 0.5
kill -INT $dump; wait $dump || true
