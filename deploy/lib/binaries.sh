# shellcheck shell=sh
# Where Debian keeps the server binaries; sourced by the other files here. Plain sh.
# None of these directories is on PATH, and /usr/sbin/rabbitmq-server insists on the system's own data directory.

install_line='apt-get install -y --no-install-recommends postgresql rabbitmq-server libxml2-utils'

# The directory of the newest PostgreSQL's initdb and postgres; fails when there is none.
postgres_bin() {
    for candidate in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV) $(printf '%s' "${PATH}" | tr ':' ' '); do
        if [ -x "$candidate/initdb" ] && [ -x "$candidate/postgres" ]; then
            printf '%s\n' "$candidate"
            return 0
        fi
    done
    return 1
}

# The directory of rabbitmq-server and rabbitmqctl; fails when there is none.
rabbitmq_bin() {
    for candidate in /usr/lib/rabbitmq/bin $(printf '%s' "${PATH}" | tr ':' ' '); do
        if [ -x "$candidate/rabbitmq-server" ] && [ -x "$candidate/rabbitmqctl" ]; then
            printf '%s\n' "$candidate"
            return 0
        fi
    done
    return 1
}

# Says what is missing and the one line that brings it, then exits 127, which callers tell from a failed start.
missing() {
    printf '%s is not installed; run: %s\n' "$1" "$install_line" >&2
    exit 127
}
