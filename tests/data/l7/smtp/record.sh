#!/bin/bash
# Records the captures of this folder: aiosmtpd asked by Python's smtplib over loopback: run it in a network namespace of its own
# (unshare -n, then ip link set lo up). Needs root, a python3 with aiosmtpd, openssl and tcpdump.
# Then: UPDATE_GOLDEN=1 cargo test --test l7 (in native/), and read the difference.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj "/CN=mail.example.org" -keyout "$work/key.pem" \
  -out "$work/cert.pem" 2>/dev/null
tcpdump -q -i lo -U --immediate-mode -s 0 -w "$here/mails.pcap" "tcp port 8025" 2>/dev/null &
dump=$!
sleep 0.7
python3 - "$work" <<'PY'
import smtplib, socket, ssl, sys, time
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody"):
            return "550 5.1.1 no such user"
        if address.startswith("busy"):
            return "451 4.3.2 come back later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"
    async def handle_DATA(self, server, session, envelope):
        return "250 2.0.0 queued as 4711" if len(envelope.content) < 20000 else "552 5.3.4 too large"

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1] + "/cert.pem", sys.argv[1] + "/key.pem")
allow = lambda server, session, envelope, mechanism, data: AuthResult(success=data.login == b"ann", handled=data.login == b"ann")
controller = Controller(Handler(), hostname="127.0.0.1", port=8025, tls_context=context, authenticator=allow, auth_require_tls=False)
controller.start()
client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
client.check_hostname, client.verify_mode = False, ssl.CERT_NONE

def attempt(work):
    try:
        return work()
    except smtplib.SMTPException:
        return None

with smtplib.SMTP("127.0.0.1", 8025, local_hostname="laptop.example.org") as one:
    attempt(lambda: one.login("ann", "secret"))
    attempt(lambda: one.sendmail("ann@example.org", ["bob@example.net", "nobody@example.net"], "Subject: hi\r\n\r\nhello\r\n.dot\r\n"))
    attempt(lambda: one.sendmail("ann@example.org", ["busy@example.net"], "Subject: hi\r\n\r\nhello\r\n"))
    attempt(lambda: one.sendmail("ann@example.org", ["bob@example.net"], "Subject: large\r\n\r\n" + "word " * 5000))
    one.verify("ann"); one.docmd("NONSENSE"); one.docmd("DATA"); one.noop()
with smtplib.SMTP("127.0.0.1", 8025, local_hostname="laptop.example.org") as two:
    attempt(lambda: two.login("eve", "wrong"))
    two.starttls(context=client)
    attempt(lambda: two.sendmail("ann@example.org", ["bob@example.net"], "Subject: hidden\r\n\r\nhello\r\n"))
three = socket.create_connection(("127.0.0.1", 8025)); three.recv(1000)
three.sendall(b"EHLO pipe\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n"); time.sleep(0.3); three.recv(5000)
three.sendall(b"Subject: piped\r\n\r\n..\r\n.\r\nQUIT\r\n"); time.sleep(0.3); three.recv(1000); three.close()
controller.stop()
PY
sleep 0.5
kill -INT $dump; wait $dump || true
