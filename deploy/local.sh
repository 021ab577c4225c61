#!/usr/bin/env bash
# Private PostgreSQL and RabbitMQ for this checkout, under target/local.
set -euo pipefail

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
lib=$root/deploy/lib
local_dir=${LOCAL_DIR:-$root/target/local}
pg=$local_dir/postgres
mq=$local_dir/rabbitmq

# shellcheck source=deploy/lib/binaries.sh
. "$lib/binaries.sh"
# shellcheck source=deploy/lib/packages.sh
. "$lib/packages.sh"
# shellcheck source=deploy/lib/ports.sh
. "$lib/ports.sh"
# shellcheck source=deploy/lib/processes.sh
. "$lib/processes.sh"

usage() {
    cat <<'HELP'
Private PostgreSQL and RabbitMQ for this checkout, on free high ports, with their data under target/local.

usage: deploy/local.sh up | down [--purge] | env | status

  up             starts both, installing the Debian packages first when they are missing and it may
  down           stops both; the data stays for the next `up`
  down --purge   stops both and removes the data
  env            prints the export lines for DATABASE_URL and AMQP_URL
  status         says what runs; exits 3 unless both do

examples:
  deploy/local.sh up && eval "$(deploy/local.sh env)"
  LOCAL_DIR=/tmp/second deploy/local.sh up      # another pair beside the first
HELP
}

postgres_runs() { runs "$pg/postgres.pid" postgres; }
rabbitmq_runs() { runs "$mq/rabbitmq.pid" beam.smp; }
epmd_runs() { runs "$mq/epmd.pid" epmd; }

# In a session of its own and without our file descriptors, so that it stays when this script and its terminal go.
launch() { # SCRIPT DIR VERB
    setsid sh "$lib/$1" "$2" "$3" </dev/null >>"$2/$3.log" 2>&1 9>&- &
    job=$!
}

# Waits for a server of ours, but not for one that has died.
wait_ready() { # WHAT SECONDS CHECK JOB DIR
    if ! wait_until "$1 starts" "$2" settled "$3" "$4" || ! "$3"; then
        give_up "$1 did not start" "$5/server.log"
    fi
}

settled() { # CHECK JOB
    "$1" || ! kill -0 "$2" 2>/dev/null
}

# Whether the settings of a stopped server are there and nobody else has taken its ports since.
usable() { # SETTINGS
    local port
    [ -s "$1" ] || return 1
    while read -r port; do
        if listening "$port"; then
            printf 'port %s is taken by now, moving to others\n' "$port" >&2
            return 1
        fi
    done < <(sed -n 's/.*PORT=//p' "$1")
}

up_postgres() {
    ! postgres_runs || return 0
    mkdir -p "$pg"
    if ! usable "$pg/settings"; then
        choose_ports 1
        printf 'PORT=%s\nDURABLE=yes\n' "${ports[0]}" >"$pg/settings"
    fi
    if [ ! -e "$pg/initialised" ]; then
        rm -rf "$pg/data"
        sh "$lib/postgres.sh" "$pg" init
        touch "$pg/initialised"
    fi
    launch postgres.sh "$pg" server
    pg_job=$job
}

up_rabbitmq() {
    ! rabbitmq_runs || return 0
    mkdir -p "$mq"
    # The data belongs to the node's name: only the ports may move.
    [ -s "$mq/node" ] || printf 'dp%04x%04x@localhost\n' $RANDOM $RANDOM >"$mq/node"
    if ! epmd_runs && ! usable "$mq/settings"; then
        choose_ports 4
        printf 'NODE=%s\nAMQP_PORT=%s\nMANAGEMENT_PORT=%s\nDIST_PORT=%s\nEPMD_PORT=%s\n%s\n' \
            "$(cat "$mq/node")" "${ports[@]}" $'AMQP_USER=dialogpost\nAMQP_PASSWORD=local-only' >"$mq/settings"
    fi
    sh "$lib/rabbitmq.sh" "$mq" init
    epmd_runs || launch rabbitmq.sh "$mq" epmd
    launch rabbitmq.sh "$mq" server
    mq_job=$job
}

# The server's own word: another one might answer on the port.
postgres_ready() {
    local lines
    mapfile -t lines < <(cat "$pg/data/postmaster.pid" 2>/dev/null)
    postgres_runs && [ "${lines[0]-}" = "$(cat "$pg/postgres.pid")" ] && [[ ${lines[7]-} == ready* ]]
}

# The AMQP listener is the last thing a node opens.
rabbitmq_ready() { rabbitmq_runs && listening "$(setting "$mq" AMQP_PORT)"; }

setting() { # DIR NAME
    sed -n "s/^$2=//p" "$1/settings"
}

create_database() { # PORT
    local bin client=(-h 127.0.0.1 -p "$1" -U dialogpost)
    bin=$(postgres_bin)
    if [ -z "$("$bin/psql" "${client[@]}" -AXqtc "SELECT 1 FROM pg_database WHERE datname = 'dialogpost'" postgres)" ]; then
        "$bin/createdb" "${client[@]}" dialogpost
    fi
}

up() {
    local job pg_job='' mq_job=''
    need_packages
    up_postgres
    up_rabbitmq
    wait_ready PostgreSQL 60 postgres_ready "$pg_job" "$pg"
    create_database "$(setting "$pg" PORT)"
    wait_ready RabbitMQ 90 rabbitmq_ready "$mq_job" "$mq"
    cat >"$local_dir/env" <<ENV
export DATABASE_URL=postgres://dialogpost@127.0.0.1:$(setting "$pg" PORT)/dialogpost
export AMQP_URL=amqp://$(setting "$mq" AMQP_USER):$(setting "$mq" AMQP_PASSWORD)@127.0.0.1:$(setting "$mq" AMQP_PORT)/%2F
ENV
    status
}

end() { # WHAT PIDFILE SIGNAL CHECK
    if "$4"; then
        kill -s "$3" "$(cat "$2")"
        wait_until "$1 stops" 60 not "$4" || give_up "$1 does not stop" "${2%/*}/server.log"
    fi
    rm -f "$2"
}

down() { # [--purge]
    end PostgreSQL "$pg/postgres.pid" INT postgres_runs
    end RabbitMQ "$mq/rabbitmq.pid" TERM rabbitmq_runs
    end epmd "$mq/epmd.pid" TERM epmd_runs
    if [ "${1-}" = --purge ]; then
        rm -rf "$local_dir"
    fi
}

status() {
    local code=0
    if postgres_runs; then
        printf 'PostgreSQL runs on port %s\n' "$(setting "$pg" PORT)"
    else
        printf 'PostgreSQL is stopped\n'
        code=3
    fi
    if rabbitmq_runs; then
        printf 'RabbitMQ runs on port %s, management on %s\n' "$(setting "$mq" AMQP_PORT)" "$(setting "$mq" MANAGEMENT_PORT)"
    else
        printf 'RabbitMQ is stopped\n'
        code=3
    fi
    return $code
}

environment() {
    if ! status >/dev/null || [ ! -s "$local_dir/env" ]; then
        printf 'the local servers are not up; run: deploy/local.sh up\n' >&2
        exit 1
    fi
    cat "$local_dir/env"
}

# One at a time: two `up` at once would start everything twice.
alone() {
    mkdir -p "$local_dir"
    exec 9>"$local_dir/lock"
    flock 9
    "$@"
}

case "${1-} ${2-}" in
'up ') alone up ;;
'down ' | 'down --purge') alone down "${2-}" ;;
'env ') environment ;;
'status ') status ;;
'--help ' | '-h ' | 'help ') usage ;;
*)
    usage >&2
    exit 2
    ;;
esac
