//! Sends an answer on the bare connection: its head, and bytes of the file by `sendfile(2)`.

use crate::{
    auth::{Auth, LinkClaims},
    media::{file::MediaFile, multipart::BodyPiece, range::ByteRange, threads::FolderThreads},
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
    pub(super) connection: &'a TcpStream,
    pub(super) file: &'a Arc<MediaFile>,
    pub(super) threads: &'a FolderThreads,
    pub(super) auth: &'a Auth,
    pub(super) claims: LinkClaims,
}

impl MediaSender<'_> {
    /// Sends a head, and these segments of the file.
    pub(super) async fn send(&self, head: &[u8], segments: &[BodyPiece]) -> Result<(), SendError> {
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

    async fn send_range(&self, range: ByteRange) -> Result<(), SendError> {
        let (mut at, end) = (range.first, range.last.saturating_add(1));
        while end - at > LAST_BYTES {
            let piece = (end - at - LAST_BYTES).min(PIECE_BYTES);
            self.bring(at, piece).await?;
            let mut left = piece;
            while left > 0 {
                let sent = self.once(|| self.file.send_to(self.connection, at, left)).await?;
                if sent == 0 {
                    return Err(SendError::File(io::ErrorKind::UnexpectedEof.into()));
                }
                (at, left) = (at + sent, left.saturating_sub(sent));
                // A slow client takes long for a piece.
                self.check()?;
            }
            yield_now().await;
        }
        self.bring(at, end - at).await?;
        let bytes = self.file.read_now(at, end - at).map_err(SendError::File)?;
        self.check()?;
        self.write(&bytes, false).await
    }

    /// Brings these bytes into the page cache: the event loop waits for no disk.
    async fn bring(&self, at: u64, length: u64) -> Result<(), SendError> {
        if self.file.is_in_memory(at, length) {
            return Ok(());
        }
        let file = Arc::clone(self.file);
        self.threads.run(move || file.read_now(at, length).map(drop)).await.map_err(SendError::File)
    }

    /// Whether the file is unchanged and the login is valid.
    fn check(&self) -> Result<(), SendError> {
        let denied = |why: crate::auth::LinkError| io::Error::new(io::ErrorKind::PermissionDenied, why.to_string());
        self.auth.check_claims(self.claims).map_err(denied).map_err(SendError::File)?;
        if self.file.is_unchanged() {
            return Ok(());
        }
        Err(SendError::File(io::Error::other("the file changed while it was sent")))
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
