#!/usr/bin/env bash
# What a fleet on Kubernetes is told in secret.
set -euo pipefail

usage() {
    cat <<'HELP'
Prints the secrets that deploy/kubernetes names, from a directory that `dialogpost secrets` made: of each worker its addresses, the owner's
addresses and all passwords for the job that migrates, and where the broker's management is.

usage: deploy/kubernetes/secrets.sh DIRECTORY [MANAGEMENT] | --help

  MANAGEMENT  scheme, host and port of the broker's management (http://rabbitmq:15672)

examples:
  dialogpost secrets secrets --amqp broker.example:5671 --amqp-scheme amqps --database db.example:5432/post --database-options sslmode=require
  deploy/kubernetes/secrets.sh secrets https://broker.example:15671 | kubectl apply -f -

exit codes: 0 done; 1 something is missing in DIRECTORY; 2 wrong usage
HELP
}

case ${1-} in
--help | -h)
    usage
    exit
    ;;
'' | -*)
    usage >&2
    exit 2
    ;;
esac
directory=$1
management=${2-http://rabbitmq:15672}
[[ $management == *://* ]] || { usage >&2 && exit 2; }
workers=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/workers" && ls)

# Files only: what stands on a command line, others can read.
secret() { # NAME --from-file=...
    printf -- '---\n'
    kubectl create secret generic "$@" --namespace dialogpost --dry-run=client -o yaml
}

# First where they live.
printf -- '---\n'
cat "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/namespace.yaml"
for user in dialogpost $workers; do
    secret "$user" --from-file=database="$directory/$user.database" --from-file=amqp="$directory/$user.amqp"
done
passwords=()
for worker in $workers; do
    passwords+=(--from-file="$worker.password=$directory/$worker.password")
done
secret passwords "${passwords[@]}"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
printf '%s://monitoring:%s@%s/' "${management%%://*}" "$(cat "$directory/monitoring.password")" "${management#*://}" >"$scratch/host"
secret broker-management --from-file=host="$scratch/host"
