#!/usr/bin/env bash
# Checks at once what the gate needs of the machine and cannot install: Rust, memory, free space, rights. Prints what is
# there, then everything that is missing with what to do about it. `machine.sh yes` checks for the long form.
set -euo pipefail
cd "$(dirname "$0")/.."
long=${1:-}
# Gigabytes that a whole build and the temporary files of the tests take, and those of a tree that is built already.
new_build_gb=9 old_build_gb=3
# Gigabytes of memory: of linking the tests, and of the model in its long form.
memory_gb=4
[ -z "$long" ] || memory_gb=10

missing=()
is_older() {
    [ "$1" != "$2" ] && [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}

wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
if ! version=$(cargo --version 2>/dev/null); then
    missing+=("cargo does not run: install Rust $wanted or newer as https://rustup.rs says")
else
    echo "$version"
    version=$(cut -d ' ' -f 2 <<<"$version")
    if is_older "$version" "$wanted"; then
        missing+=("cargo $version is too old: Rust $wanted or newer is needed (rustup update)")
    fi
    for tool in fmt:rustfmt clippy:clippy; do
        cargo "${tool%:*}" --version >/dev/null 2>&1 ||
            missing+=("cargo ${tool%:*} is missing: rustup component add ${tool#*:}")
    done
fi

folder=${CARGO_TARGET_DIR:-$PWD/target}
needed_gb=$new_build_gb
[ ! -e "$folder/ci/segue" ] || needed_gb=$old_build_gb
while [ ! -e "$folder" ]; do folder=$(dirname "$folder"); done
for place in "$folder" "${TMPDIR:-/tmp}"; do
    free_gb=$(($(df -P -B 1M "$place" | awk 'END { print $4 }') / 1024))
    echo "free at $place: $free_gb GB"
    if [ "$free_gb" -lt "$needed_gb" ]; then
        missing+=("$free_gb GB are free at $place, $needed_gb GB are needed: free some, or set CARGO_TARGET_DIR or TMPDIR")
    fi
    needed_gb=$old_build_gb
done

total_gb=$((($(awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo) + 524288) / 1048576))
echo "memory: $total_gb GB, processors: $(nproc)"
if [ "$total_gb" -lt "$memory_gb" ]; then
    missing+=("$total_gb GB of memory, $memory_gb GB are needed")
fi

if [ "$(id -u)" = 0 ]; then
    echo "user: root"
else
    echo "user: $(id -un), who cannot install Debian packages"
fi
# Some tests mount a small disk or put devices into networks of their own, as root or in a user namespace.
for kind in "--mount --propagation unchanged" --net; do
    # shellcheck disable=SC2086 # $kind is one or more words
    { [ "$(id -u)" = 0 ] && unshare $kind true 2>/dev/null; } || unshare --user --map-root-user $kind true 2>/dev/null ||
        missing+=("unshare $kind is refused, which the tests need: run as root on a machine or in a container that allows it (CAP_SYS_ADMIN), or allow user namespaces (user.max_user_namespaces)")
done
if ! : 2>/dev/null <>/dev/net/tun; then
    missing+=("/dev/net/tun cannot be opened: load the module tun; in a chroot or container, bind the host's /dev, or run: mkdir -p /dev/net && mknod /dev/net/tun c 10 200")
fi

if [ ${#missing[@]} != 0 ]; then
    printf 'missing: %s\n' "${missing[@]}" >&2
    exit 1
fi
