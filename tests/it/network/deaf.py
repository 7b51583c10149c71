"""Devices that request much and read nothing, with the smallest receive windows.

usage: deaf.py HOST PORT TOKEN HOW_MANY

Each device joins, requests pages of the queue, and stops reading. The script prints "ready" when all have done so. After a
line of input it reads each connection to its end, and prints the greatest number of bytes and the close codes.
"""

import base64
import json
import os
import socket
import sys

PAGES = 90


def frame(message):
    """A masked text frame (RFC 6455, section 5.2); the mask is all zeros."""
    data = json.dumps(message).encode()
    head = bytes([0x81]) + (bytes([0x80 | len(data)]) if len(data) < 126 else bytes([0xFE]) + len(data).to_bytes(2, "big"))
    return head + bytes(4) + data


def deaf(address, token, number):
    device = socket.socket()
    device.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    device.connect(address)
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        "GET /v1/sync HTTP/1.1",
        f"Host: {address[0]}:{address[1]}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Protocol: segue.sync.v1",
        "",
        "",
    ]
    device.sendall("\r\n".join(lines).encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += device.recv(256)
    assert b" 101 " in answer, answer
    name = {"id": f"{number:016x}", "instance": f"{number:016x}", "name": f"Deaf {number}", "kind": "other"}
    device.sendall(frame({"type": "hello", "token": token, "device": name | {"plays": False, "controls": True, "codecs": []}}))
    # Reads the welcome, and nothing after it.
    while b"welcome" not in answer:
        answer += device.recv(256)
    for _ in range(PAGES):
        device.sendall(frame({"type": "queue", "from": 0, "limit": 200}))
    return device, answer.split(b"\r\n\r\n", 1)[1]


def close_code(data):
    """What the close frame says behind all others, or None."""
    while len(data) >= 2:
        length, head = data[1] & 0x7F, 2
        if length > 125:
            head += 2 if length == 126 else 8
            length = int.from_bytes(data[2:head], "big")
        if data[0] == 0x88:
            return int.from_bytes(data[head : head + 2], "big")
        data = data[head + length :]
    return None


def rest(device, begun):
    device.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    data = bytearray()
    try:
        while more := device.recv(1 << 16):
            data += more
    except ConnectionError:
        pass  # The connection was reset.
    return len(data), close_code(begun + bytes(data))


def main():
    _, host, port, token, how_many = sys.argv
    devices = [deaf((host, int(port)), token, number) for number in range(100, 100 + int(how_many))]
    print("ready", flush=True)
    sys.stdin.readline()
    sizes, codes = zip(*(rest(*device) for device in devices))
    print(max(sizes), *sorted({str(code) for code in codes}), flush=True)


main()
