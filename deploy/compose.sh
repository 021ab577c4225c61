#!/usr/bin/env bash
# The whole fleet as containers on this host, and HelseNorge's load on it.
set -euo pipefail

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
cd "$root"
export DIALOGPOST_SECRETS=${DIALOGPOST_SECRETS:-$root/.compose}
export REPORTS=${REPORTS:-$DIALOGPOST_SECRETS/reports}
image=${DIALOGPOST_IMAGE:-dialogpost}
load_image=${DIALOGPOST_LOAD_IMAGE:-dialogpost-load}
patients=2000

usage() {
    cat <<'HELP'
The whole fleet as containers on this host: PostgreSQL, RabbitMQ, every worker; and HelseNorge's load on it. Needs a Docker engine with
compose, and the images that deploy/docker/Dockerfile and docker-compose.yml name.

usage: deploy/compose.sh up [COMPOSE OPTION...] | load [LOAD OPTION...] | status | down [--purge] | --help

  up        builds the image where it is missing, makes secrets, starts everything, waits until it is ready. Without CLINICS it is a trial: the example
            clinic with 2000 synthetic patients, and nothing protected. With CLINICS=set-up file, DIALOGPOST_KEYS and DIALOGPOST_TRUST
            (directories of keys and of authorities) it is yours
  load      up, as a trial; then plays HelseNorge and tells what became of every message
  status    what runs
  down      stops everything; with --purge data and secrets go, too

With BUILD=1 images are built anew.

examples:
  deploy/compose.sh load                                     from nothing to a report
  deploy/compose.sh load --fast --messages 50000 --limit lost=0
  deploy/compose.sh up --scale recipient-routing=3
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
    docker run --rm --network none --user "$(id -u):$(id -g)" -v "$DIALOGPOST_SECRETS:/secrets" "$image" secrets /secrets --readable >&2
}

up() { # COMPOSE OPTION...
    build dialogpost "$image"
    [ -n "${CLINICS-}" ] || trial
    secrets
    docker compose up -d --wait --wait-timeout 300 "$@"
}

# For a trial: its patients are synthetic, and the clinic has no keys.
trial() {
    export PLAIN_CONTENT=accept TEST_NUMBER_SERIES=80,40 CONTACT_SERVICE=off
    export CLINICS=$DIALOGPOST_SECRETS/clinics.json
    build load "$load_image"
    mkdir -p -m 700 "$DIALOGPOST_SECRETS"
    docker run --rm --network none "$load_image" setup --patients "$patients" >"$CLINICS.new"
    mv "$CLINICS.new" "$CLINICS"
    chmod 644 "$CLINICS"
}

load() { # LOAD OPTION...
    if [ -n "${CLINICS-}" ]; then
        say 'A load is for a trial: unset CLINICS.'
        exit 2
    fi
    up
    docker compose --profile load run --rm load run --patients "$patients" --html /reports/load.html --json /reports/load.json "$@"
    say "The report: $REPORTS/load.html"
}

down() {
    if [ "${1-}" = --purge ]; then
        docker compose --profile load --profile watch down --volumes --remove-orphans
        rm -rf "$DIALOGPOST_SECRETS"
    else
        docker compose --profile load --profile watch down --remove-orphans
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
status) docker compose ps ;;
down) down "$@" ;;
--help | -h) usage ;;
*)
    usage >&2
    exit 2
    ;;
esac
