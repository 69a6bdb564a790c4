#!/bin/bash
# Records the captures of this folder: OpenSSH's sshd asked by its ssh over loopback: run it in a network namespace of its own
# (unshare -n, then ip link set lo up). Needs root, openssh-server and tcpdump.
# Then: UPDATE_GOLDEN=1 cargo test --test l7 (in native/), and read the difference.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
mkdir -p /run/sshd
ssh-keygen -q -t ed25519 -N "" -f "$work/host"
ssh-keygen -q -t ed25519 -N "" -f "$work/user"
cp "$work/user.pub" "$work/authorized"
chmod 700 "$work"
$(command -v sshd) -D -p 2200 -h "$work/host" -o StrictModes=no -o AuthorizedKeysFile="$work/authorized" -o PidFile=none -o Ciphers=aes128-ctr,aes256-gcm@openssh.com &
server=$!
trap 'kill $server; rm -rf "$work"' EXIT
sleep 0.7

tcpdump -q -i lo -U --immediate-mode -s 0 -w "$here/logins.pcap" "tcp port 2200" 2>/dev/null &
dump=$!
sleep 0.7
ask() { timeout 5 ssh -p 2200 -i "$work/user" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes "$@" 127.0.0.1 true || true; }
ask
ask -c aes128-ctr -o MACs=hmac-sha2-256 -o KexAlgorithms=curve25519-sha256
ask -c chacha20-poly1305@openssh.com  # nothing in common
exec 3<>/dev/tcp/127.0.0.1/2200; printf 'SSH-2.0-Scanner_1.0\r\n' >&3; sleep 0.3; exec 3>&-
sleep 0.5
kill -INT $dump; wait $dump || true
