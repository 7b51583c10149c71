//! Media on the bare connection. The head of a request is looked at while it still waits in the kernel: a plain request for
//! media by a signed link is read and answered by `sendfile`, which copies no byte, and so are those after it. Anything else
//! leaves the connection, with all bytes unread, to HTTP for good.

mod answer;
mod head;
mod opened;
mod send;

use super::connection::{Door, KnownConnection};
use crate::app::App;
use actix_web::rt::net::TcpStream;
use answer::{BareOutcome, answer};
use head::{HEAD_BYTES, MediaRequest, Waiting, look_at};
use std::{
    cell::RefCell,
    io,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::Interest,
    time::{Instant, timeout_at},
};

/// How long the first request is waited for here. After it HTTP waits, which has limits of its own.
const FIRST_WITHIN: Duration = Duration::from_secs(1);
/// How long the next request is waited for; HTTP closes a connection after the same time.
const NEXT_WITHIN: Duration = Duration::from_secs(5);

thread_local! {
    static HEAD: RefCell<Box<[u8]>> = RefCell::new(vec![0; HEAD_BYTES].into());
}

/// Answers requests for media on new connections.
#[derive(Clone)]
pub(super) struct BareMedia {
    app: Arc<App>,
    door: Door,
}

impl BareMedia {
    /// `None` where a setting asks for what only HTTP does: lines in the log for each request, or headers for pages of other
    /// origins.
    pub(super) fn new(app: &Arc<App>, door: &Door) -> Option<Self> {
        let is_plain = !app.settings.log_requests && app.settings.allowed_origins.is_empty();
        is_plain.then(|| Self { app: Arc::clone(app), door: door.clone() })
    }

    /// Answers what it can. Returns the connection if HTTP has to go on with it, and `None` when it has ended. Once `stopping`
    /// completes, no further request is waited for.
    pub(super) async fn serve(&self, connection: TcpStream, stopping: impl Future<Output = ()>) -> Option<TcpStream> {
        let known = self.door.admit(&connection);
        let is_for_http = self.answer_all(&connection, &known, pin!(stopping)).await;
        is_for_http.then(|| {
            known.pass_on(&connection);
            connection
        })
    }

    /// Answers requests until one is for HTTP: true; or the connection ends: false.
    async fn answer_all(
        &self,
        connection: &TcpStream,
        known: &KnownConnection,
        mut stopping: Pin<&mut impl Future<Output = ()>>,
    ) -> bool {
        let (mut within, mut is_first) = (FIRST_WITHIN, true);
        loop {
            let next = tokio::select! {
                next = next(connection, Instant::now() + within) => next,
                () = &mut stopping => return false,
            };
            let request = match next {
                Ok(Next::Media(request)) => request,
                Ok(Next::Other) => return true,
                Ok(Next::Late) => return is_first,
                Ok(Next::End) | Err(_) => return false,
            };
            match answer(connection, &request, &self.app, known).await {
                BareOutcome::Answered if request.closes => return false,
                BareOutcome::Answered => {}
                BareOutcome::Unread => return true,
                BareOutcome::Broken => return false,
            }
            (within, is_first) = (NEXT_WITHIN, false);
        }
    }
}

/// What comes next on a connection.
enum Next {
    Media(Box<MediaRequest>),
    /// Bytes that are for HTTP.
    Other,
    /// Nothing, or the begin of a head, up to the deadline.
    Late,
    /// The client has closed it.
    End,
}

/// Waits for the head of a request, and leaves it unread.
async fn next(connection: &TcpStream, deadline: Instant) -> io::Result<Next> {
    loop {
        match timeout_at(deadline, connection.readable()).await {
            Ok(ready) => ready?,
            Err(_) => return Ok(Next::Late),
        }
        let peek = || {
            HEAD.with_borrow_mut(|buffer| {
                let (length, _) = rustix::net::recv(connection, &mut buffer[..], rustix::net::RecvFlags::PEEK)?;
                Ok((length, look_at(buffer.get(..length).unwrap_or_default())))
            })
        };
        match connection.try_io(Interest::READABLE, peek) {
            Ok((0, _)) => return Ok(Next::End),
            Ok((_, Waiting::Media(request))) => return Ok(Next::Media(request)),
            Ok((_, Waiting::Other)) => return Ok(Next::Other),
            // More bytes make the connection readable again.
            Ok((_, Waiting::Begun)) => {
                let nothing_more = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
                drop(connection.try_io(Interest::READABLE, nothing_more));
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}
