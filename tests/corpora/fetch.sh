#!/bin/sh
# Prints the folder of the source archives that tests read audio files from, and fetches them first when they are missing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder="${CARGO_TARGET_DIR:-$here/../../target}/corpora"
beets=2.5.1 mutagen=1.47.0
mkdir -p "$folder"
# Several test runs may ask at once.
exec 9>"$folder/.lock"
flock 9
if [ ! -e "$folder/.beets-$beets-mutagen-$mutagen" ]; then
    python=$("$here/../python.sh")
    {
        "$python" -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: \
            --dest "$folder" "beets==$beets" "mutagen==$mutagen"
        tar -xzf "$folder/beets-$beets.tar.gz" -C "$folder"
        tar -xzf "$folder/mutagen-$mutagen.tar.gz" -C "$folder"
    } >&2
    touch "$folder/.beets-$beets-mutagen-$mutagen"
fi
cd "$folder" && echo "$PWD"
