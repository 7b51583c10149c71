"""Listening devices for Locust (https://locust.io), written from `actors/PROTOCOL.md` alone.

    pip install locust==2.47.0 websocket-client==1.9.2
    locust -f locustfile.py --headless --users 50 --spawn-rate 10 --run-time 1m --host http://127.0.0.1:4747

`SEGUE_TOKENS` names the file that `segue user tokens` wrote; each simulated user takes the next token of it. A device
plays all tracks in a circle, by the clock, and now and then seeks, pauses or goes on. Locust counts the time from a
command to its `ack` and to the `playback` that shows it.
"""

import itertools
import json
import os
import random
import time

import gevent
import websocket
from locust import User, between, events, task

TOKENS = itertools.cycle([])


@events.init.add_listener
def read_tokens(environment, **_):
    """Reads the file of tokens once."""
    global TOKENS
    with open(os.environ["SEGUE_TOKENS"], encoding="utf-8") as lines:
        TOKENS = itertools.cycle([json.loads(line)["token"] for line in lines if line.strip()])


def now_us():
    """The device's own clock, which is steady."""
    return time.monotonic_ns() // 1000


def hex_id():
    return f"{random.getrandbits(64):016x}"


class Device:
    """One device that plays by the clock: G1 to G8 and G11 of the protocol."""

    def __init__(self, address, token, tell):
        self.tell, self.instance, self.attempt, self.id = tell, hex_id(), 0, None
        self.address, self.token = address, token
        self.pending, self.offset, self.trip, self.playback = {}, None, None, None
        self.carried, self.place = None, None

    def connect(self):
        """Opens the socket and says hello (G1)."""
        asked, self.attempt = time.perf_counter(), self.attempt + 1
        login = [f"Authorization: Bearer {self.token}"]
        self.socket = websocket.create_connection(
            self.address, subprotocols=["segue.sync.v1"], header=login, timeout=30
        )
        device = {"instance": self.instance, "name": "Locust", "kind": "other", "plays": True, "controls": True}
        if self.id:
            device["id"] = self.id
        self.send({"type": "hello", "device": device, "attempt": self.attempt})
        self.probe()
        while self.playback is None:
            self.receive()
        self.tell("hello → welcome", asked)

    def send(self, message):
        self.socket.send(json.dumps(message))

    def probe(self):
        self.send({"type": "time", "client_us": now_us()})

    def command(self, **fields):
        """Gives a command, and counts the time until it is answered and shown (G4)."""
        command_id = hex_id()
        self.pending[command_id] = (fields["op"], time.perf_counter())
        self.send({"type": "command", "id": command_id, **fields})

    def receive(self):
        """Takes one message."""
        message = json.loads(self.socket.recv())
        kind = message["type"]
        if kind == "welcome":
            self.id = message["device_id"]
            if self.offset is None:
                self.offset = message["now_us"] - now_us()
            self.shown(message["playback"])
        elif kind == "playback":
            self.shown(message)
        elif kind == "time":
            got, stay = now_us(), message["sent_us"] - message["received_us"]
            trip = got - message["client_us"] - stay
            if self.trip is None or trip <= self.trip:
                there, back = message["received_us"] - message["client_us"], message["sent_us"] - got
                self.trip, self.offset = trip, (there + back) // 2
        elif kind == "ping":
            self.send({"type": "pong"})
        elif kind in ("ack", "reject"):
            op, asked = self.pending.pop(message["id"], (None, None))
            # Another state than the one that was shown is no failure.
            bad = kind == "reject" and message["code"] not in ("stale", "conflict", "offline", "no_active_device")
            if op:
                self.tell(f"{op} → ack", asked, message["code"] if bad else None)

    def shown(self, playback):
        """Carries out what is shown (G3, G5, G7), and counts when a command of this device is shown."""
        before = self.playback
        if before and (before["epoch"], before["revision"]) > (playback["epoch"], playback["revision"]):
            raise AssertionError("a state is older than the one before")
        self.playback = playback
        op, asked = self.pending.get(playback.get("by", {}).get("command_id"), (None, None))
        if op:
            self.tell(f"{op} → playback", asked)
        active = playback.get("active") or {}
        for entry in playback["after"]:
            if (entry["device_id"], entry["instance"]) == (self.id, self.instance):
                seen = [playback["epoch"], playback["revision"]]
                self.send({"type": "yield", "lease": entry["lease"], "seen": seen})
        is_mine = (active.get("device_id"), active.get("instance")) == (self.id, self.instance)
        if not is_mine or playback["intent"] != "play" or playback["after"] or not playback.get("item"):
            self.place, self.carried = None, None
        elif self.carried != (active["lease"], playback["turn"]):
            moved = playback["status"] == "playing"
            at = now_us() + self.offset
            run_ms = max(0, at - playback["at_us"]) // 1000 if moved else 0
            self.place = (playback["position_ms"] + run_ms, at, playback["item"])
            self.carried = (active["lease"], playback["turn"])
            self.report()

    def position_ms(self, at):
        position_ms, since, item = self.place
        return min(position_ms + (at - since) // 1000, item["duration_ms"])

    def report(self):
        """Reports the place (G6), or that the item has ended (G8)."""
        if self.place is None:
            return
        at, item, (lease, turn) = now_us() + self.offset, self.place[2], self.carried
        common = {"lease": lease, "turn": turn, "item": item["id"], "at_us": at}
        following = self.playback.get("next")
        if self.position_ms(at) < item["duration_ms"]:
            self.send({"type": "report", "position_ms": self.position_ms(at), "status": "playing", **common})
        elif following:
            self.send({"type": "ended", "to_item": following["id"], "position_ms": 0, **common})
        else:
            self.send({"type": "ended", "position_ms": item["duration_ms"], **common})


class Listener(User):
    """Somebody who listens on one device, and acts now and then."""

    wait_time = between(2, 6)

    def tell(self, name, asked, problem=None):
        milliseconds = (time.perf_counter() - asked) * 1000
        exception = AssertionError(problem) if problem else None
        self.environment.events.request.fire(
            request_type="sync",
            name=name,
            response_time=milliseconds,
            response_length=0,
            exception=exception,
            context={},
        )

    def on_start(self):
        address = self.host.rstrip("/").replace("http", "ws", 1) + "/v1/sync"
        self.device = Device(address, next(TOKENS), self.tell)
        self.device.connect()
        self.greenlets = [gevent.spawn(self.forever, self.device.receive, 0), gevent.spawn(self.forever, self.keep, 5)]
        self.device.command(op="play.list", list={"of": "tracks", "sort": "name"}, on=self.device.id)
        self.device.command(op="repeat", mode="all")

    def forever(self, step, pause_s):
        """Repeats a step until the socket ends, which counts as a failure unless this user stops."""
        try:
            while True:
                step()
                gevent.sleep(pause_s)
        except (websocket.WebSocketException, OSError, AssertionError) as error:
            if not self.device_is_leaving:
                self.tell("socket", time.perf_counter(), repr(error))

    device_is_leaving = False

    def keep(self):
        self.device.probe()
        self.device.report()

    @task(3)
    def seek(self):
        item = self.device.playback.get("item")
        if item:
            self.device.command(op="seek", position_ms=random.randrange(max(1, item["duration_ms"] * 9 // 10)))

    @task(2)
    def next_track(self):
        item = self.device.playback.get("item")
        if item:
            self.device.command(op="next", if_item=item["id"])

    @task(1)
    def pause_or_go_on(self):
        self.device.command(op="pause" if self.device.playback["intent"] == "play" else "play")

    def on_stop(self):
        self.device_is_leaving = True
        self.device.send({"type": "bye", "reason": "close"})
        gevent.killall(self.greenlets)
        self.device.socket.close()
