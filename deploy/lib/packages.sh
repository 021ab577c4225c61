# shellcheck shell=bash
# Debian packages; sourced by bash scripts under `set -eu`, after binaries.sh. They are there when these return: installed
# when this user may (root, or sudo without a password), else the one line to run is said.

# PostgreSQL, RabbitMQ, xmllint, and OpenSSL to build with.
need_packages() {
    local missing=()
    find_missing
    install_missing
}

# Also what only tests need: AMQP clients and a reader of JSON Schema for Debian's own Python, curl, two strangers who
# speak CMS, who tests alerts, and who renders what Kubernetes is told.
need_test_packages() {
    local missing=()
    find_missing
    /usr/bin/python3 -c 'import proton' 2>/dev/null || missing+=(python3-qpid-proton)
    /usr/bin/python3 -c 'import pika' 2>/dev/null || missing+=(python3-pika)
    /usr/bin/python3 -c 'import jsonschema' 2>/dev/null || missing+=(python3-jsonschema)
    command -v curl >/dev/null || missing+=(curl)
    command -v openssl >/dev/null || missing+=(openssl)
    command -v gpgsm >/dev/null || missing+=(gpgsm)
    command -v gpg-agent >/dev/null || missing+=(gpg-agent)
    command -v promtool >/dev/null || missing+=(prometheus)
    command -v kubectl >/dev/null || missing+=(kubernetes-client)
    /usr/bin/python3 -c 'import yaml' 2>/dev/null || missing+=(python3-yaml)
    install_missing
}

find_missing() {
    postgres_bin >/dev/null || missing+=(postgresql)
    rabbitmq_bin >/dev/null || missing+=(rabbitmq-server)
    command -v xmllint >/dev/null || missing+=(libxml2-utils)
    command -v pkg-config >/dev/null || missing+=(pkg-config)
    pkg-config --exists openssl 2>/dev/null || missing+=(libssl-dev)
}

install_missing() {
    local as=() line="apt-get install -y --no-install-recommends ${missing[*]-}"
    [ ${#missing[@]} -gt 0 ] || return 0

    if ! command -v apt-get >/dev/null; then
        printf 'missing: %s. This is not Debian: install what these packages hold yourself.\n' "${missing[*]}" >&2
        exit 1
    fi
    if [ "$(id -u)" != 0 ]; then
        if ! sudo -n true 2>/dev/null; then
            printf 'missing: %s. Run: sudo %s\n' "${missing[*]}" "$line" >&2
            exit 1
        fi
        as=(sudo -n)
    fi
    printf 'installing %s ...\n' "${missing[*]}" >&2
    if ! ${as[@]+"${as[@]}"} bash -c "$(declare -f install_quietly); install_quietly \"\$@\"" install "${missing[@]}"; then
        printf 'the installation failed; run it yourself to see more: %s\n' "$line" >&2
        exit 1
    fi
}

# Installs packages without starting the services they bring: ours are private, and the system's would take memory and
# the well-known ports. Runs in a shell of its own, as root.
install_quietly() {
    set -eu
    local log policy=/usr/sbin/policy-rc.d clusters=/etc/postgresql-common/createcluster.d/zz-dialogpost.conf
    log=$(mktemp)
    local undo=("$log" "$clusters")
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
        undo+=("$policy")
    fi
    # shellcheck disable=SC2064 # the list is complete now
    trap "rm -f ${undo[*]}" EXIT
    mkdir -p "${clusters%/*}"
    printf 'create_main_cluster = false\n' >"$clusters"
    export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
    if ! { apt-get update && apt-get install -y --no-install-recommends "$@"; } >"$log" 2>&1 </dev/null; then
        tail -n 20 "$log" >&2
        return 1
    fi
}
