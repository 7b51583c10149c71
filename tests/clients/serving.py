"""The server's program in a temporary folder, and its API, for the scripts here. `$SEGUE` is the program."""
import json
import os
import re
import ssl
import struct
import subprocess
import threading
import time
import urllib.request

SEGUE = os.environ["SEGUE"]
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
    """The API, as one person. `authority` is the file of the certificate to trust."""

    def __init__(self, url, authority=None):
        self.url, self.token = url, None
        self.trust = ssl.create_default_context(cafile=authority) if authority else None

    def ask(self, method, path, body=None):
        head = {"Content-Type": "application/json"} if body is not None else {}
        if self.token:
            head["Authorization"] = "Bearer " + self.token
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=head)
        with urllib.request.urlopen(request, timeout=60, context=self.trust) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def login(self, name):
        """Logs in, with the password of all users here."""
        self.token = self.ask("POST", "/v1/auth/login", {"username": name, "password": PASSWORD})["token"]


def served(stack, home, *words):
    """A server whose user anna is an administrator, with its folder in `home`: its log file and its URL."""
    secret, log = f"{home}/password", f"{home}/log"
    with open(secret, "w", encoding="utf-8") as file:
        file.write(PASSWORD)
    data = ["--data-dir", f"{home}/data"]
    os.mkdir(f"{home}/data", 0o700)
    add = [SEGUE, "user", "add", "anna", "--admin", "--password-file", secret, *data]
    subprocess.run(add, check=True, stdout=subprocess.DEVNULL)
    errors = stack.enter_context(open(log, "wb"))
    server = started(stack, [SEGUE, "serve", *data, "--listen", "127.0.0.1:0", *words], stderr=errors)
    return log, lines(server, lambda line: (re.search(r"listening (http\S+)", line) or [None, None])[1])


def until(what, found):
    """Asks until there is something."""
    end = time.monotonic() + MOST_S
    while time.monotonic() < end:
        got = found()
        if got:
            return got
        threading.Event().wait(0.05)
    raise SystemExit(f"{what} did not come within {MOST_S} s")


def last_lines(log):
    """The last lines of a log file."""
    with open(log, encoding="utf-8", errors="replace") as file:
        return "".join(file.readlines()[-20:])
