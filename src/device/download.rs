//! Streams and hashes the bytes of one track; a stream that breaks off is resumed where it stopped.

use super::api::{Api, Refusal, StreamHead};
use crate::media::digest::Digest;
use futures_util::StreamExt as _;
use segue_client::protocol::ids::MediaId;
use sha2::{Digest as _, Sha256};
use std::{cell::RefCell, collections::VecDeque, rc::Rc, time::Duration};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

/// How many versions are remembered with their hash.
const KNOWN: usize = 1000;
/// How often a server that answers with status 5xx is asked.
const ATTEMPTS: u32 = 5;
/// After this long without a byte the stream counts as broken off, even if its connection shows no error.
const SILENCE: Duration = Duration::from_secs(10);
/// The wait before the second attempt; it is doubled for each further one.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// The longest wait before another attempt.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The SHA-256 of tracks that were streamed before, by their version.
#[derive(Clone, Default)]
pub(super) struct KnownHashes(Rc<RefCell<VecDeque<Remembered>>>);

/// A version and its SHA-256.
type Remembered = (String, Digest);

impl KnownHashes {
    fn get(&self, version: &str) -> Option<Digest> {
        self.0.borrow().iter().find(|(known, _)| known == version).map(|(_, hash)| *hash)
    }

    fn put(&self, version: &str, hash: Digest) {
        let mut known = self.0.borrow_mut();
        if known.iter().any(|(known, _)| known == version) {
            return;
        }
        if known.len() == KNOWN {
            known.pop_front();
        }
        known.push_back((version.to_owned(), hash));
    }
}

/// How many bytes have arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct DownloadProgress {
    /// Bytes so far.
    pub(super) received: u64,
    /// The total number of bytes, if the server said it.
    pub(super) total: Option<u64>,
}

/// A track whose bytes have all arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Loaded {
    /// How many.
    pub(super) bytes: u64,
    /// Their SHA-256.
    pub(super) sha256: Digest,
    /// Whether there was another hash to compare it with; it was the same then.
    pub(super) verified: bool,
}

/// Streams a track to its last byte and reports the progress.
///
/// # Errors
/// Why the track cannot be fetched, or that its hash is wrong. A server that cannot be reached is no error: it is asked
/// again.
pub(super) async fn download(
    api: &Api,
    id: MediaId,
    known: &KnownHashes,
    progress: &watch::Sender<DownloadProgress>,
) -> Result<Loaded, String> {
    let (mut part, mut failures) = (PartialTrack::default(), 0_u32);
    loop {
        let before = part.received;
        match part.receive(api, id, progress).await {
            Ok(()) => return part.check(known),
            Err(Refusal::Status(status, message)) if !status.is_server_error() || failures + 1 >= ATTEMPTS => {
                return Err(message);
            }
            Err(refusal) => log::debug!("track {id} broke off after {} bytes: {refusal}", part.received),
        }
        failures = if part.received > before { 0 } else { failures.saturating_add(1) };
        sleep(FIRST_WAIT.saturating_mul(1 << failures.min(8)).min(LONGEST_WAIT)).await;
    }
}

/// The part of a track that has arrived.
#[derive(Default)]
struct PartialTrack {
    received: u64,
    hash: Sha256,
    head: StreamHead,
}

impl PartialTrack {
    /// Receives the rest.
    async fn receive(
        &mut self,
        api: &Api,
        id: MediaId,
        progress: &watch::Sender<DownloadProgress>,
    ) -> Result<(), Refusal> {
        let from = self.head.version.clone().filter(|_| self.received > 0);
        let asked = from.as_deref().map(|version| (self.received, version));
        let (head, mut body) = api.stream(id, asked).await?;
        if !head.goes_on {
            (self.received, self.hash) = (0, Sha256::default());
        }
        let total = head.total;
        self.head = head;
        let broken = |_| Refusal::Away(format!("nothing came for {} s", SILENCE.as_secs()));
        while let Some(chunk) = timeout(SILENCE, body.next()).await.map_err(broken)? {
            let chunk = chunk.map_err(|error| Refusal::Away(error.to_string()))?;
            self.hash.update(&chunk);
            let length = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
            self.received = self.received.saturating_add(length);
            progress.send_replace(DownloadProgress { received: self.received, total });
        }
        match total {
            Some(total) if total > self.received => Err(Refusal::Away("the stream ended before its end".to_owned())),
            _ => Ok(()),
        }
    }

    fn check(self, known: &KnownHashes) -> Result<Loaded, String> {
        let Self { received: bytes, hash, head } = self;
        if head.total.is_some_and(|total| total != bytes) {
            return Err(format!("{bytes} bytes came, which is not what the server had announced"));
        }
        let hash = Digest(hash.finalize().into());
        let earlier = head.version.as_deref().and_then(|version| known.get(version));
        let others = [(head.sha256, "the server says"), (earlier, "the same version had before")];
        let mut verified = false;
        for (other, whose) in others {
            match other {
                Some(other) if other != hash => {
                    return Err(format!("the SHA-256 of the {bytes} bytes is not the one {whose}"));
                }
                other => verified |= other.is_some(),
            }
        }
        if let Some(version) = &head.version {
            known.put(version, hash);
        }
        Ok(Loaded { bytes, sha256: hash, verified })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the hash of bytes of a version against the one that the server announced, or that is known, if there is one.
    fn part(bytes: &[u8], version: &str, promised: Option<&[u8]>) -> PartialTrack {
        let mut hash = Sha256::default();
        hash.update(bytes);
        let total = u64::try_from(bytes.len()).ok();
        let sha256 = promised.map(|bytes| Digest(Sha256::digest(bytes).into()));
        let head = StreamHead { goes_on: false, total, version: Some(version.to_owned()), sha256 };
        PartialTrack { received: total.unwrap_or_default(), hash, head }
    }

    #[test]
    fn bytes_are_what_the_server_promised_and_what_they_were_before() {
        let known = KnownHashes::default();
        let verified = |part: PartialTrack| part.check(&known).map(|loaded| loaded.verified);
        assert_eq!(verified(part(b"one", "v1", None)), Ok(false), "nothing to compare with");
        assert_eq!(verified(part(b"one", "v1", None)), Ok(true), "the same as before");
        assert_eq!(verified(part(b"two", "v2", Some(b"two"))), Ok(true), "as promised");
        assert!(verified(part(b"two", "v3", Some(b"three"))).is_err_and(|why| why.contains("the server says")));
        assert!(verified(part(b"two", "v1", None)).is_err_and(|why| why.contains("had before")));
        let mut longer = part(b"four", "v4", None);
        longer.head.total = Some(3);
        assert!(verified(longer).is_err_and(|why| why.contains("announced")));
    }

    #[test]
    fn what_is_known_is_bounded() {
        let known = KnownHashes::default();
        for version in 0..=KNOWN {
            known.put(&version.to_string(), Digest([1; 32]));
        }
        assert_eq!((known.get("0"), known.get("1")), (None, Some(Digest([1; 32]))));
    }
}
