//! How many sockets are open: they have left the HTTP server, which does not wait for them when it stops.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::Notify;

/// The open sockets of this process. Clones share them.
#[derive(Clone, Default)]
pub(in crate::http) struct OpenSockets(Arc<Counted>);

#[derive(Default)]
struct Counted {
    open: AtomicUsize,
    /// Notified when the last one ends.
    none: Notify,
}

impl OpenSockets {
    /// Counts one more, as long as what is returned lives.
    pub(in crate::http) fn one_more(&self) -> OpenSocket {
        self.0.open.fetch_add(1, Ordering::SeqCst);
        OpenSocket(self.clone())
    }

    /// Waits until none is open.
    pub(in crate::http) async fn none(&self) {
        loop {
            let notified = self.0.none.notified();
            if self.0.open.load(Ordering::SeqCst) == 0 {
                return;
            }
            notified.await;
        }
    }
}

/// One open socket.
pub(in crate::http) struct OpenSocket(OpenSockets);

impl Drop for OpenSocket {
    fn drop(&mut self) {
        if self.0.0.open.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.0.none.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[test]
    fn none_is_waited_for_until_the_last_one_ends() {
        let sockets = OpenSockets::default();
        assert_eq!(sockets.none().now_or_never(), Some(()));
        let (one, two) = (sockets.one_more(), sockets.clone().one_more());
        let mut none = Box::pin(sockets.none());
        assert_eq!(none.as_mut().now_or_never(), None);
        drop(one);
        assert_eq!(none.as_mut().now_or_never(), None);
        drop(two);
        assert_eq!(none.as_mut().now_or_never(), Some(()));
    }
}
