#!/bin/sh
# Runs a PostgreSQL cluster of its own in a temp folder until standard input closes, then stops it and removes the folder.
# Prints one line when it is ready: the folder, which is also the folder of its socket. Nothing listens on the network,
# unless called as `postgres.sh tls PORT`: then it listens on that port of 127.0.0.1 with the certificate server.crt.
# Called as `postgres.sh german` its messages are German (Debian's `locales` has the locale's source, `postgresql` the texts).
# It does not wait for disks: what it holds is not worth keeping. Over a crash it keeps what was committed by a connection that
# set `synchronous_commit`, as Segue's do.
# A line `stop` on its input stops the cluster as a crash would, `start` starts it again; `freeze` stops all its processes where
# they are, `thaw` lets them go on. Each is answered by the same line.
set -eu

for candidate in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -n); do bin=$candidate; done
if [ -z "${bin:-}" ]; then
    echo "no PostgreSQL server under /usr/lib/postgresql: apt-get install postgresql" >&2
    exit 1
fi
# PostgreSQL refuses to run as root.
if [ "$(id -u)" = 0 ]; then
    exec setpriv --reuid=postgres --regid=postgres --init-groups env HOME=/tmp sh -c "$(cat "$0")" "$0" "$@"
fi

# A signal to the whole group (ctrl-c) must not end the one that cleans up; the closed input will.
trap '' INT TERM HUP
folder=$(mktemp -d "${TMPDIR:-/tmp}/segue-postgres.XXXXXX")
cd "$folder"
# Sends a signal to the first process of the cluster and then to all that it has started.
signal() {
    first=$(head -n 1 data/postmaster.pid)
    kill -s "$1" "$first" $(cat "/proc/$first/task/$first/children")
}
start() {
    "$bin/pg_ctl" --pgdata=data --log=log --wait --timeout=60 start --options="$network \
        -c unix_socket_directories='$folder' -c max_connections=500 \
        -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
}
{
    "$bin/initdb" --pgdata=data --username=segue --auth=trust --encoding=UTF8 --locale=C --no-sync
    network="-c listen_addresses=''"
    if [ "${1:-}" = tls ]; then
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \
            -addext subjectAltName=IP:127.0.0.1 -keyout server.key -out server.crt
        network="-c listen_addresses=127.0.0.1 -c port=$2 -c ssl=on \
            -c ssl_cert_file='$folder/server.crt' -c ssl_key_file='$folder/server.key'"
    fi
    if [ "${1:-}" = german ]; then
        mkdir locale
        localedef --inputfile=de_DE --charmap=UTF-8 "$folder/locale/de_DE.UTF-8"
        export LOCPATH="$folder/locale"
        network="$network -c lc_messages=de_DE.UTF-8"
    fi
    start
} >start.log 2>&1 </dev/null || { cat start.log log >&2 2>/dev/null; failed=1; }
if [ -z "${failed:-}" ]; then
    echo "$folder"
    while read -r command; do
        case $command in
            stop) "$bin/pg_ctl" --pgdata=data --mode=immediate --wait stop ;;
            start) start ;;
            freeze) signal STOP ;;
            thaw) signal CONT ;;
        esac >>start.log 2>&1 </dev/null || true
        echo "$command"
    done
fi
{ signal CONT; "$bin/pg_ctl" --pgdata=data --mode=immediate stop; } >/dev/null 2>&1 || true
cd /
rm -rf "$folder"
exit "${failed:-0}"
