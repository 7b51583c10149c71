"""Sends the rows of frames.json by Python's `websockets`: its handshake, then the bytes of the row on its connection;
the library reads the answers. `$URL` is the server, `$TOKEN` a login, `$AUTHORITY` the certificate to trust."""
import json
import os
import socket
import ssl
import sys
import urllib.parse

from websockets.client import ClientProtocol
from websockets.frames import Opcode
from websockets.http11 import Response
from websockets.protocol import OPEN
from websockets.uri import parse_uri

HERE = os.path.dirname(os.path.abspath(__file__))
# The most seconds of a wait for bytes.
MOST_S = 60
# Rows of at most so many bytes are also sent byte by byte.
SHORT = 2_000
FIELDS = {"Host": "localhost", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
          "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
# The answer to that key (RFC 6455, section 1.3).
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
ADDRESS = urllib.parse.urlsplit(os.environ["URL"])
SYNC = parse_uri(os.environ["URL"].replace("http", "ws", 1) + "/v1/sync")
TRUST = ssl.create_default_context(cafile=os.environ["AUTHORITY"]) if ADDRESS.scheme == "https" else None
DEVICE = {"instance": "00000000000000b1", "name": "Kitchen", "plays": True, "controls": True}


def hello():
    """The first message of a device."""
    return json.dumps({"type": "hello", "token": os.environ["TOKEN"], "device": DEVICE})


def head(piece):
    """The bytes of a request, or of a part of it."""
    fields = {**FIELDS, **piece["head"].get("fields", {})}
    text = piece["head"].get("line", "GET /v1/sync HTTP/1.1") + "\r\n"
    text += "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value is not None) + "\r\n"
    return text.encode()[piece.get("from"):piece.get("to")]


def frame(piece):
    """The bytes of a frame."""
    payload = bytes.fromhex(piece["hex"]) if "hex" in piece else piece["text"].replace("HELLO", hello()).encode()
    payload = payload.ljust(piece.get("pad", 0))
    length, mask = len(payload), bytes.fromhex(piece.get("mask", "37fa213d"))
    bits = piece.get("bits", 7 if length < 126 else 16 if length < 65_536 else 64)
    marks = {7: length, 16: 126, 64: 127}[bits] | (0x80 if mask else 0)
    long = b"" if bits == 7 else length.to_bytes(bits // 8, "big")
    if mask:
        payload = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    return (bytes.fromhex(piece["first"]) + bytes([marks]) + long + mask + payload) * piece.get("times", 1)


def encode(piece):
    """The bytes of a piece of a row."""
    if "head" in piece:
        return head(piece)
    if "first" in piece:
        return frame(piece)
    return bytes.fromhex(piece["hex"]) if "hex" in piece else piece["raw"].encode()


def packets(row, is_in_bytes):
    """What is sent: byte by byte, or as few packets as the row allows. `None` is the end of the half that sends, and a
    text is an answer to wait for."""
    sent = [b""]
    for piece in row["send"]:
        if piece == "packet":
            sent.append(b"")
        elif piece == "end":
            sent.append(None)
        elif isinstance(piece, str):
            sent += [piece, b""]
        else:
            sent[-1] += encode(piece)
    if not is_in_bytes:
        return sent
    bytewise = [[bytes([byte]) for byte in some] if isinstance(some, bytes) else [some] for some in sent]
    return [part for parts in bytewise for part in parts]


class Connection:
    """The connection, and the library's view of it."""

    def __init__(self, may_be_cut):
        self.may_be_cut = may_be_cut
        self.stream = socket.create_connection((ADDRESS.hostname, ADDRESS.port), timeout=MOST_S)
        self.stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if TRUST:
            # An end without TLS's own is an error.
            self.stream = TRUST.wrap_socket(self.stream, server_hostname="localhost", suppress_ragged_eofs=False)
        self.client, self.got = None, []

    def send(self, some):
        """False: the server has closed already."""
        try:
            if some is None:
                # In TLS the connection ends without TLS's own end.
                socket.socket.shutdown(self.stream, socket.SHUT_WR)
            else:
                self.stream.sendall(some)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
            return False
        return True

    def write(self):
        """Sends what the library has to send."""
        for some in self.client.data_to_send():
            if some:
                self.send(some)

    def read(self):
        """The next bytes; none at the end of the connection."""
        try:
            return self.stream.recv(65_536)
        except (ssl.SSLEOFError, ConnectionResetError):
            if self.may_be_cut:
                return b""
            raise

    def read_head(self):
        """Reads the answer to a request that the library has not sent, and gives the library what comes after it."""
        read = b""
        while b"\r\n\r\n" not in read:
            some = self.read()
            if not some:
                if read:
                    raise AssertionError(f"half an answer: {read}")
                return
            read += some
        text, rest = read.split(b"\r\n\r\n", 1)
        status, *lines = text.decode().split("\r\n")
        status = status.split(" ")[1]
        self.got.append(status)
        if status == "101":
            fields = dict(line.lower().split(": ", 1) for line in lines)
            assert ACCEPT in text.decode(), fields
            assert "sec-websocket-extensions" not in fields and "sec-websocket-protocol" not in fields, fields
            self.client = ClientProtocol(SYNC, state=OPEN)
        else:
            self.may_be_cut = True
        if rest:
            self.take(rest)

    def take(self, some):
        """Gives the library bytes that have arrived; its answers are sent."""
        if not self.client:
            return
        self.client.receive_data(some) if some else self.client.receive_eof()
        self.write()
        for event in self.client.events_received():
            if isinstance(event, Response):
                continue
            if event.opcode is Opcode.PONG:
                self.got.append("pong " + bytes(event.data).decode("latin-1"))
            if event.opcode is Opcode.TEXT:
                message = json.loads(bytes(event.data))
                if message["type"] == "time":
                    self.got.append(f"time {message['client_us']}")
                if message["type"] == "welcome":
                    self.got.append("welcome")
                    # It stays one device in the list.
                    DEVICE["id"] = message["device_id"]

    def wait_for(self, answer):
        """Reads until this answer is there."""
        while answer not in self.got:
            some = self.read()
            if not some:
                raise AssertionError(f"the end instead of {answer}, after {self.got}")
            self.take(some)

    def read_on(self):
        """Reads to the end of the connection."""
        while some := self.read():
            self.take(some)
        self.take(b"")
        if self.client:
            if self.client.parser_exc and not isinstance(self.client.parser_exc, EOFError):
                raise self.client.parser_exc
            if self.client.close_code != 1006 or not self.may_be_cut:
                self.got.append(f"close {self.client.close_code}")


def may_be_cut(row):
    """Whether the connection ends in TLS without TLS's own end, so that the server need not answer."""
    return bool(TRUST) and "end" in row["send"]


def tried(row, is_in_bytes):
    """What the server answers to a row."""
    connection = Connection(may_be_cut(row))
    with connection.stream:
        if not row.get("handshake"):
            connection.client = ClientProtocol(SYNC)
            connection.client.send_request(connection.client.connect())
            connection.write()
            while connection.client.state is not OPEN:
                some = connection.read()
                assert some, "the end instead of a handshake"
                connection.take(some)
            connection.client.send_text(hello().encode())
            connection.write()
            connection.wait_for("welcome")
            connection.got.clear()
        for some in packets(row, is_in_bytes):
            if isinstance(some, str):
                connection.read_head()
                connection.wait_for(some)
            elif not connection.send(some):
                break
        if not connection.client:
            connection.read_head()
        connection.read_on()
    return connection.got


def main():
    with open(f"{HERE}/frames.json", encoding="utf-8") as file:
        rows = json.load(file)
    ran = wrong = 0
    for row in rows:
        size = sum(len(some) for some in packets(row, False) if isinstance(some, bytes))
        for is_in_bytes in (False, True) if size <= SHORT and not row.get("once") else (False,):
            ran += 1
            try:
                got = tried(row, is_in_bytes)
            except Exception as error:
                got = [repr(error)]
            if got != (row["gets"][:len(got)] if may_be_cut(row) else row["gets"]):
                wrong += 1
                how = "byte by byte" if is_in_bytes else "at once"
                print(f"{row['name']} ({row['rfc']}), {how}: gets {got}, not {row['gets']}")
    print(f"Python websockets: {ran} runs of {len(rows)} rows, {wrong} wrong")
    return wrong


sys.exit(1 if main() else 0)
