//! The HTTP requests of a device.

use super::{Options, ServerAddress, Trouble, trust};
use crate::media::digest::Digest;
use awc::{
    Client, ClientRequest, Connector,
    error::PayloadError,
    http::{StatusCode, header},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures_util::Stream;
use segue_client::protocol::ids::MediaId;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;
use std::time::Duration;

/// How long a request waits for the start of its answer.
const ANSWER: Duration = Duration::from_secs(30);
/// How long an unused connection is kept: not at all. After a change of network, or after the server could not be reached,
/// it would be dead without an error, and a request on it would wait in vain.
const UNUSED: Duration = Duration::ZERO;
/// The longest answer that is read, in bytes.
const ANSWER_BYTES: usize = 4 << 20;
/// The largest page that the server gives, in items.
const PAGE: usize = 50;

/// The server's address, and a token for it.
#[derive(Clone)]
pub(super) struct Api {
    http: Client,
    server: ServerAddress,
    token: String,
}

/// Why there is no usable answer.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The server could not be reached, or the connection broke.
    Away(String),
    /// The server answered with this status and message.
    Status(StatusCode, String),
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Away(why) => write!(f, "the server does not answer: {why}"),
            Self::Status(_, message) => f.write_str(message),
        }
    }
}

impl Refusal {
    fn away(why: impl std::fmt::Display) -> Self {
        Self::Away(why.to_string())
    }
}

/// A name in an answer.
#[derive(Debug, Clone, Deserialize)]
struct NameAnswer {
    name: String,
}

#[derive(Debug, Deserialize)]
struct TrackAnswer {
    id: MediaId,
    name: String,
    #[serde(default)]
    artists: Vec<NameAnswer>,
    album: Option<AlbumAnswer>,
    duration_ms: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct AlbumAnswer {
    id: String,
    name: String,
}

/// A track as it is shown to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ShownTrack {
    pub(super) id: MediaId,
    pub(super) title: String,
    pub(super) artists: String,
    pub(super) album: String,
    pub(super) album_id: Option<String>,
    pub(super) duration_ms: Option<i64>,
}

impl From<TrackAnswer> for ShownTrack {
    fn from(answer: TrackAnswer) -> Self {
        let artists: Vec<_> = answer.artists.into_iter().map(|artist| artist.name).collect();
        let (album, album_id) = answer.album.map(|album| (album.name, album.id)).unzip();
        Self {
            id: answer.id,
            title: answer.name,
            artists: artists.join(", "),
            album: album.unwrap_or_default(),
            album_id,
            duration_ms: answer.duration_ms,
        }
    }
}

#[derive(Debug, Deserialize)]
struct Items<T> {
    items: Vec<T>,
    #[serde(default)]
    total: usize,
}

#[derive(Debug, Deserialize)]
struct SearchAnswer {
    tracks: Items<TrackAnswer>,
}

#[derive(Debug, Deserialize)]
struct IdAnswer {
    id: MediaId,
}

/// The header fields of an answer with bytes of a track.
#[derive(Debug, Clone, Default)]
pub(super) struct StreamHead {
    /// Whether these are the bytes from the requested position on, and not the whole.
    pub(super) goes_on: bool,
    /// The number of bytes of the whole.
    pub(super) total: Option<u64>,
    /// The strong `ETag`, which identifies the bytes of the whole.
    pub(super) version: Option<String>,
    /// The SHA-256 of the whole from `Repr-Digest` (RFC 9530).
    pub(super) sha256: Option<Digest>,
}

impl Api {
    /// Logs in.
    ///
    /// # Errors
    /// A server that cannot be reached or is not trusted, or a wrong name or password.
    pub(super) async fn log_in(options: &Options) -> Result<Self, Trouble> {
        let Options { server, user, password, ca, .. } = options;
        let mut connector = Connector::new().conn_keep_alive(UNUSED);
        if let Some(tls) = trust::tls(server, ca.as_deref())? {
            connector = connector.rustls_0_23(tls);
        }
        let http = Client::builder().connector(connector).timeout(ANSWER);
        let http = http.add_default_header((header::USER_AGENT, AGENT)).finish();
        let request = http.post(server.of("/v1/auth/login"));
        let asked = request.send_json(&json!({"username": user, "password": password}));
        let answer: Result<serde_json::Value, Refusal> = read(asked.await).await;
        let answer = answer.map_err(|refusal| match refusal {
            Refusal::Away(why) => Trouble::new(format!("{server} cannot be reached: {why}")),
            Refusal::Status(StatusCode::UNAUTHORIZED, message) => {
                Trouble::new(format!("{user} at {server}: {message}"))
            }
            Refusal::Status(_, message) => Trouble::new(format!("{server}: {message}")),
        })?;
        let token = answer.get("token").and_then(|token| token.as_str());
        let token = token.ok_or_else(|| Trouble::new(format!("{server} is no Segue server: it gave no token")))?;
        Ok(Self { http, server: server.clone(), token: token.to_owned() })
    }

    pub(super) const fn http(&self) -> &Client {
        &self.http
    }

    pub(super) const fn server(&self) -> &ServerAddress {
        &self.server
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    fn get(&self, path: &str) -> ClientRequest {
        self.http.get(self.server.of(path)).bearer_auth(&self.token)
    }

    /// A track by its id.
    pub(super) async fn track(&self, id: MediaId) -> Result<ShownTrack, Refusal> {
        let answer: TrackAnswer = read(self.get(&format!("/v1/tracks/{id}")).send().await).await?;
        Ok(answer.into())
    }

    /// The best tracks for what was typed.
    pub(super) async fn search(&self, words: &str, limit: usize) -> Result<Vec<ShownTrack>, Refusal> {
        let query = [("q", words), ("type", "track"), ("limit", &limit.to_string())];
        let request = self.get("/v1/search").query(&query).map_err(Refusal::away)?;
        let answer: SearchAnswer = read(request.send().await).await?;
        Ok(answer.tracks.items.into_iter().map(ShownTrack::from).collect())
    }

    /// The tracks of an album in their order, `most` of them.
    pub(super) async fn album(&self, id: &str, most: usize) -> Result<Vec<MediaId>, Refusal> {
        let mut tracks: Vec<MediaId> = Vec::new();
        loop {
            let limit = PAGE.min(most.saturating_sub(tracks.len()));
            let path = format!("/v1/albums/{id}/tracks?limit={limit}&offset={}", tracks.len());
            let page: Items<IdAnswer> = read(self.get(&path).send().await).await?;
            tracks.extend(page.items.iter().map(|track| track.id));
            if page.items.is_empty() || tracks.len() >= page.total.min(most) {
                return Ok(tracks);
            }
        }
    }

    /// The bytes of a track; with `from`, those from that position on, if the track still has that version.
    pub(super) async fn stream(
        &self,
        id: MediaId,
        from: Option<(u64, &str)>,
    ) -> Result<(StreamHead, impl Stream<Item = Result<Bytes, PayloadError>> + use<>), Refusal> {
        let mut request = self.get(&format!("/v1/tracks/{id}/stream"));
        if let Some((place, version)) = from {
            let range = (header::RANGE, format!("bytes={place}-"));
            request = request.insert_header(range).insert_header((header::IF_RANGE, version));
        }
        let answer = request.send().await.map_err(Refusal::away)?;
        let text = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let goes_on = answer.status() == StatusCode::PARTIAL_CONTENT;
        let number = |text: &str| text.parse::<u64>().ok();
        let total = if goes_on {
            text("content-range").and_then(|range| range.rsplit_once('/')).and_then(|(_, total)| number(total))
        } else {
            text("content-length").and_then(number)
        };
        let version = text("etag").filter(|tag| tag.starts_with('"')).map(ToOwned::to_owned);
        let head = StreamHead { goes_on, total, version, sha256: text("repr-digest").and_then(sha256_of) };
        if !answer.status().is_success() {
            return Err(refusal_of(answer).await);
        }
        Ok((head, answer))
    }
}

/// The `User-Agent` of this program; the list of logins shows it.
const AGENT: &str = concat!("segue-device/", env!("CARGO_PKG_VERSION"));

/// The SHA-256 in a `Repr-Digest` field: `sha-256=:BASE64:`, perhaps among others (RFC 9530, section 3).
fn sha256_of(field: &str) -> Option<Digest> {
    let mut digests = field.split(',').filter_map(|part| part.trim().strip_prefix("sha-256=:"));
    let bytes = STANDARD.decode(digests.next()?.strip_suffix(':')?).ok()?;
    bytes.try_into().ok().map(Digest)
}

type Fetched<S> = Result<awc::ClientResponse<S>, awc::error::SendRequestError>;

async fn read<T: DeserializeOwned, S>(answer: Fetched<S>) -> Result<T, Refusal>
where
    S: Stream<Item = Result<Bytes, PayloadError>> + Unpin,
{
    let mut answer = answer.map_err(Refusal::away)?;
    if !answer.status().is_success() {
        return Err(refusal_of(answer).await);
    }
    let body = answer.body().limit(ANSWER_BYTES).await.map_err(Refusal::away)?;
    serde_json::from_slice(&body).map_err(|error| Refusal::Away(format!("its answer cannot be read: {error}")))
}

/// The error in an answer without success.
async fn refusal_of<S>(mut answer: awc::ClientResponse<S>) -> Refusal
where
    S: Stream<Item = Result<Bytes, PayloadError>> + Unpin,
{
    let status = answer.status();
    let body = answer.body().limit(ANSWER_BYTES).await.unwrap_or_default();
    let json: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let message = json.pointer("/error/message").and_then(|message| message.as_str());
    Refusal::Status(status, message.map_or_else(|| format!("the server answers {status}"), ToOwned::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_found_among_others() {
        let empty = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:";
        for field in [empty.to_owned(), format!("sha-512=:AAAA:, {empty}")] {
            let of_nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
            assert_eq!(sha256_of(&field), of_nothing.parse().ok(), "{field}");
        }
        for bad in ["", "sha-256=47DEQ", "sha-256=:47DEQ", "sha-256=:?:", "sha-256=:AAAA:"] {
            assert_eq!(sha256_of(bad), None, "{bad}");
        }
    }
}
