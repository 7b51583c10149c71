//! A new connection: its options, where its two ends are, and whether there is room for it.

use super::strangers::{Stranger, Strangers};
use crate::config::Networks;
use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::{
    dev::Extensions,
    rt::net::{TcpStream, UnixStream},
};
use std::{
    any::Any,
    cell::RefCell,
    collections::HashMap,
    net::{IpAddr, Ipv6Addr, Shutdown, SocketAddr},
    os::fd::{AsFd, AsRawFd as _, RawFd},
    time::Duration,
};

/// The server's end of a connection, kept with the connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct LocalEnd(pub(super) SocketAddr);

/// Kept with a connection over a Unix socket. The file's mode decides which programs may open it, and it has no address: its
/// other end counts as a trusted proxy.
#[derive(Debug, Clone, Copy)]
pub(super) struct OverUnixSocket;

/// What each new connection is given and counted by.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) strangers: Strangers,
    pub(super) proxies: Networks,
    /// How long a client may take nothing.
    pub(super) send_timeout: Duration,
}

thread_local! {
    /// What is known of connections on their way from [`Door::admit`] to HTTP on this thread, by descriptor.
    static PASSED_ON: RefCell<HashMap<RawFd, Extensions>> = RefCell::default();
}

/// What is known of a connection that HTTP has not got yet.
pub(super) struct KnownConnection(Extensions);

impl KnownConnection {
    /// A login was shown on it.
    pub(super) fn note_login(&self) {
        if let Some(stranger) = self.0.get::<Stranger>() {
            stranger.note_login();
        }
    }

    /// The connection is passed to HTTP, on this thread and at once.
    pub(super) fn pass_on(self, connection: &TcpStream) {
        PASSED_ON.with_borrow_mut(|all| all.insert(connection.as_raw_fd(), self.0));
    }
}

impl Door {
    /// Prepares and counts a connection that HTTP gets later, or not at all.
    pub(super) fn admit(&self, connection: &TcpStream) -> KnownConnection {
        let mut known = Extensions::new();
        self.enter(connection, &mut known);
        KnownConnection(known)
    }

    /// Prepares a connection, notes in `known` what is known of it, or ends it where there are too many.
    pub(super) fn enter(&self, connection: &dyn Any, known: &mut Extensions) {
        if let Some(connection) = connection.downcast_ref::<UnixStream>() {
            known.insert(OverUnixSocket);
            let nobody = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
            return self.count(connection, (nobody, true), known);
        }
        let plain = connection.downcast_ref::<TcpStream>();
        let passed = plain.and_then(|plain| PASSED_ON.with_borrow_mut(|all| all.remove(&plain.as_raw_fd())));
        if let Some(passed) = passed {
            return known.extend(passed);
        }
        let secure = || connection.downcast_ref::<TlsStream<TcpStream>>().map(|stream| stream.get_ref().0);
        let Some(connection) = plain.or_else(secure) else { return };
        prepare(connection, self.send_timeout);
        if let Ok(here) = connection.local_addr() {
            known.insert(LocalEnd(SocketAddr::new(here.ip().to_canonical(), here.port())));
        }
        if let Ok(peer) = connection.peer_addr().map(|peer| peer.ip().to_canonical()) {
            self.count(connection, (peer, self.proxies.contain(peer)), known);
        }
    }

    fn count(&self, connection: &impl AsFd, (peer, is_proxy): (IpAddr, bool), known: &mut Extensions) {
        match self.strangers.enter(peer, is_proxy) {
            Some(stranger) => drop(known.insert(stranger)),
            None => refuse(connection, peer),
        }
    }
}

/// Sets the options of a new connection. Small messages leave at once. On Linux the kernel closes a connection whose
/// client takes nothing for `stalled_for`, because packets are lost or because its window is closed (tcp(7),
/// `TCP_USER_TIMEOUT`); other systems have no such limit.
fn prepare(connection: &TcpStream, stalled_for: Duration) {
    if let Err(error) = connection.set_nodelay(true) {
        log::warn!("small messages to a client may be late: {error}");
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = socket2::SockRef::from(connection).set_tcp_user_timeout(Some(stalled_for)) {
        log::warn!("send_timeout_s is not applied to a connection: {error}");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = stalled_for;
}

/// Ends a connection beyond the limits, before anything is read from it. Where it cannot be ended it is served.
fn refuse(connection: &impl AsFd, peer: IpAddr) {
    log::debug!("a connection of {peer} is refused: too many are open without a login");
    #[cfg(target_os = "linux")]
    if let Err(error) = socket2::SockRef::from(connection).shutdown(Shutdown::Both) {
        log::debug!("it cannot be ended: {error}");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = connection;
}
