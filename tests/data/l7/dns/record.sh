#!/bin/bash
# Records the captures of this folder: a stock dnsmasq asked by a stock dig over loopback. Needs root, dnsmasq, dig and tcpdump.
# Then: UPDATE_GOLDEN=1 cargo test --test l7 (in native/), and read the difference.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dnsmasq --no-daemon --conf-file=/dev/null --no-resolv --no-hosts --port=53 --listen-address=127.0.0.53 --bind-interfaces --user=root \
  --local=/weir.test/ --address=/multi.weir.test/192.0.2.1 --address=/multi.weir.test/2001:db8::1 --cname=alias.weir.test,target.weir.test \
  --host-record=target.weir.test,192.0.2.7,2001:db8::7 --mx-host=weir.test,mail.weir.test,10 --txt-record=weir.test,"v=spf1 -all","second string" \
  --srv-host=_http._tcp.weir.test,target.weir.test,8080,1,2 --ptr-record=7.2.0.192.in-addr.arpa,target.weir.test --caa-record=weir.test,0,issue,ca.example \
  --dns-rr=weir.test,65,00010000010003026832 2>/dev/null &
server=$!
trap 'kill -KILL $server' EXIT
sleep 0.5
ask() { dig @127.0.0.53 +tries=1 +timeout=1 "$@"; }

record() { # name, then a function that makes the traffic
  tcpdump -q -i lo -U --immediate-mode -s 0 -w "$here/$1.pcap" "host 127.0.0.53 and port 53" 2>/dev/null &
  dump=$!
  sleep 0.7
  "$2" > /dev/null 2>&1 || true
  sleep 0.5
  kill -INT $dump; wait $dump || true
}
kinds() {
  ask multi.weir.test A; ask multi.weir.test AAAA; ask alias.weir.test A; ask weir.test MX; ask weir.test TXT; ask _http._tcp.weir.test SRV
  ask -x 192.0.2.7; ask weir.test CAA; ask weir.test TYPE65; ask missing.weir.test A; ask multi.weir.test ANY; ask elsewhere.example A
  ask web.example.org.ns.svc.cluster.local.weir.test AAAA +noedns; ask multi.weir.test CH TXT
}
over_tcp() { ask +tcp multi.weir.test A; ask +tcp +keepopen multi.weir.test A alias.weir.test AAAA missing.weir.test MX; }
unanswered() { kill -STOP $server; ask multi.weir.test A; }
record kinds kinds
record over_tcp over_tcp
record unanswered unanswered
# Multicast DNS by the Python package zeroconf, and LLMNR by bytes of our own, on an interface that leads nowhere.
ip link add shout type veth peer name deaf; ip link set deaf up; ip addr add 10.66.0.1/24 dev shout; ip link set shout up multicast on
tcpdump -q -i shout -U --immediate-mode -s 0 -w "$here/multicast.pcap" "udp port 5353 or udp port 5355" 2>/dev/null &
dump=$!
sleep 0.7
python3 - <<PY
import socket, time
from zeroconf import IPVersion, ServiceBrowser, ServiceInfo, Zeroconf
one = Zeroconf(interfaces=["10.66.0.1"], ip_version=IPVersion.V4Only)
info = ServiceInfo("_http._tcp.local.", "shop._http._tcp.local.", addresses=[socket.inet_aton("10.66.0.1")], port=80, server="shop.local.")
one.register_service(info)
class Listener:
    def add_service(self, zeroconf, kind, name): zeroconf.get_service_info(kind, name, 500)
    def remove_service(self, *_): pass
    def update_service(self, *_): pass
browser = ServiceBrowser(one, "_http._tcp.local.", Listener()); one.get_service_info("_ipp._tcp.local.", "missing._ipp._tcp.local.", 300)
time.sleep(1.5); one.unregister_service(info); one.close()
stream = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
stream.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("10.66.0.1"))
stream.sendto(bytes.fromhex("4711000000010000000000000466696c6500 0001 0001".replace(" ", "")), ("224.0.0.252", 5355))
PY
sleep 0.5
kill -INT $dump; wait $dump || true
ip link del shout
