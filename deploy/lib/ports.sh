# shellcheck shell=bash
# Free ports; sourced by bash scripts.

listening() { # PORT
    grep -qiE ":$(printf %04X "$1") [0-9A-F]+:[0-9A-F]{4} 0A " /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# Sets `ports` to COUNT different free ports, below those the kernel hands to clients: a client that reconnects while a
# server restarts could otherwise be given the server's port.
choose_ports() { # COUNT
    local floor last=30000 port
    read -r floor _ </proc/sys/net/ipv4/ip_local_port_range
    if [ "$floor" -ge 16000 ] && [ "$floor" -lt $last ]; then
        last=$floor
    fi
    ports=()
    while [ ${#ports[@]} -lt "$1" ]; do
        port=$((15000 + RANDOM % (last - 15000)))
        if ! listening "$port" && [[ " ${ports[*]-} " != *" $port "* ]]; then
            ports+=("$port")
        fi
    done
}
