"""What a device costs a server: memory while it is idle, CPU for a join and for a publish. Two programs are loaded in
turn, in short slices, each on core 0 of its own process, so that the ratio holds on a machine that is not quiet.

    python3 tests/bench/sockets.py OLD_PROGRAM NEW_PROGRAM [USERS] [ROUNDS]

Each user has three devices; a publish is a report of the playing one that moves the place, which the other two are
shown. Needs Linux, `taskset`, and programs that know `segue user tokens`. Nothing but Python's library is used.
"""

import asyncio
import json
import os
import random
import re
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request

DEVICES = 3
# Publishes of each user in a slice.
SLICE = 20


def cpu_s(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_bytes(pid):
    return int(re.search(r"RssAnon:\s+(\d+)", open(f"/proc/{pid}/status").read())[1]) * 1024


def now_us():
    return time.monotonic_ns() // 1000


def number():
    return "%016x" % random.getrandbits(64)


class Device:
    """A WebSocket (RFC 6455) with a masking key of zeros, which costs the client nothing."""

    async def open(self, port, token):
        self.input, self.output = await asyncio.open_connection("127.0.0.1", port, limit=1 << 17)
        self.output.write(
            b"GET /v1/sync HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            b"Sec-WebSocket-Protocol: segue.sync.v1\r\n\r\n"
        )
        head = await self.input.readuntil(b"\r\n\r\n")
        assert b" 101 " in head, head
        device = {"instance": number(), "name": "bench", "kind": "computer", "plays": True, "controls": True}
        self.send({"type": "hello", "token": token, "device": device})
        welcome = await self.next()
        while welcome["type"] != "welcome":
            welcome = await self.next()
        self.id, self.playback = welcome["device_id"], welcome["playback"]
        self.ahead_us = welcome["now_us"] - now_us()
        self.shown = 0
        return self

    def send(self, message):
        text = json.dumps(message, separators=(",", ":")).encode()
        length = bytes([0x80 | len(text)]) if len(text) < 126 else b"\xfe" + struct.pack(">H", len(text))
        self.output.write(b"\x81" + length + b"\0\0\0\0" + text)

    async def next(self):
        while True:
            first, length = await self.input.readexactly(2)
            if length == 126:
                (length,) = struct.unpack(">H", await self.input.readexactly(2))
            elif length == 127:
                (length,) = struct.unpack(">Q", await self.input.readexactly(8))
            payload = await self.input.readexactly(length)
            if first & 15 == 1:
                return json.loads(payload)
            if first & 15 == 9:
                self.output.write(b"\x8a\x80\0\0\0\0")
            if first & 15 == 8:
                sys.exit(f"the server closed a socket: {payload}")

    async def read(self):
        while True:
            message = await self.next()
            if message["type"] == "playback":
                self.shown += 1
                self.playback = message
            elif message["type"] == "ping":
                self.send({"type": "pong"})

    def report(self):
        shown = self.playback
        self.send(
            {
                "type": "report",
                "lease": shown["active"]["lease"],
                "turn": shown["turn"],
                "item": shown["item"]["id"],
                "position_ms": random.randrange(1_000, 20_000),
                "at_us": now_us() + self.ahead_us,
                "status": "playing",
            }
        )


class Loaded:
    """A server with its devices."""

    def __init__(self, program, folder, users):
        serve = [program, "demo", "--short", "--listen", "127.0.0.1:0", "--data-dir", folder]
        for command in (serve, ["taskset", "-c", "0", *serve]):
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            for line in self.process.stdout:
                if found := re.match(r"open this in your browser to listen: http://[^:]+:(\d+)/", line):
                    self.port = int(found[1])
                if line.startswith("Ctrl-C"):
                    break
            if command is serve:
                self.process.terminate()
                self.process.wait()
                tokens = os.path.join(folder, "tokens")
                make = [program, "user", "tokens", "--count", str(users), "--prefix", "bench", "--out", tokens]
                make += ["--data-dir", folder]
                subprocess.run(make, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.tokens = [json.loads(line)["token"] for line in open(tokens)]
        ask = urllib.request.Request(f"http://127.0.0.1:{self.port}/v1/tracks?limit=3")
        ask.add_header("authorization", f"Bearer {self.tokens[0]}")
        self.tracks = [track["id"] for track in json.load(urllib.request.urlopen(ask))["items"]]

    async def connect(self):
        memory, cpu = memory_bytes(self.process.pid), cpu_s(self.process.pid)
        self.users = [
            await asyncio.gather(*[Device().open(self.port, token) for _ in range(DEVICES)]) for token in self.tokens
        ]
        self.devices = [device for user in self.users for device in user]
        self.join_us = (cpu_s(self.process.pid) - cpu) * 1e6 / len(self.devices)
        await asyncio.sleep(2)
        self.idle_bytes = (memory_bytes(self.process.pid) - memory) / len(self.devices)
        self.readers = [asyncio.create_task(device.read()) for device in self.devices]
        for first, *_ in self.users:
            first.send({"type": "command", "id": number(), "op": "play", "tracks": self.tracks, "on": first.id})
        await asyncio.sleep(3)

    async def slice(self):
        """CPU for each publish in microseconds, and the frames that show it."""
        cpu, shown, sent = cpu_s(self.process.pid), sum(device.shown for device in self.devices), 0
        for _ in range(SLICE):
            for first, *_ in self.users:
                first.report()
                sent += 1
                if sent % 10 == 0:
                    await asyncio.sleep(0.002)
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        shown = sum(device.shown for device in self.devices) - shown
        return (cpu_s(self.process.pid) - cpu) * 1e6 / sent, shown / sent


async def main(programs, users, rounds):
    with tempfile.TemporaryDirectory() as folder:
        loaded = [Loaded(program, f"{folder}/{index}", users) for index, program in enumerate(programs)]
        try:
            for each in loaded:
                await each.connect()
            slices = [[await each.slice() for each in loaded] for _ in range(rounds)]
        finally:
            for each in loaded:
                each.process.kill()
    for index, (program, each) in enumerate(zip(programs, loaded)):
        cost, frames = (statistics.median(row[index][which] for row in slices) for which in (0, 1))
        print(
            f"{program}: {each.idle_bytes:.0f} bytes per idle device, {each.join_us:.0f} us of CPU per join, "
            f"{cost:.1f} us per publish, {frames:.2f} frames shown"
        )
    ratio = statistics.median(new[0] / old[0] for old, new in slices if old[0])
    print(f"CPU per publish, second program / first: {ratio:.2f}")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    asyncio.run(main(sys.argv[1:3], *map(int, sys.argv[3:5] + ["100", "15"][len(sys.argv) - 3 :])))
