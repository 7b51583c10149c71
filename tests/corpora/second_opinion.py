"""Prints what mutagen reads from each audio file below the given folders, one JSON object a line.

A file that mutagen does not read is shown to ffprobe, which only answers whether it finds audio in it.
Fields that a file lacks are left out; texts are trimmed, numbers are numbers, `duration_ms` is rounded.
"""

import json
import os
import subprocess
import sys

import mutagen
from mutagen.apev2 import APEv2
from mutagen.asf import ASFTags
from mutagen.id3 import ID3
from mutagen.mp4 import MP4Tags

SUFFIXES = set(
    "mp3 mp2 mp1 flac ogg oga opus spx m4a m4b mp4 aac wav wave aif aiff aifc ape mpc mp+ wv wma asf dsf dff "
    "tta tak ofr ofs ac3 eac3 oggflac 3g2 alac".split()
)
ID3_KEYS = {
    "title": ["TIT2"],
    "artists": ["TXXX:ARTISTS", "TXXX:Artists", "TPE1"],
    "album": ["TALB"],
    "album_artists": ["TPE2"],
    "disc": ["TPOS"],
    "track": ["TRCK"],
    "date": ["TDRC", "TDRL", "TDOR"],
}
MP4_KEYS = {
    "title": ["\xa9nam"],
    "artists": ["----:com.apple.iTunes:ARTISTS", "\xa9ART"],
    "album": ["\xa9alb"],
    "album_artists": ["aART"],
    "disc": ["disk"],
    "track": ["trkn"],
    "date": ["\xa9day"],
}
TEXT_KEYS = {
    "title": ["title"],
    "artists": ["artists", "artist"],
    "album": ["album"],
    "album_artists": ["albumartist", "album artist"],
    "disc": ["discnumber", "disc"],
    "track": ["tracknumber", "track"],
    "date": ["date", "year"],
}


def values(tags, key):
    """All texts under `key`, as `mutagen` gives them for this kind of tag."""
    found = tags.get(key)
    if found is None:
        return []
    if hasattr(found, "text"):
        found = found.text
    if not isinstance(found, (list, tuple)):
        found = list(found) if isinstance(tags, APEv2) else [found]
    texts = []
    for value in found:
        if isinstance(value, tuple):
            value = value[0]
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        texts.append(str(value).strip())
    return [text for text in texts if text]


def number(text):
    head = text.split("/")[0].strip()
    return int(head) if head.isdigit() and int(head) > 0 else None


def opinion(path):
    audio = mutagen.File(path)
    if audio is None or audio.info is None:
        raise ValueError("mutagen does not know the format")
    answer = {"duration_ms": round(audio.info.length * 1000)}
    tags = audio.tags
    if tags is None:
        return answer
    keys = ID3_KEYS if isinstance(tags, ID3) else MP4_KEYS if isinstance(tags, MP4Tags) else TEXT_KEYS
    if isinstance(tags, ASFTags):
        keys = {}
    for field, names in keys.items():
        found = next((texts for name in names if (texts := values(tags, name))), [])
        if not found:
            continue
        if field in ("artists", "album_artists"):
            answer[field] = list(dict.fromkeys(found))
        elif field in ("disc", "track"):
            if number(found[0]):
                answer[field] = number(found[0])
        elif field == "date":
            if found[0][:4].isdigit() and int(found[0][:4]) >= 1000:
                answer["year"] = int(found[0][:4])
        else:
            answer[field] = found[0]
    return answer


def ffprobe_reads(path):
    probe = subprocess.run(
        ["ffprobe", "-v", "error", "-select_streams", "a", "-show_entries", "stream=codec_type,sample_rate", "-of", "json", path],
        capture_output=True, check=False,
    )
    try:
        streams = json.loads(probe.stdout).get("streams", [])
    except ValueError:
        return False
    return any(int(stream.get("sample_rate", 0)) > 0 for stream in streams)


for root in sys.argv[1:]:
    for folder, _, names in sorted(os.walk(root)):
        for name in sorted(names):
            if name.rpartition(".")[2].lower() not in SUFFIXES:
                continue
            path = os.path.join(folder, name)
            try:
                line = opinion(path)
            except Exception as error:  # any failure of the second opinion is an answer
                line = {"error": f"{type(error).__name__}: {error}"[:200], "ffprobe": ffprobe_reads(path)}
            print(json.dumps({"path": path} | line, ensure_ascii=False), flush=True)
