#!/bin/sh
# One private PostgreSQL that lives in a directory: postgres.sh DIR init|server
#
# tests/testbed and deploy/local.sh both start Postgres through this file, so that what is tested is what runs.
# DIR/settings holds PORT and DURABLE (yes or no). `server` stays in the foreground, its pid is in DIR/postgres.pid.
set -eu

dir=$1
verb=$2
# shellcheck source=deploy/lib/binaries.sh
. "$(dirname "$0")/binaries.sh"
bin=$(postgres_bin) || missing PostgreSQL
# shellcheck source=/dev/null
. "$dir/settings"

# Postgres refuses to run as root; the Debian package brings the user it runs as instead.
as=
if [ "$(id -u)" = 0 ]; then
    as='setpriv --reuid=postgres --regid=postgres --init-groups'
fi
cd "$dir"

case $verb in
init)
    mkdir -p "$dir/data"
    if [ -n "$as" ]; then
        chown postgres: "$dir/data"
        if ! $as test -w "$dir/data"; then
            printf 'user postgres cannot reach %s: a directory above it is closed to others\n' "$dir" >&2
            exit 1
        fi
    fi
    $as "$bin/initdb" --no-sync --auth trust -E UTF8 --locale C.UTF-8 -U dialogpost -D "$dir/data" >/dev/null
    ;;
server)
    set -- -c fsync=on
    if [ "$DURABLE" = no ]; then
        set -- -c fsync=off -c synchronous_commit=off -c full_page_writes=off
    fi
    echo $$ >"$dir/postgres.pid"
    # TCP only: a socket file would tie the length of DIR to what a socket address holds.
    exec $as "$bin/postgres" -D "$dir/data" -p "$PORT" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
        -c max_connections=400 -c shared_buffers=128MB -c max_wal_size=4GB "$@"
    ;;
*)
    printf 'usage: %s DIR init|server\n' "$0" >&2
    exit 2
    ;;
esac
