#!/bin/sh
# One private RabbitMQ node that lives in a directory: rabbitmq.sh DIR init|epmd|server|ctl [ARGUMENT...]
#
# tests/testbed and deploy/local.sh both start RabbitMQ through this file, so that what is tested is what runs.
# DIR/settings holds NODE, AMQP_PORT, MANAGEMENT_PORT, DIST_PORT, EPMD_PORT, AMQP_USER and AMQP_PASSWORD.
# `epmd` and `server` stay in the foreground; their pids are in DIR/epmd.pid and DIR/rabbitmq.pid.
set -eu

dir=$1
verb=$2
shift 2
# shellcheck source=deploy/lib/binaries.sh
. "$(dirname "$0")/binaries.sh"
bin=$(rabbitmq_bin) || missing RabbitMQ
# shellcheck source=/dev/null
. "$dir/settings"

# HOME holds the Erlang cookie. Nothing of the system's own node (/etc/rabbitmq, /var/lib/rabbitmq) is read or written.
export HOME="$dir" LANG=C.UTF-8
export RABBITMQ_NODENAME="$NODE" RABBITMQ_DIST_PORT="$DIST_PORT"
export ERL_EPMD_PORT="$EPMD_PORT" ERL_EPMD_ADDRESS=127.0.0.1
export RABBITMQ_CONF_ENV_FILE="$dir/rabbitmq-env.conf" RABBITMQ_CONFIG_FILE="$dir/rabbitmq.conf"
export RABBITMQ_ADVANCED_CONFIG_FILE="$dir/advanced.config" RABBITMQ_ENABLED_PLUGINS_FILE="$dir/enabled_plugins"
export RABBITMQ_MNESIA_BASE="$dir/mnesia" RABBITMQ_LOG_BASE="$dir/log"
# The tools listen too; their default range lies among the ephemeral ports.
export RABBITMQ_CTL_DIST_PORT_MIN=14000 RABBITMQ_CTL_DIST_PORT_MAX=14999

# AMQP 1.0 is a plug-in up to 3.13 and built in afterwards.
plugins() {
    for plugin in /usr/lib/rabbitmq/lib/rabbitmq_server-*/plugins/rabbitmq_amqp1_0-* \
        "$(dirname "$bin")"/plugins/rabbitmq_amqp1_0-*; do
        if [ -e "$plugin" ]; then
            printf '[rabbitmq_management,rabbitmq_amqp1_0].\n'
            return
        fi
    done
    printf '[rabbitmq_management].\n'
}

configuration() {
    cat <<CONF
listeners.tcp.default = 127.0.0.1:$AMQP_PORT
management.tcp.ip = 127.0.0.1
management.tcp.port = $MANAGEMENT_PORT
default_user = $AMQP_USER
default_pass = $AMQP_PASSWORD
default_user_tags.administrator = true
loopback_users = none
vm_memory_high_watermark.relative = 0.8
disk_free_limit.absolute = 10MB
management_agent.disable_metrics_collector = true
CONF
}

case $verb in
init)
    mkdir -p "$dir/mnesia" "$dir/log"
    plugins >"$dir/enabled_plugins"
    configuration >"$dir/rabbitmq.conf"
    : >"$dir/rabbitmq-env.conf"
    printf '[].\n' >"$dir/advanced.config"
    ;;
epmd)
    epmd=$(command -v epmd || ls -d /usr/lib/erlang/erts-*/bin/epmd) || missing epmd
    echo $$ >"$dir/epmd.pid"
    exec "$epmd" -port "$EPMD_PORT" -address 127.0.0.1
    ;;
server)
    echo $$ >"$dir/rabbitmq.pid"
    # Who starts us may be a service of systemd; its start is not for the broker to report.
    unset NOTIFY_SOCKET
    # Under systemd the start script replaces itself by the Erlang VM: the pid above then is the broker's.
    export RUNNING_UNDER_SYSTEMD=true
    exec "$bin/rabbitmq-server"
    ;;
ctl)
    exec "$bin/rabbitmqctl" "$@"
    ;;
*)
    printf 'usage: %s DIR init|epmd|server|ctl [ARGUMENT...]\n' "$0" >&2
    exit 2
    ;;
esac
