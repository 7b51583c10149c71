"""Measures bytes per CPU second of servers that send the same file.

usage: streaming.py PID,URL PID,URL ...

Each PID is the process that serves its URL (for nginx: the worker). The servers are loaded in turn, in slices of 600 MB,
by 64 connections that request the whole file repeatedly; certificates are not checked. `#http` at the end of a URL adds a
field that the bare connection does not answer. Prints the median of the slices and its ratio to the first
server's.
"""

import os
import selectors
import socket
import ssl
import statistics
import sys
import urllib.parse

SLICES = 9
SLICE_BYTES = 600_000_000
CONNECTIONS = 64


TRUSTING = ssl.create_default_context()
TRUSTING.check_hostname, TRUSTING.verify_mode = False, ssl.CERT_NONE


def cpu_s(pid):
    """User and system time of a process so far, in seconds."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def connect(url, request):
    connection = socket.create_connection((url.hostname, url.port))
    if url.scheme == "https":
        connection = TRUSTING.wrap_socket(connection)
    connection.sendall(request)
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(1)
    assert head.startswith(b"HTTP/1.1 200"), head
    length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    connection.setblocking(False)
    return connection, int(length.split(b":")[1])


def load(url):
    """Reads at least a slice; gives the number of bytes."""
    field = "TE: trailers\r\n" if url.fragment == "http" else ""
    request = f"GET {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\n{field}\r\n".encode()
    ready = selectors.DefaultSelector()
    left = {}
    for _ in range(CONNECTIONS):
        connection, length = connect(url, request)
        left[connection] = length
        ready.register(connection, selectors.EVENT_READ)
    buffer = bytearray(1 << 20)
    total = 0
    while total < SLICE_BYTES:
        for key, _ in ready.select():
            connection = key.fileobj
            try:
                count = connection.recv_into(buffer)
            except ssl.SSLWantReadError:
                continue
            assert count, "the server closed"
            total += count
            left[connection] -= count
            if left[connection] == 0:
                ready.unregister(connection)
                connection.close()
                connection, length = connect(url, request)
                left[connection] = length
                ready.register(connection, selectors.EVENT_READ)
    for key in list(ready.get_map().values()):
        key.fileobj.close()
    return total


servers = [(int(pid), urllib.parse.urlsplit(url)) for pid, url in (text.split(",", 1) for text in sys.argv[1:])]
rates = {server: [] for server in servers}
for _ in range(SLICES):
    for server in servers:
        before = cpu_s(server[0])
        count = load(server[1])
        rates[server].append(count / (cpu_s(server[0]) - before))
first = statistics.median(rates[servers[0]])
for (pid, url), found in rates.items():
    rate = statistics.median(found)
    print(f"{rate / 1e9:6.2f} GB per CPU second  {rate / first:5.2f}  {url.scheme}://{url.netloc}{url.path} {url.fragment} ({pid})")
