#!/usr/bin/env bash
# Says how much the gate installs, then installs it: Debian packages for the whole machine (as root), all else under
# target/. `install.sh yes` installs for the long form, too.
set -euo pipefail
cd "$(dirname "$0")/.."
long=${1:-}
target=${CARGO_TARGET_DIR:-$PWD/target}

mapfile -t wanted < <(grep -hv '^#' tests/packages.txt ${long:+tests/packages-long.txt})
packages=()
for package in "${wanted[@]}"; do
    [ "$(dpkg-query -Wf '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || packages+=("$package")
done

if [ ${#packages[@]} != 0 ]; then
    if [ "$(id -u)" != 0 ]; then
        echo "Debian packages are missing; as root: apt-get install --no-install-recommends ${packages[*]}" >&2
        exit 1
    fi
    apt-get update -qq
    plan=$(LC_ALL=C apt-get install --assume-no --no-install-recommends "${packages[@]}" 2>&1) || true
    if ! grep -q 'newly installed' <<<"$plan"; then
        printf '%s\n' "$plan" >&2
        exit 1
    fi
    echo "Debian packages for ${packages[*]}:"
    grep -E 'newly installed|^Need to get|^After this operation' <<<"$plan" | sed 's/^/    /'
    # What is unpacked goes to the disk of /usr.
    added_mb=$(sed -n 's/^After this operation, \([0-9,.]*\) \(.\)B of additional.*/\1 \2/p' <<<"$plan" | tr -d , |
        awk '{ print int($2 == "G" ? $1 * 1000 : $2 == "M" ? $1 : 1) }')
    free_mb=$(df -P -B 1M /usr | awk 'END { print $4 }')
    if [ "$free_mb" -lt $((${added_mb:-0} * 2)) ]; then
        echo "$free_mb MB are free at /usr: twice ${added_mb:-0} MB are needed to unpack the packages" >&2
        exit 1
    fi
fi
if ! cmp -s tests/requirements.txt "$target/test-python/.requirements"; then
    echo "Python tools: $(grep -vc '^#' tests/requirements.txt) packages from PyPI, 45 MB to download, 300 MB in $target/test-python"
fi
if ! cmp -s tests/locust/requirements.txt "$target/test-locust/.requirements"; then
    echo "Locust: $(grep -vc '^#' tests/locust/requirements.txt) packages from PyPI, 20 MB to download, 75 MB in $target/test-locust"
fi
tests/node.sh --plan
if [ ! -e tests/browser/node_modules ]; then
    echo "npm packages: $(grep -c '"integrity"' tests/browser/package-lock.json), in tests/browser/node_modules"
fi
if [ ! -e tests/clients/node_modules ]; then
    echo "npm packages: $(grep -c '"integrity"' tests/clients/package-lock.json), in tests/clients/node_modules"
fi
if [ ! -e "$target/loadtest-peers/node_modules" ]; then
    echo "npm packages: $(grep -c '"integrity"' loadtest/peers/package-lock.json), in $target/loadtest-peers"
fi
if [ ! -e "$target/test-clients" ]; then
    echo "crates: $(grep -c '^name = ' tests/clients/rspotify/Cargo.lock) for rspotify, those that cargo has not downloaded yet"
fi
if [ ! -e "$target/ci" ]; then
    echo "crates: $(grep -c '^name = ' Cargo.lock), those that cargo has not downloaded yet"
fi

if [ ${#packages[@]} != 0 ]; then
    log=$(mktemp)
    if ! DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "${packages[@]}" </dev/null &>"$log"; then
        cat "$log" >&2
        exit 1
    fi
    rm "$log"
fi
tests/python.sh
tests/node.sh
