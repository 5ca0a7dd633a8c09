#!/bin/sh
# postgres.sh COMMAND...: runs it with STREAMGATE_BENCH_POSTGRES naming an empty database of a server of its own, as Debian's comes but for
# the place of its socket; ended by its process id.
set -e
programs=/usr/lib/postgresql/15/bin
folder=$(mktemp -d /tmp/streamgate-bench-pg-XXXXXX)
as=; [ "$(id -u)" != 0 ] || { as="setpriv --reuid postgres --regid postgres --clear-groups"; chown postgres "$folder"; }
$as "$programs/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 >/dev/null
$as "$programs/postgres" -D "$folder/data" -k "$folder" -c listen_addresses= >"$folder.log" 2>&1 &
server=$!
trap 'kill -INT $server; wait $server || true; rm -rf "$folder" "$folder.log"' EXIT
until [ "$(sed -n 8p "$folder/data/postmaster.pid" 2>/dev/null | tr -d ' ')" = ready ]; do sleep 0.1; done
STREAMGATE_BENCH_POSTGRES="postgres://postgres@localhost/postgres?host=$folder" "$@"
