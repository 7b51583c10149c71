//! WebSocket frames of a client (RFC 6455, section 5), and its handshake (section 4.1).

/// A frame with text.
pub const TEXT: u8 = 1;
/// The end of a socket, with a code in its first two bytes.
pub const CLOSE: u8 = 8;
/// To be answered with [`PONG`] and the same bytes.
pub const PING: u8 = 9;
/// The answer to [`PING`].
pub const PONG: u8 = 10;

/// The key of every handshake: that of the RFC's example, so that the answer is known. It protects from caches between
/// client and server, of which a load test has none.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// The answer to [`KEY`].
pub(crate) const ACCEPT: &[u8] = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
/// Longest frame that a server may send, in bytes.
const LONGEST: u64 = 16 << 20;

/// The request for a socket of a Segue server.
#[must_use]
pub fn request(host: &str, token: &str) -> String {
    let protocol = segue_client::SUBPROTOCOL;
    upgrade(host, "/v1/sync", &format!("Sec-WebSocket-Protocol: {protocol}\r\nAuthorization: Bearer {token}\r\n"))
}

/// The request for a socket at a path, with further header lines.
#[must_use]
pub fn upgrade(host: &str, path: &str, headers: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {KEY}\
         \r\nSec-WebSocket-Version: 13\r\n{headers}\r\n"
    )
}

/// Reads the answer to [`request`]: its length once it is complete.
///
/// # Errors
/// Why there is no socket.
pub fn accepted(bytes: &[u8]) -> Result<Option<usize>, String> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut answer = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = answer.parse(bytes).map_err(|error| format!("handshake: {error}"))? else {
        return Ok(None);
    };
    let status = answer.code.unwrap_or(0);
    if status != 101 {
        return Err(format!("handshake: {status}"));
    }
    let accept = answer.headers.iter().find(|header| header.name.eq_ignore_ascii_case("sec-websocket-accept"));
    if accept.is_none_or(|accept| accept.value != ACCEPT) {
        return Err("handshake: a wrong Sec-WebSocket-Accept".to_owned());
    }
    Ok(Some(length))
}

/// Writes a whole frame, masked.
pub fn write(out: &mut Vec<u8>, opcode: u8, payload: &[u8], mask: [u8; 4]) {
    out.push(0x80 | opcode);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length), _) if length < 126 => out.push(0x80 | length),
        (_, Ok(length)) => {
            out.push(0xfe);
            out.extend(length.to_be_bytes());
        }
        _ => {
            out.push(0xff);
            out.extend(u64::try_from(payload.len()).unwrap_or(u64::MAX).to_be_bytes());
        }
    }
    out.extend(mask);
    out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
}

/// A frame of the server.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Whether it ends its message.
    pub is_last: bool,
    /// What it is; 0: the message goes on.
    pub opcode: u8,
    /// Its bytes.
    pub payload: &'a [u8],
}

/// Reads the first frame: the frame and its length. `None`: it is not complete.
///
/// # Errors
/// What a server must not send.
pub fn read(bytes: &[u8]) -> Result<Option<(Frame<'_>, usize)>, &'static str> {
    let Some(([first, second], rest)) = bytes.split_first_chunk() else { return Ok(None) };
    if first & 0x70 != 0 {
        return Err("reserved bits are set");
    }
    if second & 0x80 != 0 {
        return Err("a server masks nothing");
    }
    let (length, rest) = match second {
        126 => match rest.split_first_chunk() {
            Some((length, rest)) => (u64::from(u16::from_be_bytes(*length)), rest),
            None => return Ok(None),
        },
        127 => match rest.split_first_chunk() {
            Some((length, rest)) => (u64::from_be_bytes(*length), rest),
            None => return Ok(None),
        },
        short => (u64::from(*short), rest),
    };
    if length > LONGEST {
        return Err("the frame is too long");
    }
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let Some(payload) = rest.get(..length) else { return Ok(None) };
    let used = bytes.len().saturating_sub(rest.len()).saturating_add(length);
    Ok(Some((Frame { is_last: first & 0x80 != 0, opcode: first & 0x0f, payload }, used)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The same frame as a server sends it: not masked.
    fn unmasked(opcode: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = Vec::new();
        write(&mut frame, opcode, payload, [0; 4]);
        frame[1] &= 0x7f;
        let head = frame.len() - payload.len();
        frame.drain(head - 4..head);
        frame
    }

    #[test]
    fn a_frame_of_the_rfc_is_written_as_there() {
        let mut out = Vec::new();
        write(&mut out, TEXT, b"Hello", [0x37, 0xfa, 0x21, 0x3d]);
        assert_eq!(out, [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
    }

    #[test]
    fn an_answer_is_accepted_only_if_it_answers_the_key() {
        let good = "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
        assert_eq!(accepted(good.as_bytes()), Ok(Some(good.len())));
        assert_eq!(accepted(&good.as_bytes()[..40]), Ok(None));
        let told = |text: &str| accepted(text.as_bytes()).expect_err(text);
        assert_eq!(told("HTTP/1.1 401 Unauthorized\r\n\r\n"), "handshake: 401");
        assert!(told(&good.replace("s3pP", "S3pP")).contains("Sec-WebSocket-Accept"));
        assert!(told("nonsense\r\n\r\n").starts_with("handshake: "));
    }

    #[test]
    fn what_a_server_must_not_send_is_refused() {
        assert_eq!(read(&[0xc1, 0]), Err("reserved bits are set"));
        assert_eq!(read(&[0x81, 0x80, 0, 0, 0, 0]), Err("a server masks nothing"));
        assert_eq!(read(&[0x81, 127, 1, 0, 0, 0, 0, 0, 0, 0]), Err("the frame is too long"));
    }

    proptest! {
        #[test]
        fn a_frame_reads_back_wherever_it_is_cut(
            length in prop_oneof![0_usize..300, 65_500_usize..65_600],
            cut: usize,
        ) {
            let payload = vec![b'x'; length];
            let frame = unmasked(TEXT, &payload);
            let whole = Frame { is_last: true, opcode: TEXT, payload: &payload };
            prop_assert_eq!(read(&frame), Ok(Some((whole, frame.len()))));
            prop_assert_eq!(read(&frame[..cut % frame.len()]), Ok(None));
        }
    }
}
