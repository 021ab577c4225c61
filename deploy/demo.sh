#!/usr/bin/env bash
# HelseNorge writes to three clinics, patients book there, and everything that comes of it is shown and checked.
set -euo pipefail

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
cd "$root"
lib=$root/deploy/lib
demo_dir=${DEMO_DIR:-$root/target/demo}
fleet_log=$demo_dir/fleet.log
fleet_pid=$demo_dir/fleet.pid
receiver_log=$demo_dir/receiver.log
receiver_pid=$demo_dir/receiver.pid
exchange=$demo_dir/exchange
protected=yes
export LOCAL_DIR=$demo_dir/servers

# shellcheck source=deploy/lib/binaries.sh
. "$lib/binaries.sh"
# shellcheck source=deploy/lib/packages.sh
. "$lib/packages.sh"
# shellcheck source=deploy/lib/ports.sh
. "$lib/ports.sh"
# shellcheck source=deploy/lib/processes.sh
. "$lib/processes.sh"
# shellcheck source=deploy/lib/programs.sh
. "$lib/programs.sh"

usage() {
    cat <<'HELP'
HelseNorge writes to three example clinics, patients book there, and a clinic moves and hides appointments and reminds of them: shows live
what comes of it, and fails unless all of it ends as it must.

Builds Dialogpost, starts a private PostgreSQL and RabbitMQ on free ports with fresh data under target/demo, and a provider of
text messages that sends none, makes authorities, keys and certificates, sets the clinics up, runs the whole fleet, and lets the
stand-in for HelseNorge write. Everything is signed and encrypted, and what is not, or is signed by somebody else, is refused.
All people are synthetic. Installs the Debian packages it needs when they are missing and it may.

usage: deploy/demo.sh [--plain] [--stay] | --env | --stop

  (nothing)   stops and removes everything at the end; the fleet's log stays in target/demo/fleet.log
  --plain     signs and encrypts nothing: the fleet runs with PLAIN_CONTENT=accept
  --stay      leaves servers and fleet running, to look around in
  --env       prints the export lines for what --stay left running: PATH, DATABASE_URL, AMQP_URL, KEYS_DIR, TRUST_DIR, SMS_URL,
              WEBHOOK_SECRET, EXTRA_ROOTS (the provider of text messages), DEMO_TEXTS (what it was handed), DEMO_EXCHANGE
              (what HelseNorge has), FLEET (where health and metrics are), MESSAGE (a message of the run)
  --stop      stops and removes what --stay left running

examples:
  deploy/demo.sh
  deploy/demo.sh --plain
  deploy/demo.sh --stay && eval "$(deploy/demo.sh --env)" && dialogpost show "$MESSAGE"

exit codes: 0 everything ended as it must; 1 not so, or something did not start; 2 wrong usage
HELP
}

say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }

bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR-}" ]; then
    bold=$'\033[1m' plain=$'\033[0m'
fi

# A moment after its start it is still setsid.
fleet_runs() { runs "$fleet_pid" dialogpost || runs "$fleet_pid" setsid; }
receiver_runs() { runs "$receiver_pid" demo || runs "$receiver_pid" setsid; }

build() {
    say 'Building (the first time takes some minutes)'
    cargo build --release -p operator -p demo
    PATH=$(programs):$PATH
}

start_servers() {
    say 'Starting PostgreSQL and RabbitMQ with fresh data'
    deploy/local.sh down --purge
    deploy/local.sh up
    eval "$(servers)"
}

# The private servers and nothing else: above all no broker of NHN's that this shell may know.
servers() {
    deploy/local.sh env
    printf '%s\n' 'unset DATABASE_URL_FILE AMQP_URL_FILE NHN_AMQP_URL NHN_AMQP_URL_FILE NHN_EXCHANGE' \
        'unset KEYS_DIR KEYS_PASSWORD KEYS_PASSWORD_FILE TRUST_DIR REVOCATION LEGACY_ALGORITHMS PLAIN_CONTENT DEMO_EXCHANGE' \
        'unset SMTP_URL SMTP_URL_FILE SMTP_FROM SMS_URL PUSH_URL WEBHOOK_SECRET WEBHOOK_SECRET_FILE RECEIPTS_LISTEN EXTRA_ROOTS DEMO_TEXTS' \
        'export TEST_NUMBER_SERIES=80,40'
    if [ $protected = yes ]; then
        printf 'export KEYS_DIR=%q TRUST_DIR=%q DEMO_EXCHANGE=%q\n' "$exchange/keys" "$exchange/trust" "$exchange"
    else
        printf 'export PLAIN_CONTENT=accept\n'
    fi
    cat "$exchange/receiver.env"
}

# Nothing here is kept or worth anything, but private keys are not for everybody to read.
make_exchange() {
    rm -rf "$exchange"
    if [ $protected = yes ]; then
        say 'Making authorities, keys and certificates'
        (umask 077 && demo pki "$exchange")
    else
        demo clinics "$exchange"
    fi
}

# Takes text messages in place of their provider, as long as the fleet runs.
start_receiver() {
    stop 'the provider of text messages' receiver_runs "$receiver_pid" "$receiver_log"
    (umask 077 && exec setsid demo receive "$exchange" </dev/null >"$receiver_log" 2>&1 9>&-) &
    printf '%s\n' $! >"$receiver_pid"
    if ! wait_until 'the provider of text messages starts' 30 receiver_settled $! || [ ! -s "$exchange/receiver.env" ]; then
        give_up 'the provider of text messages did not start; its log ends:' "$receiver_log"
    fi
}

receiver_settled() { [ -s "$exchange/receiver.env" ] || ! kill -0 "$1" 2>/dev/null; } # JOB

set_up() {
    say 'Setting up: schema, clinics, queues'
    dialogpost migrate
    dialogpost apply "$exchange/clinic.json"
    # One of these is not ready, and `apply` says what it lacks.
    dialogpost apply "$exchange/clinics.json"
    dialogpost topology apply --nhn-standin >"$demo_dir/topology.txt"
    printf '%s exchanges, queues and bindings declared\n' "$(grep -cE '┆ (exchange|queue|binding) ' "$demo_dir/topology.txt")"
}

# In a session of its own, so that Ctrl-C reaches this script alone, which then stops it in order.
start_fleet() {
    local ports
    say 'Starting the fleet: dialogpost run --all'
    choose_ports 1
    export LISTEN=127.0.0.1:${ports[0]} LOG_FORMAT=human
    # What is handed to a provider on this machine leaves it through no proxy.
    NO_PROXY=localhost no_proxy=localhost setsid dialogpost run --all </dev/null >"$fleet_log" 2>&1 9>&- &
    printf '%s\n' $! >"$fleet_pid"
    if ! wait_until 'the fleet starts' 30 settled "${ports[0]}" $! || ! ready "${ports[0]}"; then
        give_up 'the fleet did not start; its log ends:' "$fleet_log"
    fi
    printf 'ready: http://%s/readyz; log: %s\n' "$LISTEN" "${fleet_log#"$root"/}"
}

settled() { ready "$1" || ! kill -0 "$2" 2>/dev/null; } # PORT JOB

ready() { # PORT
    local status=
    { exec 8<>"/dev/tcp/127.0.0.1/$1" && printf 'GET /readyz HTTP/1.0\r\n\r\n' >&8 && read -r _ status _ <&8; } 2>/dev/null || true
    { exec 8>&-; } 2>/dev/null || true
    [ "$status" = 200 ]
}

show_more() {
    local message
    message=$(cat "$demo_dir/message")
    say 'Does the ledger balance? dialogpost ledger'
    dialogpost ledger
    say "Where has one of them been? dialogpost show $message"
    dialogpost show "$message"
    say 'What could nobody handle? dialogpost dead-letters list'
    dialogpost dead-letters list
}

# What a shell needs to look around while it stays.
environment() {
    servers
    # shellcheck disable=SC2016 # the reader's own PATH
    printf 'export PATH=%q:$PATH\n' "$(programs)"
    printf 'export FLEET=http://%s MESSAGE=%s\n' "$LISTEN" "$(cat "$demo_dir/message")"
}

play() {
    say 'HelseNorge writes, patients book, and the clinic changes what they booked'
    demo --id-file "$demo_dir/message"
    show_more
    environment >"$demo_dir/env"
}

stop_all() {
    stop 'the fleet' fleet_runs "$fleet_pid" "$fleet_log"
    stop 'the provider of text messages' receiver_runs "$receiver_pid" "$receiver_log"
    deploy/local.sh down --purge
    rm -rf "$exchange"
    rm -f "$fleet_pid" "$receiver_pid" "$receiver_log" "$demo_dir/env" "$demo_dir/message" "$demo_dir/topology.txt"
}

stop() { # WHAT CHECK PIDFILE LOG
    if "$2"; then
        kill -s TERM "$(cat "$3")"
        wait_until "$1 stops" 30 not "$2" || give_up "$1 does not stop" "$4"
    fi
}

# However this ends. What is on its way down must not be interrupted once more.
at_end() {
    local code=$?
    trap '' INT TERM HUP
    say 'Stopping and removing everything'
    stop_all
    [ ! -e "$fleet_log" ] || printf "the fleet's log stays: %s\n" "${fleet_log#"$root"/}"
    exit "$code"
}

run() { # [--plain] [--stay]
    local stay=no
    [ "${1-}" != --plain ] || { protected=no && shift; }
    [ "${1-}" != --stay ] || stay=yes
    if fleet_runs; then
        printf 'a demo is still running; stop it with: deploy/demo.sh --stop\n' >&2
        exit 1
    fi
    rm -f "$fleet_log"
    need_packages
    build
    trap at_end EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    trap 'exit 129' HUP
    make_exchange
    start_receiver
    start_servers
    set_up
    start_fleet
    play
    if [ $stay = no ]; then
        say 'To look around yourself: deploy/demo.sh --stay'
        return
    fi
    trap - EXIT INT TERM HUP
    stays
}

# How to look around in what was left running.
stays() {
    say 'It stays. To look around:'
    # shellcheck disable=SC2016 # to be typed as it is
    printf '  %s\n' 'eval "$(deploy/demo.sh --env)"' 'dialogpost show "$MESSAGE"' 'dialogpost dead-letters list' \
        'cat "$DEMO_TEXTS"         # what the provider of text messages was handed' 'curl "$FLEET/metrics"' "less ${fleet_log#"$root"/}" 'demo                      # all of it once more' \
        'deploy/demo.sh --stop     # stops and removes everything'
    say 'Without eval:'
    cat "$demo_dir/env"
}

print_env() {
    if ! fleet_runs || [ ! -s "$demo_dir/env" ]; then
        printf 'no demo is running; start one with: deploy/demo.sh --stay\n' >&2
        exit 1
    fi
    cat "$demo_dir/env"
}

# One at a time: two would share directory and fleet.
alone() {
    mkdir -p "$demo_dir"
    exec 9>"$demo_dir/lock"
    if ! flock -n 9; then
        printf 'another demo of this checkout is running\n' >&2
        exit 1
    fi
    "$@"
}

case "${1-} ${2-}" in
' ' | '--stay ' | '--plain ' | '--plain --stay') alone run "$@" ;;
'--env ') print_env ;;
'--stop ') alone stop_all ;;
'--help ' | '-h ') usage ;;
*)
    usage >&2
    exit 2
    ;;
esac
