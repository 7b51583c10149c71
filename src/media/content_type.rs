//! The media types of audio files.

/// The value of `Content-Type` for a container and codec, given by the names that a scan uses.
///
/// Sources: RFC 3003 (`audio/mpeg`), RFC 9639 (`audio/flac`), RFC 5334 and RFC 7845 (`audio/ogg` and its codecs),
/// RFC 4337 and RFC 6381 (`audio/mp4` and its codecs; `mp4a.40.2` is AAC-LC, which every AAC decoder supports), the
/// IANA registry (`audio/aac`). `audio/wav` and `audio/aiff` are not registered; browsers use them (WHATWG MIME
/// Sniffing, 6.2). The last three are formats that no browser plays; their names are those that players use.
#[must_use]
pub fn content_type(container: &str, codec: &str) -> &'static str {
    match (container, codec) {
        ("mp3", _) => "audio/mpeg",
        ("flac", _) => "audio/flac",
        ("ogg" | "opus" | "spx", "vorbis") => "audio/ogg; codecs=vorbis",
        ("ogg" | "opus" | "spx", "opus") => "audio/ogg; codecs=opus",
        ("ogg" | "opus" | "spx", "speex") => "audio/ogg; codecs=speex",
        ("ogg" | "opus" | "spx", "flac") => "audio/ogg; codecs=flac",
        ("m4a", "aac") => "audio/mp4; codecs=\"mp4a.40.2\"",
        ("m4a", "alac") => "audio/mp4; codecs=alac",
        ("m4a", "flac") => "audio/mp4; codecs=flac",
        ("m4a", "opus") => "audio/mp4; codecs=opus",
        ("m4a", "ac3") => "audio/mp4; codecs=\"ac-3\"",
        ("m4a", "eac3") => "audio/mp4; codecs=\"ec-3\"",
        ("m4a", _) => "audio/mp4",
        ("aac", _) => "audio/aac",
        ("wav", _) => "audio/wav",
        ("aiff", _) => "audio/aiff",
        ("ape", _) => "audio/x-ape",
        ("mpc", _) => "audio/x-musepack",
        ("wv", _) => "audio/x-wavpack",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::content_type;

    #[test]
    fn every_container_and_codec_has_a_media_type() {
        let cases = [
            ("mp3", "mp3", "audio/mpeg"),
            ("flac", "flac", "audio/flac"),
            ("ogg", "vorbis", "audio/ogg; codecs=vorbis"),
            ("opus", "opus", "audio/ogg; codecs=opus"),
            ("spx", "speex", "audio/ogg; codecs=speex"),
            ("ogg", "flac", "audio/ogg; codecs=flac"),
            ("m4a", "opus", "audio/mp4; codecs=opus"),
            ("m4a", "ac3", "audio/mp4; codecs=\"ac-3\""),
            ("m4a", "eac3", "audio/mp4; codecs=\"ec-3\""),
            ("m4a", "aac", "audio/mp4; codecs=\"mp4a.40.2\""),
            ("m4a", "alac", "audio/mp4; codecs=alac"),
            ("m4a", "flac", "audio/mp4; codecs=flac"),
            ("m4a", "mp3", "audio/mp4"),
            ("aac", "aac", "audio/aac"),
            ("wav", "pcm", "audio/wav"),
            ("aiff", "pcm", "audio/aiff"),
            ("ape", "ape", "audio/x-ape"),
            ("mpc", "musepack", "audio/x-musepack"),
            ("wv", "wavpack", "audio/x-wavpack"),
            ("bin", "unknown", "application/octet-stream"),
        ];
        for (container, codec, expected) in cases {
            assert_eq!(content_type(container, codec), expected, "{container} {codec}");
        }
    }
}
