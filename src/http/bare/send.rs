//! Sends an answer on the bare connection: its head, and bytes of files by `sendfile(2)`.

use crate::{
    auth::{Auth, LinkClaims, LinkError},
    media::{
        blocks::FetchError,
        bytes::MediaBytes,
        file::MediaFile,
        multipart::BodyPiece,
        part::{MediaPart, PartBytes},
        range::ByteRange,
    },
};
use actix_web::rt::net::TcpStream;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use std::{io, sync::Arc};
use tokio::{io::Interest, task::yield_now};

/// The most bytes that are handed to the kernel at once. Between two pieces the file, the login and the other connections of
/// the thread are looked after.
const PIECE_BYTES: u64 = 256 * 1024;
/// The last bytes of a file are copied before it is looked at once more, and sent after that: as many as this at most.
const LAST_BYTES: u64 = 16 * 1024;

/// Why an answer ended early. What was sent is incomplete, and the client sees that.
pub(super) enum SendError {
    /// The connection ended.
    Connection,
    /// The file has changed or cannot be read, or the login has ended.
    File(io::Error),
}

/// Sends one answer.
pub(super) struct MediaSender<'a> {
    connection: &'a TcpStream,
    bytes: MediaBytes,
    /// The part that was read last.
    part: Option<MediaPart>,
    auth: &'a Auth,
    claims: LinkClaims,
}

impl<'a> MediaSender<'a> {
    /// Will send these bytes, as long as the login of `claims` is valid.
    pub(super) const fn new(connection: &'a TcpStream, bytes: MediaBytes, auth: &'a Auth, claims: LinkClaims) -> Self {
        Self { connection, bytes, part: None, auth, claims }
    }

    /// Finds the first bytes of these segments, before anything is sent.
    pub(super) async fn begin(&mut self, segments: &[BodyPiece]) -> Result<(), FetchError> {
        let first = segments.iter().find_map(|segment| match segment {
            BodyPiece::Range(range) => Some(range.first),
            BodyPiece::Text(_) => None,
        });
        if let Some(first) = first {
            self.part = Some(self.bytes.part(first).await?);
        }
        Ok(())
    }

    /// Sends a head, and these segments.
    pub(super) async fn send(&mut self, head: &[u8], segments: &[BodyPiece]) -> Result<(), SendError> {
        self.write(head, !segments.is_empty()).await?;
        let last = segments.len().saturating_sub(1);
        for (at, segment) in segments.iter().enumerate() {
            match segment {
                BodyPiece::Text(text) => self.write(text, at < last).await?,
                BodyPiece::Range(range) => self.send_range(*range).await?,
            }
        }
        Ok(())
    }

    async fn send_range(&mut self, range: ByteRange) -> Result<(), SendError> {
        let (mut at, end) = (range.first, range.last.saturating_add(1));
        while at < end {
            let part = match self.part.take().filter(|part| part.has(at)) {
                Some(part) => part,
                None => self.bytes.part(at).await.map_err(|error| SendError::File(io::Error::other(error)))?,
            };
            let (from, to) = (at - part.first, end.min(part.end) - part.first);
            match &part.held {
                PartBytes::File(file) => self.send_file(file, from, to, part.end >= end).await?,
                PartBytes::Memory(bytes) => {
                    let wanted = usize::try_from(from).unwrap_or(usize::MAX)..usize::try_from(to).unwrap_or(usize::MAX);
                    self.write(bytes.get(wanted).unwrap_or_default(), part.end < end).await?;
                    self.check_login()?;
                }
            }
            self.bytes.count(&part, to - from);
            at = part.first.saturating_add(to);
            self.part = Some(part);
        }
        Ok(())
    }

    /// Sends the bytes from `at` to `end` of a file, which are the last ones of the range or not.
    async fn send_file(&self, file: &Arc<MediaFile>, at: u64, end: u64, are_last: bool) -> Result<(), SendError> {
        let (mut at, copied) = (at, if are_last { LAST_BYTES } else { 0 });
        while end - at > copied {
            let piece = (end - at - copied).min(PIECE_BYTES);
            self.bring(file, at, piece).await?;
            let mut left = piece;
            while left > 0 {
                let sent = self.once(|| file.send_to(self.connection, at, left)).await?;
                if sent == 0 {
                    return Err(SendError::File(io::ErrorKind::UnexpectedEof.into()));
                }
                (at, left) = (at + sent, left.saturating_sub(sent));
                // A slow client takes long for a piece.
                self.check(file)?;
            }
            yield_now().await;
        }
        if at == end {
            return Ok(());
        }
        self.bring(file, at, end - at).await?;
        let bytes = file.read_now(at, end - at).map_err(SendError::File)?;
        self.check(file)?;
        self.write(&bytes, false).await
    }

    /// Brings these bytes into the page cache: the event loop waits for no disk.
    async fn bring(&self, file: &Arc<MediaFile>, at: u64, length: u64) -> Result<(), SendError> {
        if file.is_in_memory(at, length) {
            return Ok(());
        }
        let file = Arc::clone(file);
        self.bytes.threads().run(move || file.read_now(at, length).map(drop)).await.map_err(SendError::File)
    }

    /// Whether the file is unchanged and the login is valid.
    fn check(&self, file: &MediaFile) -> Result<(), SendError> {
        self.check_login()?;
        if file.is_unchanged() {
            return Ok(());
        }
        Err(SendError::File(io::Error::other("the file changed while it was sent")))
    }

    fn check_login(&self) -> Result<(), SendError> {
        let denied = |why: LinkError| io::Error::new(io::ErrorKind::PermissionDenied, why.to_string());
        self.auth.check_claims(self.claims).map_err(denied).map_err(SendError::File)
    }

    /// Writes bytes; `more` follow at once.
    async fn write(&self, mut bytes: &[u8], more: bool) -> Result<(), SendError> {
        let flags = if more { SendFlags::NOSIGNAL | SendFlags::MORE } else { SendFlags::NOSIGNAL };
        while !bytes.is_empty() {
            let sent = self.once(|| Ok(send(self.connection, bytes, flags)?)).await?;
            bytes = bytes.get(sent..).unwrap_or_default();
        }
        Ok(())
    }

    /// Does what writes to the connection, as soon as that takes something.
    async fn once<T>(&self, mut work: impl FnMut() -> io::Result<T>) -> Result<T, SendError> {
        loop {
            self.connection.writable().await.map_err(|_| SendError::Connection)?;
            match self.connection.try_io(Interest::WRITABLE, &mut work) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return done.map_err(|_| SendError::Connection),
            }
        }
    }
}

/// Reads and drops bytes that are known to wait on the connection.
pub(super) fn consume(connection: &TcpStream, length: usize) -> io::Result<()> {
    let mut bytes = vec![0; length];
    let mut left = length;
    while left > 0 {
        let read = connection.try_io(Interest::READABLE, || {
            let (read, _) = recv(connection, bytes.get_mut(..left).unwrap_or_default(), RecvFlags::empty())?;
            Ok(read)
        })?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        left -= read;
    }
    Ok(())
}
