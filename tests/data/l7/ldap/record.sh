#!/bin/bash
# Records the captures of this folder: OpenLDAP's slapd asked by its clients over loopback: run it in a network namespace of its own
# (unshare -n, then ip link set lo up). Needs root, slapd, ldap-utils, openssl and tcpdump.
# Then: UPDATE_GOLDEN=1 cargo test --test l7 (in native/), and read the difference.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
mkdir "$work/db"
openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=ldap.example.org" -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
cat > "$work/slapd.conf" <<CONF
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile $work/pid
TLSCertificateFile $work/cert.pem
TLSCertificateKeyFile $work/key.pem
database mdb
suffix "dc=example,dc=org"
rootdn "cn=admin,dc=example,dc=org"
rootpw secret
directory $work/db
CONF
slapd -f "$work/slapd.conf" -h ldap://127.0.0.1:3890 -d 0 &
server=$!
trap 'kill $server; rm -rf "$work"' EXIT
sleep 1
tcpdump -q -i lo -U --immediate-mode -s 0 -w "$here/operations.pcap" "tcp port 3890" 2>/dev/null &
dump=$!
sleep 0.7
admin=(-x -H ldap://127.0.0.1:3890 -D cn=admin,dc=example,dc=org -w secret)
{
  printf 'dn: dc=example,dc=org\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example\n\n'
  for n in 1 2 3; do printf 'dn: cn=ann%s,dc=example,dc=org\nobjectClass: inetOrgPerson\nsn: Smith\nmail: ann%s@example.org\n\n' $n $n; done
} | ldapadd "${admin[@]}"
ldapsearch -x -H ldap://127.0.0.1:3890 -b dc=example,dc=org '(&(objectClass=inetOrgPerson)(|(cn=ann*)(!(sn>=Z))))' mail || true
ldapsearch "${admin[@]}" -b dc=example,dc=org -s base || true
ldapsearch "${admin[@]}" -b dc=missing,dc=org '(cn=x)' || true
ldapsearch "${admin[@]}" -z 1 -b dc=example,dc=org '(sn=Smith)' || true
ldapmodify "${admin[@]}" <<< $'dn: cn=ann1,dc=example,dc=org\nchangetype: modify\nreplace: sn\nsn: Jones' || true
ldapmodrdn "${admin[@]}" cn=ann2,dc=example,dc=org cn=bob || true
ldapcompare "${admin[@]}" cn=ann1,dc=example,dc=org sn:Jones || true
ldapdelete "${admin[@]}" cn=ann3,dc=example,dc=org cn=nobody,dc=example,dc=org || true
ldapadd "${admin[@]}" <<< $'dn: cn=broken,dc=example,dc=org\nobjectClass: inetOrgPerson' || true
ldapwhoami "${admin[@]}" || true
ldapwhoami -x -H ldap://127.0.0.1:3890 -D cn=admin,dc=example,dc=org -w wrong || true
LDAPTLS_REQCERT=never ldapwhoami "${admin[@]}" -ZZ || true
sleep 0.5
kill -INT $dump; wait $dump || true
