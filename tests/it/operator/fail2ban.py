"""Runs config/fail2ban-filter.conf on a log as fail2ban does, and prints the addresses it finds, one a line.

Usage: fail2ban.py FILTER LOG. What fail2ban does (its manual, "jail.conf(5)" and "Developing filters"): `%(name)s` is the
value of that name and `%%` a percent sign; the time that `datepattern` finds is cut out of the line; `<ADDR>` is an IPv4 or
IPv6 address; each line of `failregex` is tried in turn.
"""

import configparser
import ipaddress
import re
import sys

filter_path, log_path = sys.argv[1:]
parser = configparser.ConfigParser()
with open(filter_path, encoding="utf-8") as file:
    parser.read_file(file)
definition = parser["Definition"]

address = r"(?P<address>(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]+)"
failures = [re.compile(line.replace("<ADDR>", address)) for line in definition["failregex"].split("\n") if line]
time = definition["datepattern"].split("\n")[0]
for name, expression in {
    "%Y": r"\d{4}", "%m": r"\d\d", "%d": r"\d\d", "%H": r"\d\d", "%M": r"\d\d", "%S": r"\d\d", "%f": r"\d+",
    "%z": r"(?:Z|[+-]\d\d:?\d\d)",
}.items():
    time = time.replace(name, expression)
time = re.compile(time)

with open(log_path, encoding="utf-8") as log:
    for line in log:
        line = line.rstrip("\n")
        found = time.match(line)
        assert found, f"no time at the start of: {line}"
        rest = line[: found.start()] + line[found.end() :]
        # From the systemd journal the line comes whole, for the journal knows the time.
        hits = {tuple(hit["address"] for hit in (f.search(text) for f in failures) if hit) for text in (rest, line)}
        assert len(hits) == 1, f"the whole line and the cut one differ: {line}"
        for hit in hits.pop():
            print(ipaddress.ip_address(hit))
