"""Runs clients of the Spotify Web API against the server: spotipy, the TypeScript SDK and rspotify. Compares what each
call does with the tables in src/http/SPOTIFY.md. `$SEGUE` is the server's program; the arguments are the commands of
the clients."""
import contextlib
import json
import os
import re
import shlex
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

SEGUE = os.environ["SEGUE"]
TABLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../src/http/SPOTIFY.md")
PASSWORD = "correct horse battery"
# The most seconds of one wait, and of one client.
MOST_S = 120


def wav(path, seconds, title, artist, album, number, rate=1000):
    """A silent WAV file with RIFF INFO tags."""
    def chunk(name, data):
        return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
    tags = ((b"INAM", title), (b"IART", artist), (b"IPRD", album), (b"IPRT", str(number)))
    info = b"INFO" + b"".join(chunk(name, value.encode() + b"\0") for name, value in tags)
    body = b"WAVE" + chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, rate, rate, 1, 8))
    body += chunk(b"LIST", info) + chunk(b"data", b"\x80" * int(seconds * rate))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(b"RIFF" + struct.pack("<I", len(body)) + body)


def started(stack, words, **more):
    """A program that ends with the stack."""
    child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, **more)

    def end():
        if child.stdin:
            child.stdin.close()
        else:
            child.terminate()
        child.wait(60)
    stack.callback(end)
    return child


def lines(child, awaited):
    """The first line for which `awaited` gives something; the other lines are read and dropped."""
    for line in child.stdout:
        found = awaited(line)
        if found:
            threading.Thread(target=lambda: [None for _ in child.stdout], daemon=True).start()
            return found
    raise SystemExit(f"{child.args[:2]} ended")


class Api:
    def __init__(self, url):
        self.url, self.token = url, None

    def ask(self, method, path, body=None):
        head = {"Content-Type": "application/json"} if body is not None else {}
        if self.token:
            head["Authorization"] = "Bearer " + self.token
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=head)
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else None


def until(what, found):
    """Asks until there is something."""
    end = time.monotonic() + MOST_S
    while time.monotonic() < end:
        got = found()
        if got:
            return got
        threading.Event().wait(0.05)
    raise SystemExit(f"{what} did not come within {MOST_S} s")


def listed(api, name):
    """The id of the device of this name."""
    devices = api.ask("GET", "/v1/me/player/devices")["devices"]
    return next((device["id"] for device in devices if device["name"] == name), None)


def described():
    """The tables: for each client the calls with what they do."""
    with open(TABLES, encoding="utf-8") as file:
        text = file.read()
    clients = [{}, {}, {}]
    for row in re.findall(r"^\| (.*) \|$", text, re.M):
        what, *cells = (cell.strip() for cell in row.split("|"))
        if len(cells) != 3 or cells[0] == "spotipy" or set(what) == {"-"}:
            continue
        outcome = "without " + what.removeprefix("no ") if what.startswith("no ") else "works"
        for client, cell in zip(clients, cells):
            client.update(dict.fromkeys(re.findall(r"`([^`]+)`", cell), outcome))
    return clients


def main():
    with contextlib.ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="segue-clients."))
        for album in range(3):
            for track in range(1, 4):
                name = f"{home}/music/{album}/{track}.wav"
                wav(name, 60, f"Piece {album}-{track}", f"Artist {album}", f"Album {album}", track)
        wav(f"{home}/music/short.wav", 2, "Short", "Briefly", "Short", 1)
        secret = f"{home}/password"
        with open(secret, "w", encoding="utf-8") as file:
            file.write(PASSWORD)
        data = ["--data-dir", f"{home}/data"]
        os.mkdir(f"{home}/data", 0o700)
        subprocess.run([SEGUE, "user", "add", "anna", "--admin", "--password-file", secret, *data], check=True,
                       stdout=subprocess.DEVNULL)
        words = [SEGUE, "serve", *data, "--listen", "127.0.0.1:0", "--music", f"{home}/music"]
        log = stack.enter_context(open(f"{home}/log", "wb"))
        server = started(stack, words, stderr=log)
        url = lines(server, lambda line: (re.search(r"listening (http\S+)", line) or [None, None])[1])
        api = Api(url)
        api.token = api.ask("POST", "/v1/auth/login", {"username": "anna", "password": PASSWORD})["token"]
        devices = []
        for name in ("Desk", "Attic"):
            device = [SEGUE, "device", "--server", url, "--user", "anna", "--password-file", secret, "--name", name,
                      "--json", "--exit-with-stdin", "--state", f"{home}/{name}"]
            lines(started(stack, device, stdin=subprocess.PIPE, stderr=log), lambda line: '"position"' in line)
            devices.append(until(name, lambda name=name: listed(api, name)))
        until("the scan", lambda: api.ask("GET", "/v1/library/scan")["complete"])
        until("search", lambda: api.ask("GET", "/v1/search?q=Piece")["tracks"]["total"] == 9)
        track = api.ask("GET", "/v1/search?q=Short&type=track")["tracks"]["items"][0]
        # Half of a track must be heard to be a play.
        api.ask("PUT", f"/v1/me/player/play?device_id={devices[0]}", {"uris": [track["uri"]]})
        until("the play", lambda: api.ask("GET", "/v1/me/player/recently-played")["items"])
        surroundings = {**os.environ, "URL": url, "TOKEN": api.token, "DESK": devices[0], "ATTIC": devices[1]}
        wrong = 0
        for words, wanted in zip(sys.argv[1:], described(), strict=True):
            ran = subprocess.run(shlex.split(words), env=surroundings, stdout=subprocess.PIPE, text=True, check=False,
                                 timeout=MOST_S)
            found = dict(line.split(" ", 1) for line in ran.stdout.splitlines())
            print(f"{words}: {len(found)} calls, {sum(outcome == 'works' for outcome in found.values())} work")
            differing = {name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name)}
            for name in sorted(differing) if ran.returncode == 0 else []:
                print(f"{name}: {found.get(name)}; in SPOTIFY.md: {wanted.get(name)}")
            wrong += ran.returncode != 0 or bool(differing)
        if wrong:
            with open(f"{home}/log", encoding="utf-8", errors="replace") as file:
                print("".join(file.readlines()[-20:]))
        return wrong


sys.exit(1 if main() else 0)
