"""A device in another language, written from actors/PROTOCOL.md alone. Its audio is a clock that runs while it sounds.

usage: client.py SERVER USER NAME STATE_FILE, with the password in SEGUE_PASSWORD. It reads a JSON object a line, a
command of the protocol or what is done on the device itself ({"do": …}), and prints one for each thing that happens.
"""

import asyncio
import json
import os
import pathlib
import secrets
import sys
import time
import urllib.request

import websockets

LOADING_US, TRUSTED_US, AGREES_MS, ENDLESS = 30_000, 20_000, 40, 2**53
FIRST_LIMITS = {"heartbeat_ms": 2000, "idle_ms": 20000, "lease_ms": 5000, "audio_ms": 600000}
EXPIRES_US, ATTEMPT_US, LONGEST_RETRY_MS, LONGEST_WAIT_MS = 300_000_000, 10_000_000, 10_000, 30_000


def now_us():
    return time.monotonic_ns() // 1000


def say(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


class Clock:
    """The server's time (G2)."""
    id, kept, learnt_us, first_us = None, [], 0, 0

    def begin(self, clock_id, server_us):
        self.kept = self.kept if clock_id == self.id else []
        self.id, self.first_us = clock_id, server_us - now_us()

    def learn(self, message, got):
        sent, received, answered = message["client_us"], message["received_us"], message["sent_us"]
        trip = got - sent - (answered - received)
        if trip >= 0:
            aged = (got - self.learnt_us) * 800 // 1_000_000
            self.kept = [(kept + aged, offset) for kept, offset in self.kept][-7:]
            self.kept.append((trip, ((received - sent) + (answered - got)) // 2))
            self.learnt_us = got

    def now(self):
        return now_us() + (min(self.kept)[1] if self.kept else self.first_us)

    def caution_us(self):
        return max(0, min(self.kept)[0] // 2 - TRUSTED_US) if self.kept else 0


class Audio:
    """What sounds: nothing, or an item that was at a place at an instant."""
    item, place_ms, since_us, rate = None, 0, 0, 1

    def play(self, item, place_ms, rate):
        self.item, self.place_ms, self.rate, self.since_us = item, place_ms, rate, now_us() + LOADING_US
        say("sounds", media_id=item["media_id"], position_ms=place_ms)

    def silence(self):
        if self.item:
            say("silent", position_ms=self.place())
        self.item = None

    def place(self):
        run_ms = max(0, now_us() - self.since_us) * self.rate / 1000
        return min(int(self.place_ms + run_ms), self.item.get("duration_ms", ENDLESS))


class Device:
    def __init__(self, server, user, name, state_file):
        self.server, self.user, self.name, self.file = server, user, name, pathlib.Path(state_file)
        self.state = {"id": secrets.token_hex(8), "volume": {"level": 50, "muted": False, "version": 0}}
        self.state = json.loads(self.file.read_text()) if self.file.exists() else self.state
        self.instance, self.clock, self.audio, self.waiting = secrets.token_hex(8), Clock(), Audio(), {}
        self.limits, self.socket, self.outgoing, self.welcomed, self.leaving = FIRST_LIMITS, None, [], False, False
        self.playback = self.devices = self.carried = self.promise = self.loaded = self.ended = self.retrying = None
        self.heard_us, self.probed_us, self.reported_us, self.attempts, self.hellos = now_us(), 0, 0, 0, 0

    def keep(self, **state):
        self.state.update(state)
        self.file.write_text(json.dumps(self.state))

    def send(self, kind, **fields):
        if self.welcomed or kind in ("hello", "time"):
            self.outgoing.append(json.dumps({"type": kind, **fields}))

    # What is shown (G3)
    @staticmethod
    def stamp(shown, revision="revision"):
        return [shown["epoch"], shown[revision]] if shown else [0, 0]

    def is_me(self, named, key="device_id"):
        return (named[key], named["instance"]) == (self.state["id"], self.instance)

    def lease(self):
        active = self.playback and self.playback.get("active")
        return active["lease"] if active and self.is_me(active) else None

    def is_to_sound(self):
        return self.lease() and self.playback["intent"] == "play"

    def shown_place(self):
        shown = self.playback
        run_us = max(0, self.clock.now() - shown["at_us"]) if shown["status"] == "playing" else 0
        place_ms = int(shown["position_ms"] + run_us * shown["rate"] / 1000)
        return min(place_ms, shown.get("item", {}).get("duration_ms", ENDLESS))

    def show(self, playback):
        before, stamp, item = self.stamp(self.playback), self.stamp(playback), playback.get("item", {})
        if stamp < before:
            return
        self.playback, active = playback, playback.get("active", {}).get("device_id")
        say("playback", stamp=stamp, intent=playback["intent"], status=playback["status"], active=active,
            position_ms=self.shown_place(), media_id=item.get("media_id"), queue_length=playback["queue_length"])
        if self.ended and (self.lease(), playback["turn"]) != self.ended["carried"]:
            self.ended = None
        if playback["epoch"] > before[0]:
            self.send_all_again()
        self.obey()

    def list(self, devices):
        if self.stamp(devices, "devices_revision") < self.stamp(self.devices, "devices_revision"):
            return
        self.devices = devices
        say("devices", devices=devices["devices"])
        volume = {each["id"]: each.get("volume") for each in devices["devices"]}.get(self.state["id"])
        if self.welcomed and volume and volume["version"] > self.state["volume"]["version"]:
            self.keep(volume=volume)
            say("volume", **volume)

    # Sound (G5 to G10)
    def obey(self):
        shown, lease, seen = self.playback, self.lease(), self.stamp(self.playback)
        transfer = shown.get("transfer", {})
        if lease:
            self.promise = None
            if "lease" in transfer:
                self.promise = (transfer["lease"], transfer["switch_at_us"])
                self.send("yield", lease=lease, seen=seen, to=transfer["lease"])
        elif not self.promise or self.promise[0] != shown.get("active", {}).get("lease"):
            self.promise = self.ended = None
            self.audio.silence()
        for entry in filter(self.is_me, shown["after"]):
            self.send("yield", lease=entry["lease"], seen=seen)
        if transfer and self.is_me(transfer, "to"):
            wanted = {"lease": shown["active"]["lease"], "turn": shown["turn"], "item": shown["item"]["id"]}
            if not self.loaded or self.loaded["ready"] != wanted:
                self.loaded = {"ready": wanted, "at_us": now_us() + LOADING_US}
        elif not lease:
            self.loaded = None
        self.sound()

    def sound(self):
        """Takes the audio to where it has to be; called often, because instants come by themselves."""
        shown, lease, item, clock = self.playback, self.lease(), self.audio.item, self.clock
        if self.promise:
            if item and clock.now() >= self.promise[1] - clock.caution_us():
                self.report("buffering")
                self.audio.silence()
        elif lease and not self.ended:
            from_us, current = shown["active"].get("from_us", 0), shown.get("item")
            if shown["intent"] != "play" or not current:
                self.carried = (lease, shown["turn"])
                self.report("paused")
                self.audio.silence()
            elif shown["after"] or (from_us and clock.now() < from_us + clock.caution_us()):
                self.audio.silence()
            elif self.carried != (lease, shown["turn"]) or not item:
                self.carried = (lease, shown["turn"])
                fits = item and item["id"] == current["id"] and self.audio.rate == shown["rate"]
                if not fits or abs(self.audio.place() - self.shown_place()) > AGREES_MS:
                    self.audio.play(current, self.shown_place(), shown["rate"])

    def report(self, status):
        item, current = self.audio.item, self.carried == (self.lease(), self.playback["turn"])
        if self.clock.kept and current and item and item["id"] == self.playback.get("item", {}).get("id"):
            self.reported_us = now_us()
            self.send("report", lease=self.carried[0], turn=self.carried[1], item=item["id"], status=status,
                      position_ms=self.audio.place(), at_us=self.clock.now())

    def report_if_shown_wrong(self):
        shown, audio, age_us = self.playback, self.audio, now_us() - self.reported_us
        if audio.item and not self.promise and not self.ended and now_us() >= audio.since_us:
            is_wrong = shown["status"] != "playing" or abs(audio.place() - self.shown_place()) > AGREES_MS
            if is_wrong and age_us > 200_000:
                self.report("playing")

    def end(self):
        audio, following = self.audio, self.playback.get("next")
        is_over = audio.item and audio.place() >= audio.item.get("duration_ms", ENDLESS)
        if is_over and self.lease() and not self.ended:
            self.ended = {"carried": self.carried, "item": audio.item, "to": following, "said_us": 0}
            audio.play(following, 0, audio.rate) if following else audio.silence()
        if self.ended and self.welcomed and now_us() - self.ended["said_us"] > 1_000_000:
            self.ended["said_us"] = now_us()
            (lease, turn), item, to = self.ended["carried"], self.ended["item"], self.ended["to"]
            place_ms = audio.place() if to else item.get("duration_ms", 0)
            self.send("ended", lease=lease, turn=turn, item=item["id"], **({"to_item": to["id"]} if to else {}),
                      position_ms=place_ms, at_us=self.clock.now())

    # Commands (G4)
    def command(self, fields):
        fields = {**fields, "id": secrets.token_hex(8)}
        if fields["op"] in ("next", "previous"):
            fields["if_item"] = self.playback["item"]["id"]
        if len(self.waiting) < 16:
            self.waiting[fields["id"]] = {"fields": fields, "since_us": now_us(), "copies": 0}
            self.send_again(self.waiting[fields["id"]])

    def send_again(self, command):
        command.update(due_us=None, copies=command["copies"] + self.welcomed)
        self.send("command", **command["fields"])

    def send_all_again(self):
        self.retrying = None
        self.waiting = {id: each for id, each in self.waiting.items() if now_us() - each["since_us"] < EXPIRES_US}
        for command in self.waiting.values():
            self.send_again(command)

    def answered(self, message):
        command, retry_ms = self.waiting.get(message["id"]), message.get("retry_ms", 0)
        if command:
            command["copies"] -= 1
            self.retrying = None if self.retrying == message["id"] else self.retrying
            if message["type"] == "reject" and (command["copies"] > 0 or 0 < retry_ms <= LONGEST_RETRY_MS):
                command["due_us"] = now_us() + retry_ms * 1000 if command["copies"] <= 0 else None
                return
            del self.waiting[message["id"]]
            say("answered", **command["fields"], revision=message.get("revision"), code=message.get("code"))

    # The connection (G1, G2, G11, G12)
    def hear(self, message):
        known = {"welcome": self.welcome, "playback": self.show, "devices": self.list, "ack": self.answered,
                 "reject": self.answered, "time": self.learn, "goaway": self.sent_away,
                 "ping": lambda _: self.send("pong")}
        known.get(message["type"], lambda _: None)(message)

    def welcome(self, message):
        self.welcomed, self.attempts, self.limits, self.jitter_ms = True, 0, message["limits"], message["jitter_ms"]
        self.keep(id=message["device_id"])
        self.clock.begin(message["clock_id"], message["now_us"])
        say("welcome", device_id=message["device_id"], limits=self.limits)
        self.probe(8)
        self.list(message["devices"])
        self.playback = None  # A welcome is complete; what is shown anew has commands sent again.
        self.show(message["playback"])
        self.send("volume", **self.state["volume"])

    def sent_away(self, message):
        self.code, self.jitter_ms = message["code"], message["jitter_ms"]
        self.retry_ms = min(message.get("retry_ms", 0), LONGEST_WAIT_MS)

    def learn(self, message):
        self.clock.learn(message, now_us())
        return self.probe(self.probes_left) if self.probes_left else None

    def probe(self, count=1):
        self.probes_left, self.probed_us = count - 1, now_us()
        self.send("time", client_us=now_us())

    def tick(self):
        if not self.playback:
            return
        self.end()
        may_sound = self.welcomed or now_us() - self.heard_us < self.limits["audio_ms"] * 1000
        self.sound() if may_sound else self.audio.silence()
        if not self.welcomed:
            return
        self.report_if_shown_wrong()
        awaited = "lease" not in self.playback.get("transfer", {"lease": None})
        if self.loaded and awaited and now_us() >= self.loaded["at_us"]:
            self.loaded["at_us"] = now_us() + 1_000_000
            self.send("ready", **self.loaded["ready"], earliest_us=self.clock.now())
        due = [each for each in self.waiting.values() if each["due_us"] and each["due_us"] <= now_us()]
        if due and not self.retrying:
            self.retrying = due[0]["fields"]["id"]
            self.send_again(due[0])
        apart_ms = self.limits["heartbeat_ms"] * 1.25 if self.is_to_sound() else self.limits["idle_ms"] * 1.5
        if now_us() - self.probed_us > apart_ms * 1000:
            self.probe()

    async def one_socket(self):
        self.socket = await websockets.connect(
            f"{self.server.replace('http', 'ws', 1)}/v1/sync", subprotocols=["segue.sync.v1"], ping_interval=None,
            additional_headers={"Authorization": f"Bearer {self.token}"}, open_timeout=ATTEMPT_US // 1_000_000)
        opened_us = self.heard_us = now_us()
        self.outgoing, self.hellos = [], self.hellos + 1
        for command in self.waiting.values():
            command["copies"] = 0
        device = {**self.state, "instance": self.instance, "name": self.name, "plays": True, "controls": True}
        seen = max(self.stamp(self.playback), self.stamp(self.devices, "devices_revision"))
        self.send("hello", device=device, attempt=self.hellos, **({"seen": seen} if self.playback else {}))
        while not self.leaving or self.outgoing:
            while self.outgoing:
                await self.socket.send(self.outgoing.pop(0))
            try:
                message = await asyncio.wait_for(self.socket.recv(), 0.02)
                self.heard_us = now_us()
                self.hear(json.loads(message))
            except TimeoutError:
                pass
            self.tick()
            quiet_us = 1000 * (self.limits["lease_ms"] * 1.1 if self.is_to_sound() else self.limits["idle_ms"] * 1.75)
            if now_us() - (self.heard_us if self.welcomed else opened_us) > (quiet_us if self.welcomed else ATTEMPT_US):
                self.socket.transport.abort()

    def log_in(self):
        body = json.dumps({"username": self.user, "password": os.environ["SEGUE_PASSWORD"]}).encode()
        request = urllib.request.Request(f"{self.server}/v1/auth/login", body, {"Content-Type": "application/json"})
        return json.load(urllib.request.urlopen(request))["token"]

    async def run(self):
        self.token, reading = self.log_in(), asyncio.create_task(self.read_input())
        while not self.leaving:
            self.code, self.retry_ms, self.jitter_ms = None, 0, 0
            try:
                await self.one_socket()
            except websockets.InvalidStatus as refused:
                self.code = refused.response.status_code
            except websockets.ConnectionClosed as closed:
                self.code = closed.rcvd.code if closed.rcvd else self.code
            except (OSError, websockets.InvalidHandshake):
                pass
            longest_ms = min(self.jitter_ms, 1000) if self.welcomed else min(250 * 2**self.attempts, LONGEST_WAIT_MS)
            self.welcomed, self.attempts = False, min(self.attempts + 1, 7)
            say("closed", code=self.code)
            if self.code == 401 or 4500 <= (self.code or 0) <= 4999:
                return
            until_us = now_us() + (self.retry_ms + secrets.randbelow(1000) / 1000 * longest_ms) * 1000
            while now_us() < until_us and not self.leaving:
                self.tick()
                await asyncio.sleep(0.02)

    async def read_input(self):
        while line := await asyncio.to_thread(sys.stdin.readline):
            asked = json.loads(line)
            if "op" in asked:
                self.command(asked)
            elif asked["do"] == "volume":
                self.keep(volume={**self.state["volume"], "level": asked["level"]})
                self.send("volume", **self.state["volume"])
            elif asked["do"] == "cut":
                self.socket.transport.abort()
        self.send("bye", reason="close")
        self.leaving = True


asyncio.run(Device(*sys.argv[1:]).run())
