# shellcheck shell=bash
# Where cargo puts the programs it builds; sourced by bash scripts.

programs() {
    cargo metadata --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1\/release/p'
}
