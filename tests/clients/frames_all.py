"""Sends the frames of frames.json to the server, plain and by TLS, by two clients. The arguments are their commands.
`$SEGUE` is the server's program."""
import asyncio
import contextlib
import json
import os
import shlex
import subprocess
import sys
import tempfile
import threading

from websockets.asyncio.client import connect

from serving import Api, last_lines, served

# The most seconds of one client.
MOST_S = 900


def certificate(home):
    """Makes a certificate of `localhost` that is its own authority: its file, and that of its key."""
    cert, key = f"{home}/cert.pem", f"{home}/key.pem"
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    words += ["-days", "2", "-keyout", key, "-out", cert, "-subj", "/CN=localhost"]
    words += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run(words, check=True, stderr=subprocess.DEVNULL)
    return cert, key


async def join(api):
    """Connects a device and returns its socket after the `welcome`."""
    trust = api.trust if api.url.startswith("https") else None
    socket = await connect(api.url.replace("http", "ws", 1) + "/v1/sync", max_queue=None, ssl=trust)
    device = {"instance": "00000000000000a1", "name": "Attic", "plays": False, "controls": True}
    await socket.send(json.dumps({"type": "hello", "token": api.token, "device": device}))
    while json.loads(await socket.recv())["type"] != "welcome":
        pass
    return socket


def stay(stack, api):
    """Connects a device that stays: the session of a person ends with the last device, and one that comes just then is
    closed with `restart`. It has one thread: the library's client for threads reads and writes one TLS connection at the
    same time, and about one request in 6,000 is never sent."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    stack.callback(loop.call_soon_threadsafe, loop.stop)
    socket = asyncio.run_coroutine_threadsafe(join(api), loop).result(MOST_S)
    stack.callback(lambda: asyncio.run_coroutine_threadsafe(socket.close(), loop).result(MOST_S))


def main():
    wrong = 0
    for is_tls in (False, True):
        with contextlib.ExitStack() as stack:
            home = stack.enter_context(tempfile.TemporaryDirectory(prefix="segue-frames."))
            cert, key = certificate(home)
            log, url = served(stack, home, *(["--tls-cert", cert, "--tls-key", key] if is_tls else []))
            api = Api(url, cert)
            api.login("anna")
            stay(stack, api)
            surroundings = {**os.environ, "URL": url, "TOKEN": api.token, "AUTHORITY": cert}
            failed = 0
            for words in sys.argv[1:]:
                print(f"{words}, {'TLS' if is_tls else 'plain'}", flush=True)
                ran = subprocess.run(shlex.split(words), env=surroundings, check=False, timeout=MOST_S)
                failed += ran.returncode != 0
            with open(log, encoding="utf-8", errors="replace") as file:
                panics = [line for line in file if "panicked" in line]
            if failed or panics:
                print("".join(panics) + last_lines(log))
                wrong += 1
    return wrong


sys.exit(1 if main() else 0)
