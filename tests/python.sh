#!/bin/sh
# Prints the path of a Python that has the tools of tests/requirements.txt, and makes it first when it is missing or old.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv="${CARGO_TARGET_DIR:-$here/../target}/test-python"
mkdir -p "$venv"
# Several test runs may ask at once.
exec 9>"$venv/.lock"
flock 9
if ! cmp -s "$here/requirements.txt" "$venv/.requirements"; then
    {
        python3 -m venv --clear "$venv/venv"
        "$venv/venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
    } >&2
    cp "$here/requirements.txt" "$venv/.requirements"
fi
cd "$venv" && echo "$PWD/venv/bin/python"
