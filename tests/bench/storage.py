"""Measures how well audio from a bucket is cached, against a real server and a real S3 service.

usage: storage.py SEGUE [TRACKS], with the path of the program; needs the PyPI packages moto[server] and boto3

Plays tracks (10,000 if not given) by Zipf's law, with room for a tenth of them in cache_dir, before and after a walk through
all of them, and compares the hit rate with that of an ideal LFU; then times to the first byte, the memory of 2,000 slow
clients, and the commands of another user while 64 connections load tracks that the storage gives slowly. The S3 service
runs in a process of its own, behind a relay that can be told to wait.
"""

import bisect
import itertools
import json
import os
import pathlib
import random
import re
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
import wave

SEGUE = sys.argv[1]
TRACKS = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
SECONDS = 2  # of each track, 8 kHz in 16 bits: 32 KB, a block of its own
PLAYS = 4 * TRACKS
SLOW_CLIENTS = 2_000
LONG_MB = 30
COMMANDS_EVERY_S = 0.1  # a device may send ten a second
KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}


class Relay:
    """Passes connections on to a port, each answer after `delay_s` seconds."""

    def __init__(self, port):
        self.port, self.delay_s = port, 0.0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.own = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(("127.0.0.1", self.port))
            threading.Thread(target=self.copy, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self.copy, args=(server, client, True), daemon=True).start()

    def copy(self, source, target, waits):
        try:
            while data := source.recv(1 << 18):
                if waits and self.delay_s:
                    time.sleep(self.delay_s)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class Client:
    """A connection that is kept open, as a player has it."""

    def __init__(self, base):
        self.base, self.socket = urllib.parse.urlsplit(base), None

    def get(self, path, fields=""):
        """Status, body, and seconds to the first byte of the answer's body."""
        if self.socket is None:
            self.socket = socket.create_connection((self.base.hostname, self.base.port))
        began = time.perf_counter()
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: segue\r\n{fields}\r\n".encode())
        data = b""
        while b"\r\n\r\n" not in data:
            got = self.socket.recv(1 << 16)
            assert got, "the server closed"
            data += got
        head, body = data.split(b"\r\n\r\n", 1)
        length = int(re.search(rb"(?i)content-length: (\d+)", head).group(1))
        parts = [body]
        while not parts[0] and length and len(parts) == 1:
            parts.append(self.socket.recv(1 << 16))
        first = time.perf_counter() - began
        count = sum(map(len, parts))
        while count < length:
            parts.append(self.socket.recv(1 << 18))
            assert parts[-1], "the answer broke off"
            count += len(parts[-1])
        return int(head.split()[1]), b"".join(parts), first


def call(base, path, token=None, body=None, method=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(base + path, data=data, method=method)
    request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request) as answer:
        text = answer.read()
    return json.loads(text) if text.startswith(b"{") else text.decode()


def write_song(path, number, seconds):
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8_000, 0, "NONE", ""))
        file.writeframes(random.Random(number).randbytes(seconds * 16_000))
    title = f"Song {number}".encode()
    title += b"\0" * (len(title) % 2)
    info = b"INFO" + b"INAM" + struct.pack("<I", len(title)) + title
    with path.open("r+b") as file:
        file.seek(0, 2)
        file.write(b"LIST" + struct.pack("<I", len(info)) + info)
        size = file.tell() - 8
        file.seek(4)
        file.write(struct.pack("<I", size))


def metrics(base, token):
    found = re.findall(r"^(segue_\w+(?:\{[^}]*\})?) (\S+)$", call(base, "/metrics", token), re.M)
    return {name: float(value) for name, value in found}


def rss_anon_kib(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+)", text).group(1))


def percentiles(times):
    times = sorted(times)
    return f"median {statistics.median(times) * 1e3:.2f} ms, p99 {times[int(len(times) * 0.99)] * 1e3:.2f} ms"


def wait_for(what, holds):
    for _ in range(6_000):
        if holds():
            return
        time.sleep(0.1)
    sys.exit(f"never happened: {what}")


folder = pathlib.Path(tempfile.mkdtemp(prefix="segue-bench-"))
environment = {**os.environ, **KEYS, "SEGUE_DATA_DIR": str(folder / "data"), "SEGUE_PASSWORD": "long enough"}
processes = []


def start(*arguments, **options):
    process = subprocess.Popen(arguments, env=environment, **options)
    processes.append(process)
    return process


def run(*arguments):
    subprocess.run([SEGUE, *arguments], env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def main():
    import boto3

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    python = sys.executable
    start(python, "-m", "moto.server", "-p", str(port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    relay = Relay(port)

    def is_there():
        with socket.socket() as tried:
            return tried.connect_ex(("127.0.0.1", port)) == 0

    wait_for("the S3 service listens", is_there)
    bucket = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", aws_access_key_id="key", aws_secret_access_key="secret")
    bucket.create_bucket(Bucket="music")
    storage = ["--s3-endpoint", f"http://127.0.0.1:{relay.own}", "--s3-region", "us-east-1"]
    for number in range(TRACKS):
        write_song(folder / "music" / f"{number // 20}" / f"{number}.wav", number, SECONDS)
    write_song(folder / "music" / "long" / "long.wav", TRACKS, LONG_MB * 1_000_000 // 16_000)
    began = time.perf_counter()
    run("import", str(folder / "music"), "--to=s3://music/lib", *storage)
    print(f"import: {TRACKS / (time.perf_counter() - began):.0f} objects a second", flush=True)
    began = time.perf_counter()
    run("scan", "s3://music/lib", *storage)
    print(f"scan: {TRACKS / (time.perf_counter() - began):.0f} objects a second", flush=True)
    run("user", "add", "ann", "--admin")
    cache_mb = TRACKS // 10 * 36_864 // 1_000_000
    server = start(
        SEGUE, "serve", "--listen=127.0.0.1:0", f"--cache-mb={cache_mb}", *storage, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )
    base = next(re.search(r"http://127\.0\.0\.1:\d+", line).group(0) for line in server.stdout if "http://127" in line)
    threading.Thread(target=server.stdout.read, daemon=True).start()
    login = {"username": "ann", "password": "long enough"}
    token = call(base, "/v1/auth/login", body=login)["token"]
    ids = []
    while len(ids) <= TRACKS:
        page = call(base, f"/v1/tracks?limit=50&offset={len(ids)}", token)
        ids += [(item["id"], item["duration_ms"]) for item in page["items"]]
        if not page["items"]:
            break
    long = max(ids, key=lambda item: item[1])[0]
    ids = [track for track, _ in ids if track != long]
    random.Random(1).shuffle(ids)
    links = {}

    def link(track):
        if track not in links:
            links[track] = call(base, f"/v1/tracks/{track}/media", token)["url"].removeprefix(base)
        return links[track]

    hits, misses = 'segue_block_lookups_total{outcome="hit"}', 'segue_block_lookups_total{outcome="miss"}'
    sums = [0.0, *itertools.accumulate(1 / rank for rank in range(1, len(ids) + 1))]
    client, drawn, times = Client(base), random.Random(2), {True: [], False: []}

    def play(track):
        status, body, first = client.get(link(track))
        assert status == 200, status
        return len(body), first

    def popular(count):
        before, served = metrics(base, token), 0
        for _ in range(count):
            rank = bisect.bisect_left(sums, drawn.random() * sums[-1])
            length, first = play(ids[max(rank, 1) - 1])
            served += length
        after = metrics(base, token)
        fetched = after["segue_storage_bytes_total"] - before["segue_storage_bytes_total"]
        found = after[hits] - before[hits]
        return found / (found + after[misses] - before[misses]), fetched / served

    ideal = sums[len(ids) // 10] / sums[-1]
    popular(PLAYS)
    for when in ["before", "after"]:
        rate, fetched = popular(PLAYS // 2)
        print(f"{when} a walk through all tracks: hit rate {rate:.3f}, {rate / ideal:.3f} of an ideal LFU's; "
              f"{fetched:.3f} bytes fetched for each one served", flush=True)
        for track in ids if when == "before" else []:
            play(track)

    for is_hot in [False, True]:
        for track in ids[-500:]:
            times[is_hot].append(play(track)[1])
    print(f"first byte, cold: {percentiles(times[False])}; hot: {percentiles(times[True])}", flush=True)

    for way, fields in [("bare", ""), ("HTTP", "TE: trailers\r\n")]:
        Client(base).get(link(long), fields)
        slow, memory = [], []
        for count in [SLOW_CLIENTS // 10, SLOW_CLIENTS]:
            while len(slow) < count:
                one = socket.socket()
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
                one.connect((client.base.hostname, client.base.port))
                one.sendall(f"GET {link(long)} HTTP/1.1\r\nHost: segue\r\n{fields}\r\n".encode())
                one.recv(1_000)
                slow.append(one)
            for one in slow:
                one.recv(48 * 1024)
            memory.append(rss_anon_kib(server.pid))
        each = (memory[1] - memory[0]) / (SLOW_CLIENTS * 9 / 10)
        print(f"{SLOW_CLIENTS} slow clients by {way}: {each:.1f} KiB each, {memory[1] / 1024:.0f} MiB in all", flush=True)
        for one in slow:
            one.close()

    def commands(count):
        found = []
        for number in range(count):
            began = time.perf_counter()
            call(base, f"/v1/me/player/shuffle?state={'true' if number % 2 else 'false'}", token, method="PUT")
            found.append(time.perf_counter() - began)
            time.sleep(COMMANDS_EVERY_S)
        return found

    alone = commands(150)
    relay.delay_s, is_over = 0.3, threading.Event()

    def load(number):
        own, at = Client(base), number
        while not is_over.is_set():
            own.get(link(ids[at % len(ids)]))
            at += 64

    loaders = [threading.Thread(target=load, args=(number,)) for number in range(64)]
    for loader in loaders:
        loader.start()
    time.sleep(2)
    loaded = commands(150)
    is_over.set()
    for loader in loaders:
        loader.join()
    print(f"commands of a user: alone {percentiles(alone)}; while 64 connections load from a storage that takes 0.3 s: "
          f"{percentiles(loaded)}", flush=True)


try:
    main()
finally:
    for process in processes:
        process.kill()
    subprocess.run(["rm", "-r", str(folder)], check=False)
