#!/bin/sh
# Create the virtual environment named by $1 and install the pinned lock and TinyTorch into it.
set -eu
venv=$1

say() { printf '%s\n' "$*" >&2; }

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    for candidate in python3 python3.13 python3.12 python3.11 python; do
        if is_new_enough "$candidate"; then command -v "$candidate" && return; fi
    done
    say "TinyTorch needs Python 3.11 or newer and found none on your PATH."
    say "Get it from https://www.python.org/downloads/ or your package manager, then run make again."
    return 1
}

create() {
    python=$(find_python)
    say "Creating $venv with $("$python" --version)"
    if command -v uv >/dev/null; then
        uv venv --quiet --seed --clear --python "$python" "$venv"
    elif ! "$python" -m venv --clear "$venv" >/dev/null 2>&1; then
        rm -rf "$venv"
        say "$python cannot create a virtual environment: its venv module is missing or incomplete."
        say "On Debian or Ubuntu: sudo apt-get install python3-venv. Then run make again."
        return 1
    fi
}

install() {
    if command -v uv >/dev/null; then
        uv pip install --quiet --python "$venv/bin/python" "$@"
    else
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
    fi
}

if ! is_new_enough "$venv/bin/python"; then create; fi
say "Installing the pinned packages (a few minutes the first time)"
install --require-hashes -r requirements.lock
install --no-deps --no-build-isolation --editable .
touch "$venv/.installed"
