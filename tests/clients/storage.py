"""A second opinion on the protocol of object storage: `segue import`, `segue scan` and playback against moto, which is right
in ranges and conditions but checks no signature (`../it/storage/` does). `$SEGUE` is the server's program."""
import contextlib
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

from serving import SEGUE, Api, last_lines, lines, served, started, until, wav

TRACKS = ("One", "Ä #2 + more")


class Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect."""

    def redirect_request(self, *_):
        return None


STAYING = urllib.request.build_opener(Stay)


def fetched(url, **fields):
    """Status, header fields and bytes of an answer."""
    request = urllib.request.Request(url, headers={name.replace("_", "-"): value for name, value in fields.items()})
    try:
        with STAYING.open(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, answer.headers, answer.read()


def ran(*words):
    """What a command prints that has to succeed."""
    done = subprocess.run([SEGUE, *words], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


def is_played(url, whole):
    """The bytes at an address, all of them and by ranges."""
    status, _, got = fetched(url)
    assert status == 200 and got == whole, f"{url}: {status}, {len(got)} bytes"
    for asked, first, end in (("0-0", 0, 1), ("1000-1999", 1000, 2000), ("-7", len(whole) - 7, len(whole))):
        status, fields, got = fetched(url, Range=f"bytes={asked}")
        assert status == 206 and got == whole[first:end], f"{asked}: {status}, {len(got)} bytes"
        assert fields["Content-Range"] == f"bytes {first}-{end - 1}/{len(whole)}", fields["Content-Range"]
    status, fields, _ = fetched(url, Range=f"bytes={len(whole)}-")
    assert status == 416, status


def main():
    with contextlib.ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="segue-storage."))
        words = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
        moto = started(stack, words, stderr=subprocess.STDOUT)
        endpoint = lines(moto, lambda line: (re.search(r"Running on (http://\S+)", line) or [None, None])[1])
        urllib.request.urlopen(urllib.request.Request(f"{endpoint}/music", method="PUT"), timeout=60).close()
        for number, title in enumerate(TRACKS, 1):
            wav(f"{home}/music/An album/{title}.wav", 60, title, "Somebody", "An album", number)
        with open(f"{home}/key", "w", encoding="utf-8") as file:
            file.write('access_key_id = "AK"\nsecret_access_key = "SK"\n')
        storage = ["--s3-endpoint", endpoint, "--s3-key-file", f"{home}/key"]
        copied, again = (ran("import", f"{home}/music", "--to", "s3://music/lib", *storage) for _ in range(2))
        assert "2 copied" in copied and "2 there already" in again, (copied, again)
        scanned = ran("scan", "s3://music/lib", "--data-dir", f"{home}/scanned", *storage)
        assert "2 new" in scanned, scanned
        log, url = served(stack, home, "--music", "s3://music/lib", "--delivery", "presigned", *storage)
        api = Api(url)
        api.login("anna")

        def tracks():
            page = api.ask("GET", "/v1/tracks")
            return page["total"] == len(TRACKS) and page["items"]
        found = {track["name"]: track["id"] for track in until("the tracks of the bucket", tracks)}
        assert sorted(found) == sorted(TRACKS), f"{found}\n{last_lines(log)}"
        for title, track in found.items():
            with open(f"{home}/music/An album/{title}.wav", "rb") as file:
                whole = file.read()
            link = api.ask("GET", f"/v1/tracks/{track}/media")
            status, fields, _ = fetched(link["url"])
            assert status == 302 and fields["Location"].startswith(f"{endpoint}/music/lib/An%20album/"), fields
            is_played(fields["Location"], whole)
            # With the entity tag of the version the server itself reads the object.
            status, fields, got = fetched(link["url"], If_Match=f'"{link["version"]}"')
            assert status == 200 and got == whole, f"{status}\n{last_lines(log)}"
        print(f"import, scan and playback against moto {endpoint}: {len(found)} tracks")


if __name__ == "__main__":
    main()
