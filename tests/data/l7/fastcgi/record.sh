#!/bin/bash
# Records the captures of this folder: nginx in front of php-fpm over loopback, asked by curl. Needs root, nginx, php-fpm, curl and tcpdump.
# Then: UPDATE_GOLDEN=1 cargo test --test l7 (in native/), and read the difference.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
chmod 755 "$work"
fpm=$(ls /usr/sbin/php-fpm* | head -1)
cat > "$work/shop.php" <<'PHP'
<?php
switch ($_SERVER["PATH_INFO"] ?? $_SERVER["SCRIPT_NAME"]) {
  case "/missing": http_response_code(404); echo "no such thing"; break;
  case "/broken": error_log("the shelf fell down"); http_response_code(503); header("X-Request-Id: answer-7"); echo "sorry"; break;
  case "/moved": header("Location: /elsewhere", true, 302); break;
  case "/long": echo str_repeat("x", 20000); break;
  default: header("Content-Length: " . strlen("hello " . strlen(file_get_contents("php://input")))); echo "hello " . strlen(file_get_contents("php://input"));
}
PHP
cat > "$work/fpm.conf" <<CONF
[global]
error_log = $work/fpm.log
daemonize = no
[www]
listen = 127.0.0.1:29000
user = root
group = root
pm = static
pm.max_children = 1
CONF
cat > "$work/nginx.conf" <<CONF
worker_processes 1;
pid $work/nginx.pid;
error_log $work/nginx.log;
events {}
http {
  access_log off;
  client_body_temp_path $work/body; fastcgi_temp_path $work/temp; proxy_temp_path $work/proxy; uwsgi_temp_path $work/uwsgi; scgi_temp_path $work/scgi;
  upstream php { server 127.0.0.1:29000; keepalive 4; }
  server {
    listen 127.0.0.1:28080;
    location / { include /etc/nginx/fastcgi_params; fastcgi_pass php; fastcgi_param SCRIPT_FILENAME $work/shop.php; fastcgi_param PATH_INFO \$uri; fastcgi_keep_conn on; }
    location /once/ { include /etc/nginx/fastcgi_params; fastcgi_pass 127.0.0.1:29000; fastcgi_param SCRIPT_FILENAME $work/shop.php; fastcgi_param PATH_INFO \$uri; }
  }
}
CONF
"$fpm" -R -y "$work/fpm.conf" -c /dev/null 2>/dev/null &
php=$!
nginx -c "$work/nginx.conf" -g "daemon off;" 2>/dev/null &
web=$!
trap 'kill $php $web; rm -rf "$work"' EXIT
sleep 1.5
record() { # name, then curl's arguments, request by request
  tcpdump -q -i lo -U --immediate-mode -s 0 -w "$here/$1.pcap" "tcp port 29000" 2>/dev/null &
  dump=$!
  shift
  sleep 0.7
  while [ $# -gt 0 ]; do eval "curl -s -o /dev/null http://127.0.0.1:28080$1" || true; shift; done
  sleep 0.5
  kill -INT $dump; wait $dump || true
}
traced='-H "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" -H "X-Request-Id: ask-7" -H "Referer: http://shop/" -H "X-Forwarded-For: 192.0.2.7"'
record kept "/item/7?color=red $traced" "/order -d \$(head -c 3000 /dev/zero | tr '\\0' y)" "/missing" "/broken" "/moved -I" "/long"
record once "/once/a -H \"Cookie: \$(head -c 3000 /dev/zero | tr '\\0' c)\"" "/once/b"
