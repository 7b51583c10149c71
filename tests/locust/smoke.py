"""A short run of loadtest/examples/locustfile.py against the server: nothing fails, and what a device does at its start
is acknowledged. `$SEGUE` is the server's program."""
import contextlib
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
import wave

SEGUE = os.environ["SEGUE"]
LOCUSTFILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../loadtest/examples/locustfile.py")
USERS = 8
# The most seconds of one wait.
MOST_S = 120


def write_track(path, seconds, rate=8000):
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(rate)
        file.writeframes(bytes(128 + frame % 8 for frame in range(seconds * rate)))


def ask(url, token=None, body=None):
    head = {"Content-Type": "application/json"}
    if token:
        head["Authorization"] = "Bearer " + token
    request = urllib.request.Request(url, data=body and json.dumps(body).encode(), headers=head)
    with urllib.request.urlopen(request, timeout=MOST_S) as answer:
        return json.load(answer)


def serve(stack, folder):
    """Starts a server with music and accounts; returns its address and the file of tokens."""
    music, tokens = os.path.join(folder, "music"), os.path.join(folder, "tokens.jsonl")
    os.mkdir(music)
    for seconds in (4, 30, 60):
        write_track(os.path.join(music, f"{seconds}.wav"), seconds)
    settings = {name: value for name, value in os.environ.items() if not name.startswith("SEGUE")}
    settings.update(SEGUE_DATA_DIR=os.path.join(folder, "data"))
    settings.update(SEGUE_LOGIN_TRIES_PER_ADDRESS="100000", SEGUE_LOGIN_TRIES_PER_USER="100000")
    for user in range(USERS):
        password = {"SEGUE_PASSWORD": f"load-{user}-password"}
        subprocess.run([SEGUE, "user", "add", f"load-{user}"], env=settings | password, check=True)
    server = stack.enter_context(subprocess.Popen(
        [SEGUE, "serve", "--listen", "127.0.0.1:0", "--music", music], env=settings, stdout=subprocess.PIPE, text=True))
    stack.callback(server.terminate)
    url = next(line.split()[1] for line in server.stdout if line.startswith("listening "))
    with open(tokens, "w", encoding="utf-8") as file:
        for user in range(USERS):
            login = {"username": f"load-{user}", "password": f"load-{user}-password"}
            token = ask(url + "/v1/auth/login", body=login)["token"]
            file.write(json.dumps({"username": login["username"], "token": token}) + "\n")
    end = time.monotonic() + MOST_S
    while len(ask(url + "/v1/tracks", token)["items"]) < 3:
        if time.monotonic() > end:
            sys.exit("the music is not in the catalogue")
        time.sleep(0.1)
    return url, tokens


def main():
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        url, tokens = serve(stack, folder)
        locust = [sys.executable, "-m", "locust", "-f", LOCUSTFILE, "--headless", "--only-summary", "--host", url]
        locust += ["--users", str(USERS), "--spawn-rate", "4", "--run-time", "12s", "--csv", folder + "/run"]
        # Locust ends with 1 if anything failed.
        subprocess.run(locust, env=os.environ | {"SEGUE_TOKENS": tokens}, check=True, timeout=MOST_S * 3)
        with open(folder + "/run_stats.csv", encoding="utf-8", newline="") as file:
            requests = {row["Name"]: int(row["Request Count"]) for row in csv.DictReader(file)}
    for name in ("hello → welcome", "play.list → ack", "repeat → ack"):
        if not requests.get(name):
            sys.exit(f"no {name}: {requests}")


main()
