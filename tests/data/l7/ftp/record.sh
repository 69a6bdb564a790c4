#!/bin/bash
# Records the captures of this folder: vsftpd asked by Python's ftplib over loopback: run it in a network namespace of its own
# (unshare -n, then ip link set lo up). Needs root, vsftpd, openssl and tcpdump.
# Then: UPDATE_GOLDEN=1 cargo test --test l7 (in native/), and read the difference.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
mkdir -p "$work/pub" /var/run/vsftpd/empty
echo "some text" > "$work/pub/notes.txt"
chmod 755 "$work" "$work/pub"
openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=ftp.example.org" -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
cat > "$work/vsftpd.conf" <<CONF
listen=YES
listen_address=127.0.0.1
listen_port=2121
background=NO
anonymous_enable=YES
no_anon_password=NO
anon_root=$work
ssl_enable=YES
allow_anon_ssl=YES
force_local_data_ssl=NO
force_local_logins_ssl=NO
rsa_cert_file=$work/cert.pem
rsa_private_key_file=$work/key.pem
seccomp_sandbox=NO
CONF
vsftpd "$work/vsftpd.conf" &
server=$!
trap 'kill $server; rm -rf "$work"' EXIT
sleep 0.7
tcpdump -q -i lo -U --immediate-mode -s 0 -w "$here/sessions.pcap" "tcp port 2121" 2>/dev/null &
dump=$!
sleep 0.7
python3 - <<'PY'
import ftplib, io, ssl
def attempt(work, *arguments):
    try:
        return work(*arguments)
    except ftplib.Error:
        return None
one = ftplib.FTP(); one.connect("127.0.0.1", 2121)
attempt(one.login, "nobody", "secret")
one.close()
two = ftplib.FTP(); two.connect("127.0.0.1", 2121); two.login()
two.sendcmd("FEAT"); two.cwd("pub"); two.pwd(); two.retrlines("LIST", lambda line: None)
two.retrbinary("RETR notes.txt", lambda data: None); attempt(two.retrbinary, "RETR missing", lambda data: None)
attempt(two.storbinary, "STOR new.txt", io.BytesIO(b"new")); attempt(two.sendcmd, "NONSENSE"); two.size("notes.txt"); two.quit()
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT); context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
three = ftplib.FTP_TLS(context=context); three.connect("127.0.0.1", 2121); attempt(three.login); three.close()
PY
sleep 0.5
kill -INT $dump; wait $dump || true
