//! Bodies with several ranges: `multipart/byteranges` of RFC 9110, section 14.6.

use super::range::ByteRange;
use bytes::Bytes;

/// A piece of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyPiece {
    /// These bytes: boundaries and headers of parts.
    Text(Bytes),
    /// A range of the object's bytes.
    Range(ByteRange),
}

impl BodyPiece {
    /// The length of the piece in bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        match self {
            Self::Text(text) => u64::try_from(text.len()).unwrap_or(u64::MAX),
            Self::Range(range) => range.length(),
        }
    }
}

/// The body for `parts` of an object of `length` bytes. The boundary is 1 to 70 letters or digits. It must be random,
/// so that nobody can make a file that contains it.
#[must_use]
pub fn segments(parts: &[ByteRange], length: u64, content_type: &str, boundary: &str) -> Vec<BodyPiece> {
    let mut segments = vec![];
    let mut line_end = "";
    for part in parts {
        let ByteRange { first, last } = part;
        segments.push(BodyPiece::Text(Bytes::from(format!(
            "{line_end}--{boundary}\r\nContent-Type: {content_type}\r\nContent-Range: bytes {first}-{last}/{length}\r\n\r\n"
        ))));
        segments.push(BodyPiece::Range(*part));
        line_end = "\r\n";
    }
    segments.push(BodyPiece::Text(Bytes::from(format!("\r\n--{boundary}--\r\n"))));
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to_index(at: u64) -> usize {
        usize::try_from(at).unwrap()
    }

    #[test]
    fn each_part_has_its_type_and_range() {
        let parts = [ByteRange { first: 1, last: 3 }, ByteRange { first: 8, last: 8 }];
        let segments = segments(&parts, 10, "audio/flac", "b0");
        let length: u64 = segments.iter().map(BodyPiece::length).sum();
        let mut body = vec![];
        for segment in &segments {
            match segment {
                BodyPiece::Text(text) => body.extend_from_slice(text),
                BodyPiece::Range(range) => body.extend(&b"0123456789"[to_index(range.first)..=to_index(range.last)]),
            }
        }
        assert_eq!(u64::try_from(body.len()).unwrap(), length);
        expect_test::expect![[r"
            --b0
            Content-Type: audio/flac
            Content-Range: bytes 1-3/10

            123
            --b0
            Content-Type: audio/flac
            Content-Range: bytes 8-8/10

            8
            --b0--
        "]]
        .assert_eq(&String::from_utf8(body).unwrap().replace("\r\n", "\n"));
    }
}
