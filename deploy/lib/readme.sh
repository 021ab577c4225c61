# shellcheck shell=bash
# check_readme FILE: what a README says is so. Sourced by deploy/test.sh, whose stages it looks into.
#
# Every command in a ```sh block is run, in order, in one shell, on servers of its own. A block after the comment
#     <!-- not run: stage demo -->     or     <!-- not run: .ci/run -->
# is not, because that stage, or that script, runs it: each of its lines must stand there.
# shellcheck disable=SC2016 # the backquotes here are those of the README

: "${lib:?}" "${scratch:?}"

check_readme() { # FILE
    local blocks=$scratch/readme
    rm -rf "$blocks"
    mkdir -p "$blocks"
    split_blocks "$1" "$blocks"
    check_elsewhere "$blocks"
    check_paths "$1"
    check_members "$1"
    check_variables "$1"
    check_told "$1"
    run_blocks "$blocks"
}

# NN.sh for each block; NN.where beside it for one that runs elsewhere.
split_blocks() { # FILE DIR
    awk -v dir="$2" '
        /^<!-- not run: .* -->$/ { where = $0; sub(/^<!-- not run: /, "", where); sub(/ -->$/, "", where); next }
        /^```sh$/ { file = sprintf("%s/%02d.sh", dir, ++n); printf "" > file; if (where) print where > (dir sprintf("/%02d.where", n)); where = ""; next }
        /^```/ { if (file) { close(file); file = "" } where = ""; next }
        file { print > file; next }
        NF { where = "" }
    ' "$1"
}

problem() {
    printf 'README: %s\n' "$1" >&2
    exit 1
}

check_elsewhere() { # DIR
    local marker where text line
    for marker in "$1"/*.where; do
        where=$(cat "$marker")
        case $where in
        'stage '*) text=$(declare -f "stage_${where#stage }") || problem "there is no $where" ;;
        *) text=$(cat "$where") ;;
        esac
        while read -r line; do
            [[ $text == *"$line"* ]] || problem "\"$line\" is not run by $where"
        done < <(sed 's/ *#.*//; /^$/d' "${marker%.where}.sh")
    done
}

# What is named in code quotes and looks like a path of the project is there.
check_paths() { # FILE
    local path
    while read -r path; do
        [ -e "$path" ] || problem "$path does not exist"
    done < <(grep -oE '`(deploy|shared|tests|workers)/[A-Za-z0-9._/-]*`' "$1" | tr -d '`' | sort -u)
}

check_members() { # FILE
    local member
    while read -r member; do
        grep -qF "${member##*/}" "$1" || problem "the layout lacks $member"
    done < <(sed -n '/^members/,/^]/s/^ *"\(.*\)",$/\1/p' Cargo.toml)
}

# Two lists, one a line, hold the same.
same() { # WHAT LEFT RIGHT
    diff <(sort -u <<<"$2") <(sort -u <<<"$3") || problem "$1 differ: < README, > the project"
}

# The table of environment variables is that of `dialogpost run --help`.
check_variables() { # FILE
    same 'environment variables' "$(grep -E '^\| `[A-Z_]+`' "$1" | cut -d'|' -f2 | grep -oE '[A-Z][A-Z_]+')" \
        "$("$(programs)/dialogpost" run --help | grep -oE '^  [A-Z][A-Z_]+(, [A-Z_]+)?  ' | tr -d ' ' | tr ',' '\n')"
}

# The table of what a sender is told names every case that the tests of bad input prove, with its answer.
check_told() { # FILE
    same 'answers to bad input' "$(/usr/bin/python3 "$lib/told.py" "$1")" \
        "$(/usr/bin/python3 "$lib/told.py" tests/e2e/tests/it/bad_input.rs)"
}

run_blocks() { # DIR
    local block script=$scratch/readme.sh ports
    choose_ports 1
    {
        printf 'set -eu\ntrap '\''kill $(jobs -p) 2>/dev/null || true'\'' EXIT\n'
        for block in "$1"/*.sh; do
            [ -e "${block%.sh}.where" ] || cat "$block"
        done
        # What the README says of the default port must hold while another fleet has it.
    } | sed "s/127\.0\.0\.1:8090/127.0.0.1:${ports[0]}/g" >"$script"
    trap 'deploy/demo.sh --stop; deploy/local.sh down --purge' EXIT
    deploy/demo.sh --stop
    deploy/local.sh down --purge
    PATH=$(programs):$PATH LISTEN=127.0.0.1:${ports[0]} bash -v "$script"
}
