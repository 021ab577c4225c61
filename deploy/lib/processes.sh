# shellcheck shell=bash
# Processes known by a pid file; sourced by bash scripts.

# Whether the process of a pid file runs and is what it was: process ids come round again, and a dead process (Z) keeps
# its place until somebody has taken notice.
runs() { # PIDFILE NAME
    local pid name state
    { read -r pid <"$1" && read -r _ name state _ <"/proc/$pid/stat"; } 2>/dev/null &&
        [ "$name" = "($2)" ] && [ "$state" != Z ]
}

# Repeats a check until it succeeds; from the second second on it says that it waits. 1 = the time is up.
wait_until() { # WHAT SECONDS CHECK...
    local what=$1 deadline=$((SECONDS + $2)) began=$SECONDS said=no
    shift 2
    until "$@"; do
        if [ $SECONDS -ge $deadline ]; then
            return 1
        fi
        if [ $((SECONDS - began)) -ge 2 ] && [ $said = no ]; then
            printf '%s ...\n' "$what" >&2
            said=yes
        fi
        sleep 0.1
    done
}

not() { ! "$@"; }

give_up() { # WHAT LOG
    printf '%s\n' "$1" >&2
    tail -n 20 "$2" >&2 || true
    exit 1
}
