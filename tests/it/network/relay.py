"""A bad network between two TUN devices: delays, loses or blocks packets.

usage: relay.py SEED NEAR FAR

It makes both devices, prints "ready", and forwards packets until its standard input ends. An input line changes the network:
    path TO_FAR_MS TO_NEAR_MS JITTER_MS LOSS_PERCENT
    cut
    mend
Packets of one direction keep their order; jitter is uniform. The same seed loses the same packets.
"""

import collections
import fcntl
import os
import random
import select
import struct
import sys
import time

# <linux/if_tun.h>
TUNSETIFF = 0x400454CA
IFF_TUN = 0x0001
IFF_NO_PI = 0x1000
PACKET_BYTES = 65535
# The capacity of each direction's queue in packets; packets that do not fit are lost.
WAITING = 2000


def tun(name):
    """Opens a TUN device; it lives as long as this process, wherever it is moved."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return device


class Way:
    """From one device to the other."""

    def __init__(self, source, target):
        self.source, self.target = source, target
        self.delay_ms = 0
        self.packets = collections.deque()

    def read(self, now, jitter_ms, is_lost):
        try:
            packet = os.read(self.source, PACKET_BYTES)
        except OSError:
            return  # The device is not up.
        if is_lost or len(self.packets) >= WAITING:
            return
        due = now + (self.delay_ms + random.uniform(0, jitter_ms)) / 1000
        if self.packets:
            due = max(due, self.packets[-1][0])
        self.packets.append((due, packet))

    def write(self, now):
        while self.packets and self.packets[0][0] <= now:
            try:
                os.write(self.target, self.packets.popleft()[1])
            except OSError:
                pass  # The device is not up: the packet is lost.


def main():
    _, seed, near, far = sys.argv
    random.seed(int(seed))
    near, far = tun(near), tun(far)
    to_far, to_near = Way(near, far), Way(far, near)
    jitter_ms, loss, is_cut = 0.0, 0.0, False
    print("ready", flush=True)
    while True:
        due = [way.packets[0][0] for way in (to_far, to_near) if way.packets]
        wait = max(0.0, min(due) - time.monotonic()) if due else None
        readable, _, _ = select.select([near, far, sys.stdin], [], [], wait)
        now = time.monotonic()
        for way in (to_far, to_near):
            if way.source in readable:
                way.read(now, jitter_ms, is_cut or random.random() < loss)
            way.write(now)
        if sys.stdin in readable:
            words = sys.stdin.readline().split()
            if not words:
                return
            if words[0] == "path":
                to_far.delay_ms, to_near.delay_ms, jitter_ms, loss = map(float, words[1:])
                loss /= 100
            else:
                is_cut = words[0] == "cut"
                to_far.packets.clear()
                to_near.packets.clear()
            print("done", flush=True)


main()
