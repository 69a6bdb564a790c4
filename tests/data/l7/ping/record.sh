#!/bin/bash
# Records the captures of this folder: a stock ping between two namespaces. Needs root, ip, ping and tcpdump.
# Then: UPDATE_GOLDEN=1 cargo test --test l7 (in native/), and read the difference.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
a=ping-a-$$ b=ping-b-$$
trap 'ip netns del $a; ip netns del $b' EXIT
ip netns add $a; ip netns add $b
ip link add veth0 netns $a type veth peer name veth0 netns $b
ip -n $a addr add 192.0.2.1/24 dev veth0; ip -n $a addr add 2001:db8::1/64 dev veth0 nodad; ip -n $a link set veth0 up
ip -n $b addr add 192.0.2.2/24 dev veth0; ip -n $b addr add 2001:db8::2/64 dev veth0 nodad; ip -n $b link set veth0 up
sleep 1
in_a() { ip netns exec $a "$@"; }
in_b() { ip netns exec $b "$@"; }

record() { # name, then a function that makes the traffic
  ip netns exec $a tcpdump -q -i veth0 -U --immediate-mode -s 0 -w "$here/$1.pcap" 'icmp[0] = 0 or icmp[0] = 8 or (icmp6 and (ip6[40] = 128 or ip6[40] = 129))' 2>/dev/null &
  dump=$!
  sleep 0.7
  "$2" > /dev/null 2>&1 || true
  sleep 0.5
  kill -INT $dump; wait $dump || true
}
answered() { in_a ping -c 3 -i 0.2 192.0.2.2; in_a ping -6 -c 2 -i 0.2 -s 1000 2001:db8::2; in_a ping -c 1 -s 0 192.0.2.2; }
both_ask() { in_a ping -c 3 -i 0.2 192.0.2.2 & in_b ping -c 3 -i 0.2 192.0.2.1; wait $!; }
lost() {
  in_a ping -c 1 192.0.2.2
  in_b sysctl -qw net.ipv4.icmp_echo_ignore_all=1
  in_a ping -c 6 -i 1 -W 1 192.0.2.2 || true
  in_b sysctl -qw net.ipv4.icmp_echo_ignore_all=0
  in_a ping -c 1 192.0.2.2
}
record answered answered
record both_ask both_ask
record lost lost
