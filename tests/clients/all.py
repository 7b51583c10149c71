"""Runs clients of the Spotify Web API against the server: spotipy, the TypeScript SDK and rspotify. Compares what each
call does with the tables in src/http/SPOTIFY.md. `$SEGUE` is the server's program; the arguments are the commands of
the clients."""
import contextlib
import os
import re
import shlex
import subprocess
import sys
import tempfile

from serving import MOST_S, SEGUE, Api, last_lines, lines, served, started, until, wav

TABLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../src/http/SPOTIFY.md")


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
        log, url = served(stack, home, "--music", f"{home}/music")
        errors = stack.enter_context(open(log, "ab"))
        api = Api(url)
        api.login("anna")
        devices = []
        for name in ("Desk", "Attic"):
            device = [SEGUE, "device", "--server", url, "--user", "anna", "--password-file", f"{home}/password",
                      "--name", name, "--json", "--exit-with-stdin", "--state", f"{home}/{name}"]
            lines(started(stack, device, stdin=subprocess.PIPE, stderr=errors), lambda line: '"position"' in line)
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
            print(last_lines(log))
        return wrong


sys.exit(1 if main() else 0)
