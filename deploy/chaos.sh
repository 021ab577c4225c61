#!/usr/bin/env bash
# Breaks everything that a fleet stands on, and counts.
set -euo pipefail

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
cd "$root"

# shellcheck source=deploy/lib/binaries.sh
. "$root/deploy/lib/binaries.sh"
# shellcheck source=deploy/lib/packages.sh
. "$root/deploy/lib/packages.sh"
# shellcheck source=deploy/lib/programs.sh
. "$root/deploy/lib/programs.sh"

usage() {
    cat <<'HELP'
Breaks everything that a fleet stands on while HelseNorge writes, by a seed, on private servers: workers are killed, anywhere and at named
points; broker and database are restarted, killed, cut off, and moved far away; messages come again, and poison comes; dead letters are
replayed among all that. Then counts what became of every message. Installs the Debian packages it needs when they are missing and it may.

usage: deploy/chaos.sh [--short | OPTION...] | --help

  (nothing)   300 kills, each trouble 20 times: half an hour
  --short     about five minutes
  OPTION...   of dialogpost-chaos: --seed N, --kills N, --each N, --rate N, --limit SECONDS, --json FILE

examples:
  deploy/chaos.sh --short
  deploy/chaos.sh --seed 11 --json chaos.json

exit codes: 0 nothing was lost, doubled, leaked or slow to recover; 1 something was; 2 it could not be run
HELP
}

case ${1-} in
--help | -h)
    usage
    exit
    ;;
--short)
    shift
    set -- --kills 30 --each 2 "$@"
    ;;
esac

need_test_packages
cargo build --release -p chaos -p operator
exec "$(programs)/dialogpost-chaos" "$@"
