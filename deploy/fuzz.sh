#!/usr/bin/env bash
# Fuzzes everything that reads bytes from outside.
set -euo pipefail

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
cd "$root/tests/fuzz"
targets=(amqp10 msghead apprec cms)

usage() {
    cat <<'HELP'
Fuzzes what reads bytes from outside, each target for so many seconds, from the committed seeds. Installs cargo-fuzz under
target/ when it is missing. What it finds lies in tests/fuzz/artifacts/TARGET: make a test of it.

usage: deploy/fuzz.sh [--seconds N] [TARGET...]

  --seconds N  for each target (600)
  TARGET...    amqp10, msghead, apprec, cms; all when none is named

examples:
  deploy/fuzz.sh --seconds 60 amqp10
  deploy/fuzz.sh

exit codes: 0 nothing found; 1 something found; 2 wrong usage
HELP
}

seconds=600
chosen=()
while (($#)); do
    case $1 in
    --help | -h) usage && exit 0 ;;
    --seconds)
        seconds=${2-}
        [[ $seconds =~ ^[1-9][0-9]*$ ]] || { printf '%s\n' '--seconds wants a number' >&2 && exit 2; }
        shift
        ;;
    *)
        [[ " ${targets[*]} " == *" $1 "* ]] || { printf 'no target %s: %s\n' "$1" "${targets[*]}" >&2 && exit 2; }
        chosen+=("$1")
        ;;
    esac
    shift
done
((${#chosen[@]})) || chosen=("${targets[@]}")

tools=$root/target/tools
PATH=$tools/bin:$PATH
command -v cargo-fuzz >/dev/null || cargo install --quiet --locked --root "$tools" cargo-fuzz
# The sanitizer is behind a flag that a stable compiler takes only so.
export RUSTC_BOOTSTRAP=1

for target in "${chosen[@]}"; do
    printf '=== %s, %s s\n' "$target" "$seconds"
    corpus=$root/target/fuzz/corpus/$target
    mkdir -p "$corpus"
    log=$root/target/fuzz/$target.log
    # More than this for one small input would be an attack that succeeds.
    if ! cargo fuzz run --fuzz-dir "$root/tests/fuzz" --target-dir "$root/target/fuzz" "$target" "$corpus" "seeds/$target" -- \
        -max_total_time="$seconds" -max_len=65536 -timeout=5 -rss_limit_mb=1024 -malloc_limit_mb=256 -print_final_stats=1 >"$log" 2>&1; then
        tail -n 40 "$log"
        exit 1
    fi
    grep -E '^(Done|stat::)' "$log"
done
