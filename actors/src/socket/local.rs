//! The sockets whose actors run on this thread: a session on the same thread writes its frames to them at once, without a
//! message and a wake of the socket's actor for each. A frame goes that way only if nothing waits for the socket, neither in
//! its outbox nor in its actor's mailbox; so the order of frames is that of the session.

use crate::count;
use crate::node::ports::{Socket, Wrote};
use crate::protocol::ids::ConnectionId;
use crate::socket::login::SocketLogin;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
thread_local! {
    static SOCKETS: RefCell<HashMap<ConnectionId, Rc<dyn Local>>> = RefCell::default();
}

/// A socket that is shared by its actor and, on the same thread, the session of its device.
pub(super) struct SharedSocket<S> {
    pub(super) socket: RefCell<S>,
    /// Frames of the session that wait in the mailbox of the actor.
    in_mailbox: Cell<usize>,
    /// Whether frames wait in the outbox.
    is_held: Cell<bool>,
    /// Whose socket it is.
    pub(super) login: RefCell<SocketLogin>,
}

trait Local {
    fn try_write(&self, frame: &Arc<str>) -> bool;
    fn note_in_mailbox(&self);
}

impl<S: Socket> Local for SharedSocket<S> {
    fn try_write(&self, frame: &Arc<str>) -> bool {
        // Of a login that may have ended the actor looks first.
        if self.is_held.get() || self.in_mailbox.get() > 0 || self.login.borrow().is_in_doubt() {
            return false;
        }
        let Ok(mut socket) = self.socket.try_borrow_mut() else { return false };
        let is_written = socket.try_write(frame.clone()) == Wrote::Written;
        if is_written {
            count::frame_out(frame.len());
        }
        is_written
    }

    fn note_in_mailbox(&self) {
        self.in_mailbox.set(self.in_mailbox.get() + 1);
    }
}

impl<S: Socket + 'static> SharedSocket<S> {
    /// Registers the socket of an actor of this thread.
    pub(super) fn register(connection: ConnectionId, socket: S, login: SocketLogin) -> Rc<Self> {
        let (socket, login) = (RefCell::new(socket), RefCell::new(login));
        let shared = Rc::new(Self { socket, in_mailbox: Cell::default(), is_held: Cell::default(), login });
        let local: Rc<dyn Local> = shared.clone();
        SOCKETS.with_borrow_mut(|all| all.insert(connection, local));
        shared
    }

    /// A frame of the session has come by the mailbox.
    pub(super) fn came_by_mailbox(&self) {
        self.in_mailbox.set(self.in_mailbox.get().saturating_sub(1));
    }

    /// Whether frames wait in the outbox: those of the session have to come by the mailbox then.
    pub(super) fn hold(&self, is_held: bool) {
        self.is_held.set(is_held);
    }
}

/// The socket's actor ends.
pub(super) fn remove(connection: ConnectionId) {
    // While the thread ends there is no table any more.
    let _ = SOCKETS.try_with(|all| all.borrow_mut().remove(&connection));
}

/// Writes a frame at once; `false` when it has to go by the mailbox of the socket's actor, for which it counts then.
pub(crate) fn write(connection: ConnectionId, frame: &Arc<str>) -> bool {
    SOCKETS.with_borrow(|all| {
        let Some(local) = all.get(&connection) else { return false };
        let is_written = local.try_write(frame);
        if !is_written {
            local.note_in_mailbox();
        }
        is_written
    })
}

/// A frame goes by the mailbox of the socket's actor without an attempt to write it.
pub(crate) fn note_in_mailbox(connection: ConnectionId) {
    SOCKETS.with_borrow(|all| {
        if let Some(local) = all.get(&connection) {
            local.note_in_mailbox();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::ids::UserId;
    use crate::testing::memory::{MemoryLine, MemoryLogins, MemorySocket};

    const CONNECTION: ConnectionId = ConnectionId(1);

    fn register() -> (MemoryLine, Rc<SharedSocket<MemorySocket>>, MemoryLogins) {
        let (line, logins) = (MemoryLine::default(), MemoryLogins::of([("anna", UserId(1)), ("bert", UserId(2))]));
        let login = SocketLogin::new(&logins, Some("anna"));
        (line.clone(), SharedSocket::register(CONNECTION, line.socket(), login), logins)
    }

    fn write(text: &str) -> bool {
        super::write(CONNECTION, &text.into())
    }

    #[test]
    fn a_frame_overtakes_none_that_waits() {
        let (line, shared, _logins) = register();
        assert!(write("a"));
        line.block(true);
        assert!(!write("b"), "b goes by the mailbox");
        line.block(false);
        assert!(!write("c"), "and c behind it");
        shared.came_by_mailbox();
        assert!(!write("d"));
        note_in_mailbox(CONNECTION);
        shared.came_by_mailbox();
        shared.came_by_mailbox();
        shared.hold(true);
        shared.came_by_mailbox();
        assert!(!write("e"), "d waits in the outbox");
        shared.came_by_mailbox();
        shared.hold(false);
        assert!(write("f"));
        let written: Vec<String> = line.take().iter().map(ToString::to_string).collect();
        assert_eq!(written, ["a", "f"]);
    }

    #[test]
    fn nothing_is_written_while_its_login_may_have_ended_or_once_the_actor_has() {
        let (line, shared, logins) = register();
        logins.end("bert");
        assert!(!write("a"), "the actor looks first");
        assert!(shared.login.borrow_mut().is_valid(&logins));
        shared.came_by_mailbox();
        assert!(write("b"));
        remove(CONNECTION);
        assert!(!write("c"));
        assert_eq!(line.take().len(), 1);
    }
}
