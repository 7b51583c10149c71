//! The one question of the HTTP API: which tracks there are.

use segue_client::MediaId;
use serde::Deserialize;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long the server may take.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
struct Page {
    items: Vec<Track>,
}

#[derive(Deserialize)]
struct Track {
    id: MediaId,
    duration_ms: Option<i64>,
}

/// Up to 50 tracks whose length is known.
pub(crate) fn tracks(address: SocketAddr, host: &str, token: &str) -> Result<Vec<MediaId>, String> {
    let body = get(address, host, "/v1/tracks?limit=50", token).map_err(|error| format!("{host}: {error}"))?;
    let page: Page = serde_json::from_slice(&body).map_err(|error| format!("{host} lists no tracks: {error}"))?;
    let known = page.items.into_iter().filter(|track| track.duration_ms.is_some_and(|ms| ms > 0));
    let tracks: Vec<MediaId> = known.map(|track| track.id).collect();
    if tracks.is_empty() { Err(format!("{host} has no track that can be played")) } else { Ok(tracks) }
}

fn get(address: SocketAddr, host: &str, path: &str, token: &str) -> Result<Vec<u8>, String> {
    let io = |error: std::io::Error| error.to_string();
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(io)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(io)?;
    // To HTTP/1.0 a body is not sent in chunks.
    let request = format!("GET {path} HTTP/1.0\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n");
    stream.write_all(request.as_bytes()).map_err(io)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).map_err(io)?;
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = head.parse(&answer).map_err(|error| error.to_string())? else {
        return Err("the answer is not complete".to_owned());
    };
    match head.code {
        Some(200) => Ok(answer.split_off(length)),
        Some(401) => Err("the first token of the file is not valid here".to_owned()),
        status => Err(format!("GET {path} was answered {}", status.unwrap_or(0))),
    }
}
