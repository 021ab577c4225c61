#!/usr/bin/env bash
# The whole fleet as containers on this host, and HelseNorge's load on it.
set -euo pipefail

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
cd "$root"
export DIALOGPOST_SECRETS=${DIALOGPOST_SECRETS:-$root/.compose}
export REPORTS=${REPORTS:-$DIALOGPOST_SECRETS/reports}
# Its containers, networks and volumes go by this name.
project=${COMPOSE_PROJECT_NAME:-dialogpost}
image=${DIALOGPOST_IMAGE:-dialogpost}
load_image=${DIALOGPOST_LOAD_IMAGE:-dialogpost-load}
patients=2000
patience=300
files=(-f docker-compose.yml)
[ -z "${TLS-}" ] || files+=(-f deploy/docker/tls.yml)

usage() {
    cat <<'HELP'
The whole fleet as containers on this host: PostgreSQL, RabbitMQ, every worker; and HelseNorge's load on it. Needs a Docker engine with
compose, and the images that deploy/docker/Dockerfile and docker-compose.yml name.

usage: deploy/compose.sh up [COMPOSE OPTION...] | load [LOAD OPTION...] | status | down [--purge] | --help

  up        builds the image where it is missing, makes secrets, starts everything, waits until it is ready. Without CLINICS it is a trial: the example
            clinic with 2000 synthetic patients, and nothing protected unless SEALED=1 says so. With CLINICS=set-up file, DIALOGPOST_KEYS and DIALOGPOST_TRUST
            (directories of keys and of authorities) it is yours
  load      up, as a trial; then plays HelseNorge and tells what became of every message
  status    what runs
  down      stops everything; with --purge data and secrets go, too

With BUILD=1 images are built anew. With TLS=1 everything said to broker and database is encrypted, by certificates that are made on the
spot. With SEALED=1 a trial takes nothing unprotected: every message is signed and encrypted, by keys that are made on the spot. Say either at
every command of the same fleet.

examples:
  deploy/compose.sh load                                     from nothing to a report
  deploy/compose.sh load --fast --messages 50000 --limit lost=0
  deploy/compose.sh up --scale recipient-routing=3
  TLS=1 SEALED=1 deploy/compose.sh load --rate 50 --seconds 10
  deploy/compose.sh status
  deploy/compose.sh down --purge

exit codes: 0 done; 1 something was lost or doubled, or missed a limit; 2 wrong usage; others are Docker's
HELP
}

say() { printf '%s\n' "$*" >&2; }

engine() {
    if ! docker info >/dev/null 2>&1; then
        say 'No Docker engine answers: start one, and let this user speak to it.'
        exit 2
    fi
}

# Compose 2, or 1.29, which is Debian 12's.
compose() {
    if docker compose version >/dev/null 2>&1; then
        docker compose -p "$project" "${files[@]}" "$@"
    elif command -v docker-compose >/dev/null; then
        docker-compose -p "$project" "${files[@]}" "$@"
    else
        say 'Docker has no compose: install docker-compose-plugin, or docker-compose.'
        return 2
    fi
}

# With BUILD set anew.
build() { # TARGET IMAGE
    if [ -n "${BUILD-}" ] || ! docker image inspect "$2" >/dev/null 2>&1; then
        say "building $2, some minutes ..."
        docker build -q --target "$1" -t "$2" -f deploy/docker/Dockerfile . >/dev/null
    fi
}

# What is there already stays.
secrets() {
    mkdir -p -m 700 "$DIALOGPOST_SECRETS"
    mkdir -p "$REPORTS"
    # The load generator is nobody, and writes its report there.
    chmod 1777 "$REPORTS"
    local how=()
    if [ -n "${TLS-}" ]; then
        certificates
        how=(--amqp rabbitmq:5671 --amqp-scheme amqps --database-options sslmode=require)
    fi
    docker run --rm --network none --user "$(id -u):$(id -g)" -v "$DIALOGPOST_SECRETS:/secrets" "$image" secrets /secrets --readable \
        ${how[@]+"${how[@]}"} >&2
}

# An authority of this fleet's own, and what it says of the two servers. Its key is thrown away: nobody else will be vouched for. Should it
# fail, tls.new/log says why.
certificates() {
    local dir=$DIALOGPOST_SECRETS/tls server key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
    [ ! -d "$dir" ] || return 0
    command -v openssl >/dev/null || { say 'TLS=1 makes certificates with openssl: install it.' && exit 2; }
    rm -rf "$dir.new"
    mkdir -m 700 "$dir.new"
    openssl req -x509 "${key[@]}" -keyout "$dir.new/root.key" -out "$dir.new/root.pem" -days 825 -subj '/CN=Dialogpost, this host' 2>>"$dir.new/log"
    for server in postgres rabbitmq; do
        openssl req "${key[@]}" -keyout "$dir.new/$server.key" -out "$dir.new/$server.csr" -subj "/CN=$server" 2>>"$dir.new/log"
        printf 'subjectAltName=DNS:%s\nextendedKeyUsage=serverAuth\n' "$server" >"$dir.new/extensions"
        openssl x509 -req -in "$dir.new/$server.csr" -CA "$dir.new/root.pem" -CAkey "$dir.new/root.key" -CAcreateserial \
            -out "$dir.new/$server.pem" -days 825 -extfile "$dir.new/extensions" 2>>"$dir.new/log"
    done
    rm "$dir.new/root.key" "$dir.new"/*.csr "$dir.new/extensions" "$dir.new/log"
    chmod 644 "$dir.new"/*
    mv "$dir.new" "$dir"
}

# Name, state, exit code, health, and whether it is to run for ever, of every container.
containers() {
    local ids
    ids=$(docker ps -aq --no-trunc --filter "label=com.docker.compose.project=$project")
    # shellcheck disable=SC2086
    [ -z "$ids" ] || docker inspect --format \
        '{{.Name}} {{.State.Status}} {{.State.ExitCode}} {{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}} {{.HostConfig.RestartPolicy.Name}}' $ids
}

# Until all that runs is healthy, and all that was to be done once is done.
ready() {
    local deadline=$((SECONDS + patience)) all
    while [ $SECONDS -lt $deadline ]; do
        all=$(containers)
        if awk '$2 == "exited" && $3 != 0 && $5 == "no" { exit 1 }' <<<"$all"; then :; else
            say 'It did not come up:'
            break
        fi
        if awk '!($2 == "running" && ($4 == "healthy" || $4 == "none") || $2 == "exited" && $3 == 0 && $5 == "no") { exit 1 }' <<<"$all"; then
            return 0
        fi
        sleep 1
    done
    say "Not ready after $patience s, or failed; its logs: docker logs NAME"
    column -t <<<"$all" >&2
    return 1
}

up() { # COMPOSE OPTION...
    build dialogpost "$image"
    [ -n "${CLINICS-}" ] || trial
    secrets
    compose up -d "$@" >&2
    ready
}

# For a trial: its patients are synthetic, and the clinic has no keys.
trial() {
    export PLAIN_CONTENT=accept TEST_NUMBER_SERIES=80,40 CONTACT_SERVICE=off
    export CLINICS=$DIALOGPOST_SECRETS/clinics.json
    build load "$load_image"
    mkdir -p -m 700 "$DIALOGPOST_SECRETS"
    local exchange=() mounted=()
    if [ -n "${SEALED-}" ]; then
        export EXCHANGE=$DIALOGPOST_SECRETS/exchange PLAIN_CONTENT=refuse
        export DIALOGPOST_KEYS=$EXCHANGE/keys DIALOGPOST_TRUST=$EXCHANGE/trust
        exchange=(--exchange /exchange) mounted=(-v "$EXCHANGE:/exchange")
        if [ ! -d "$EXCHANGE" ]; then
            # Whole or not at all.
            rm -rf "$EXCHANGE.new"
            mkdir "$EXCHANGE.new"
            docker run --rm --network none --user "$(id -u):$(id -g)" -v "$EXCHANGE.new:/exchange" "$load_image" exchange /exchange >&2
            # The fleet is another user.
            chmod -R a+rX "$EXCHANGE.new"
            mv "$EXCHANGE.new" "$EXCHANGE"
        fi
    fi
    docker run --rm --network none ${mounted[@]+"${mounted[@]}"} "$load_image" setup --patients "$patients" \
        ${exchange[@]+"${exchange[@]}"} >"$CLINICS.new"
    mv "$CLINICS.new" "$CLINICS"
    chmod 644 "$CLINICS"
}

load() { # LOAD OPTION...
    if [ -n "${CLINICS-}" ]; then
        say 'A load is for a trial: unset CLINICS.'
        exit 2
    fi
    up
    [ -z "${SEALED-}" ] || set -- --exchange /exchange "$@"
    compose --profile load run --rm load run --patients "$patients" --html /reports/load.html --json /reports/load.json "$@"
    say "The report: $REPORTS/load.html"
}

down() {
    if [ "${1-}" = --purge ]; then
        compose --profile load --profile watch down --volumes --remove-orphans
        rm -rf "$DIALOGPOST_SECRETS"
    else
        compose --profile load --profile watch down --remove-orphans
    fi
}

verb=${1-}
[ $# -eq 0 ] || shift
case $verb in
up | load | status | down) engine ;;
esac
case $verb in
up) up "$@" ;;
load) load "$@" ;;
status) compose ps ;;
down) down "$@" ;;
--help | -h) usage ;;
*)
    usage >&2
    exit 2
    ;;
esac
