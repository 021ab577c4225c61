#!/usr/bin/env bash
# Everything a change must pass, from a clean clone on a machine with Rust and Debian's packages.
set -euo pipefail

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
cd "$root"
lib=$root/deploy/lib
scratch=$root/target/test

# shellcheck source=deploy/lib/binaries.sh
. "$lib/binaries.sh"
# shellcheck source=deploy/lib/packages.sh
. "$lib/packages.sh"
# shellcheck source=deploy/lib/ports.sh
. "$lib/ports.sh"
# shellcheck source=deploy/lib/programs.sh
. "$lib/programs.sh"
# shellcheck source=deploy/lib/readme.sh
. "$lib/readme.sh"

# What is private to this run: a demo or servers that you left running are not touched.
export DEMO_DIR=$scratch/demo LOCAL_DIR=$scratch/servers

usage() {
    cat <<'HELP'
Everything a change must pass. Asks nothing, installs the Debian packages it needs when they are missing and it may, and
stops at the first stage that fails.

usage: deploy/test.sh [STAGE...] | --list | --help

  (nothing)   every stage, in order, but containers
  STAGE...    only these

examples:
  deploy/test.sh
  deploy/test.sh fmt clippy
  deploy/test.sh readme

exit codes: 0 all passed; 1 a stage failed; 2 wrong usage
HELP
}

stages=(packages fmt clippy doc build test watch kubernetes demo readme local bench chaos)

# These only when they are named: they need what a machine with Debian's packages does not have.
extra=(containers)

about() { # STAGE
    case $1 in
    packages) echo 'PostgreSQL, RabbitMQ and what else tests need is installed' ;;
    fmt) echo 'the code has the usual form' ;;
    clippy) echo 'no warnings' ;;
    doc) echo 'the documentation builds without warnings' ;;
    test) echo 'every test but those of broker, testbed and chaos' ;;
    build) echo 'what the following stages run, optimised' ;;
    watch) echo 'metrics, alerts and dashboards fit together' ;;
    kubernetes) echo 'manifests and secrets are what Kubernetes takes' ;;
    demo) echo 'HelseNorge writes, protected and plain, every message ends as it must' ;;
    bench) echo 'what the README says can be measured, small; begun beside the others' ;;
    readme) echo 'every table of the README, and every command that no other stage runs' ;;
    containers) echo 'images are built, everything comes up, plain and encrypted; needs a Docker engine; about half an hour' ;;
    local) echo 'private servers start, answer and stop' ;;
    chaos) echo 'servers and workers are broken, then the tests of broker, testbed and chaos; begun beside the others, since they mostly wait' ;;
    *) return 1 ;;
    esac
}

# Where everything is built from nothing, all in one profile share what is compiled (.ci/run).
profile=(${TEST_PROFILE:+--profile "$TEST_PROFILE"})

stage_packages() { need_test_packages; }

stage_fmt() { cargo fmt --all --check; }

stage_clippy() { cargo clippy "${profile[@]}" --workspace --all-targets -- -D warnings; }

stage_doc() { RUSTDOCFLAGS=-Dwarnings cargo doc "${profile[@]}" --workspace --no-deps; }

# Runs the test programs of some packages, one after the other, each where cargo would run it.
run_tests() { # LIST
    local package folder program code=0 threads programs=0
    while IFS=$'\t' read -r package folder program; do
        printf '\n     Running %s (%s)\n' "$package" "${program##*/}"
        programs=$((programs + 1))
        # The end-to-end tests wait for servers, each for its own database and virtual host; chaos waits for servers to come back.
        threads=$(nproc)
        case $package in e2e | chaos) threads=$((threads * 2)) ;; esac
        (cd "$folder" && CARGO_MANIFEST_DIR=$folder RUST_TEST_THREADS=$threads "$program" </dev/null) || code=$?
    done <"$1"
    [ $programs -gt 0 ] || { echo 'there are no such tests' >&2 && code=1; }
    return "$code"
}

# What the servers of tests write is needed by nobody after a power cut: in memory, where there is room, nobody waits for a disk.
in_memory() {
    local gib=$((1024 * 1024)) disk memory
    disk=$(df --output=avail /dev/shm 2>/dev/null | tail -n 1) memory=$(awk '/^MemAvailable/ { print $2 }' /proc/meminfo)
    [ "${disk:-0}" -lt $((8 * gib)) ] || [ "${memory:-0}" -lt $((12 * gib)) ] || export TMPDIR=/dev/shm
}

# These packages' tests mostly wait for servers: other stages use that time.
waiting='^(broker|chaos|testbed)'$'\t'

# All are built at once, so that nothing is compiled twice.
build_tests() { # STAGE
    cargo test "${profile[@]}" --workspace --no-run --message-format=json-render-diagnostics | /usr/bin/python3 "$lib/tests.py" >"$scratch/tests.$1"
    in_memory
}

stage_test() {
    local code=0
    build_tests test
    [ -z "${BESIDE-}" ] || begin_beside chaos
    run_tests <(grep -vE "$waiting" "$scratch/tests.test") || code=$?
    cargo test "${profile[@]}" --workspace --doc || code=$?
    return "$code"
}

stage_chaos() {
    local code=0
    build_tests chaos
    # First what leaves the processor to the tests beside it. Unoptimised and beside them, what a broker has missed while it started must not
    # be more than can be made up for in time.
    deploy/chaos.sh --short --rate 20 || code=$?
    run_tests <(grep -E "$waiting" "$scratch/tests.chaos" | grep -v '^chaos') || code=$?
    run_tests <(grep '^chaos' "$scratch/tests.chaos") || code=$?
    return "$code"
}

# Together, so that what they share is compiled once. Each alone has the same features (tests/bench/Cargo.toml).
stage_build() { cargo build --release -p operator -p bench -p chaos -p demo -p load -p year; }

# Every metric that is named is there, the rules are rules, each alert fires when it should, and the README says what to do.
stage_watch() {
    local alert rules=deploy/prometheus/alerts.yml
    "$(programs)/dialogpost" metrics --json | /usr/bin/python3 "$lib/watched.py" "$rules" deploy/grafana/dashboards/*.json
    promtool check rules "$rules"
    promtool check config deploy/prometheus/prometheus.yml
    promtool test rules "${rules%.yml}.test.yml"
    sed -n 's/^ *- alert: //p' "$rules" | while read -r alert; do
        grep -q "^| \`$alert\` |" README.md || { printf 'the README does not say what to do about %s\n' "$alert" >&2; exit 1; }
        grep -q "alertname: $alert\b" "${rules%.yml}.test.yml" || { printf 'no test of %s\n' "$alert" >&2; exit 1; }
    done
}

# Rendered, and held against the schema, with the secrets that they name.
stage_kubernetes() {
    local made=$scratch/secrets
    rm -rf "$made"
    "$(programs)/dialogpost" secrets "$made" >/dev/null
    {
        kubectl kustomize deploy/kubernetes
        deploy/kubernetes/secrets.sh "$made"
    } >"$scratch/manifests.yaml"
    rm -rf "$made"
    # shellcheck disable=SC2046
    /usr/bin/python3 "$lib/manifests.py" deploy/kubernetes/schema/kubernetes.json $(ls deploy/kubernetes/workers) <"$scratch/manifests.yaml"
    rm "$scratch/manifests.yaml"
}

stage_demo() {
    [ -z "${BESIDE-}" ] || begin_beside bench
    deploy/demo.sh
    deploy/demo.sh --plain
}

stage_bench() {
    cargo run --release -p bench -- inbound --messages 5000 | tee "$scratch/figures.json"
    tail -n 1 "$scratch/figures.json" | /usr/bin/python3 -c '
import json, sys
result = json.load(sys.stdin)
assert result["msg_per_s"] > 0, result
print(round(result["msg_per_s"]), "messages a second")'
    cargo run --release -p bench -- profile --messages 2000
    cargo run --release -p bench -- stored --stored 20000 --messages 1000
    cargo run --release -p bench -- sealed --bits 3072 --messages 1000
    cargo run --release -p bench -- commands --questions 200
    cargo run --release -p bench -- slots --seconds 3 --messages 3000
    cargo run --release -p bench -- traced --messages 1000
    cargo run --release -p year -- --small
}

stage_readme() { check_readme README.md; }

stage_local() {
    deploy/local.sh down --purge
    trap 'deploy/local.sh down --purge' EXIT
    deploy/local.sh up
    deploy/local.sh status
    eval "$(deploy/local.sh env)"
    "$(postgres_bin)/psql" -AXqtc "select 'PostgreSQL answers'" "$DATABASE_URL"
    # A second `up` starts nothing and the data survives a `down`.
    "$(postgres_bin)/psql" -AXqtc 'create table kept ()' "$DATABASE_URL"
    deploy/local.sh up
    deploy/local.sh down
    if deploy/local.sh status || deploy/local.sh env; then
        printf 'servers run after down\n' >&2
        return 1
    fi
    deploy/local.sh up
    eval "$(deploy/local.sh env)"
    "$(postgres_bin)/psql" -AXqtc 'drop table kept' "$DATABASE_URL"
}

# On a project, with secrets, of its own.
stage_containers() {
    export COMPOSE_PROJECT_NAME=dialogpost-test DIALOGPOST_SECRETS=$scratch/compose
    deploy/compose.sh down --purge
    deploy/compose.sh load --rate 50 --seconds 10 --limit lost=0 --limit doubled=0
    deploy/compose.sh up --scale recipient-routing=2
    deploy/compose.sh status
    deploy/compose.sh down --purge
    export TLS=1 SEALED=1
    deploy/compose.sh load --rate 50 --seconds 10 --limit lost=0 --limit doubled=0
    deploy/compose.sh down --purge
}

# A stage that goes on while others do: a group of processes of its own.
begin_beside() { # STAGE
    # shellcheck disable=SC2016
    setsid bash -c 'code=0; bash "$1" --inside "$2" >"$3.txt" 2>&1 </dev/null || code=$?; echo "$code" >"$3.code"' \
        beside "$root/deploy/test.sh" "$1" "$scratch/$1" &
    echo $! >"$scratch/$1.pid"
}

# Its output, and its exit code.
end_beside() { # STAGE
    while kill -0 "$(cat "$scratch/$1.pid")" 2>/dev/null; do sleep 1; done
    rm "$scratch/$1.pid"
    cat "$scratch/$1.txt"
    return "$(cat "$scratch/$1.code")"
}

# Nothing goes on when this has ended.
stop_beside() { # STAGE
    [ ! -e "$scratch/$1.pid" ] || kill -- "-$(cat "$scratch/$1.pid")" 2>/dev/null || true
}

names=() seconds=() results=()

summary() {
    local n
    printf '\n%-10s %8s  %s\n' stage seconds result
    for n in "${!names[@]}"; do
        printf '%-10s %8s  %s\n' "${names[n]}" "${seconds[n]}" "${results[n]}"
    done
    printf '%-10s %8s\n' together "$SECONDS"
}

# Each in a process of its own: there, whatever fails ends it.
run_stages() { # STAGE...
    local stage began code
    mkdir -p "$scratch"
    rm -f "$scratch"/{chaos,bench}.{pid,code,txt}
    trap 'stop_beside chaos; stop_beside bench' EXIT
    for stage in "$@"; do
        printf '\n=== %s: %s\n' "$stage" "$(about "$stage")"
        began=$SECONDS code=0
        if [ -e "$scratch/$stage.pid" ]; then
            end_beside "$stage" || code=$?
        else
            bash "$root/deploy/test.sh" --inside "$stage" </dev/null || code=$?
        fi
        names+=("$stage") seconds+=($((SECONDS - began)))
        if [ $code -ne 0 ]; then
            results+=(FAILED)
            summary
            printf '\nFAILED: %s (%s), exit code %s. This stage alone: deploy/test.sh %s\n' "$stage" "$(about "$stage")" $code "$stage" >&2
            exit 1
        fi
        results+=(passed)
    done
    summary
    printf '\nAll passed.\n'
}

list() {
    local stage
    for stage in "${stages[@]}" "${extra[@]}"; do
        printf '%-10s %s\n' "$stage" "$(about "$stage")"
    done
}

inside() { # STAGE
    # What this shell may know of other servers is not for tests.
    unset DATABASE_URL DATABASE_URL_FILE AMQP_URL AMQP_URL_FILE NHN_AMQP_URL NHN_AMQP_URL_FILE NHN_EXCHANGE LISTEN
    unset KEYS_DIR KEYS_PASSWORD KEYS_PASSWORD_FILE TRUST_DIR REVOCATION LEGACY_ALGORITHMS PLAIN_CONTENT DEMO_EXCHANGE
    unset SMTP_URL SMTP_URL_FILE SMTP_FROM SMS_URL PUSH_URL WEBHOOK_SECRET WEBHOOK_SECRET_FILE RECEIPTS_LISTEN EXTRA_ROOTS DEMO_TEXTS
    export CARGO_TERM_COLOR=never DEBIAN_FRONTEND=noninteractive
    [ ! -t 1 ] || CARGO_TERM_COLOR=auto
    mkdir -p "$scratch"
    "stage_$1"
}

case "${1-}" in
--help | -h) usage ;;
--list) list ;;
--inside) inside "$2" ;;
'') BESIDE=yes run_stages "${stages[@]}" ;;
*)
    for stage in "$@"; do
        if ! about "$stage" >/dev/null; then
            printf 'no such stage: %s; see deploy/test.sh --list\n' "$stage" >&2
            exit 2
        fi
    done
    run_stages "$@"
    ;;
esac
