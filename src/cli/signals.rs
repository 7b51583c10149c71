//! The signals that end a command in an orderly way, from its start on.
//!
//! Without a handler SIGTERM, SIGINT and SIGHUP end the process at once, and a SQLite file then keeps its write-ahead log
//! beside it.

use super::Failure;
use futures_util::FutureExt as _;
use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};
use tokio::{
    select,
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
    task::unconstrained,
    time::timeout,
};

/// How long work may go on once a signal has asked for the end: for a lock or a server that does not answer.
const END_WITHIN: Duration = Duration::from_secs(10);

/// The signals of this process. They do not end it from [`Signals::of_server`] or [`Signals::of_command`] on.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    /// Whether a hang-up asks for the end, too.
    ends_at_hang_up: bool,
    asked: bool,
}

impl Signals {
    /// For a server: SIGTERM and SIGINT ask for its end, SIGHUP for nothing: who reads files again at one receives it
    /// beside this. Call it within `block_on`.
    ///
    /// # Errors
    /// When signals cannot be received.
    pub(super) fn of_server() -> Result<Self, Failure> {
        Self::install(false)
    }

    /// For a command that ends by itself: SIGTERM, SIGINT and SIGHUP ask for its end. Call it within `block_on`.
    ///
    /// # Errors
    /// When signals cannot be received.
    pub(super) fn of_command() -> Result<Self, Failure> {
        Self::install(true)
    }

    fn install(ends_at_hang_up: bool) -> Result<Self, Failure> {
        let [terminate, interrupt, hang_up] =
            [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()].map(signal);
        Ok(Self { terminate: terminate?, interrupt: interrupt?, hang_up: hang_up?, ends_at_hang_up, asked: false })
    }

    /// Waits until a signal has asked for the end since the installation.
    async fn end(&mut self) {
        if !self.asked {
            select! {
                _ = self.terminate.recv() => {}
                _ = self.interrupt.recv() => {}
                _ = self.hang_up.recv(), if self.ends_at_hang_up => {}
            }
            self.asked = true;
        }
    }

    /// Whether a signal has asked for the end since the installation.
    pub(super) fn ask_for_end(&mut self) -> bool {
        unconstrained(self.end()).now_or_never().is_some()
    }

    /// Does work that blocks on a thread of its own. When a signal asks for the end, the flag that the work got is set, and
    /// this waits for it to return, for at most 10 s. `None` when a signal asked for the end.
    ///
    /// # Errors
    /// When there is no thread for it, or it panicked.
    pub(super) async fn during<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&AtomicBool) -> T + Send + 'static,
    ) -> Result<Option<T>, Failure> {
        let stop = Arc::new(AtomicBool::new(false));
        let (done, result) = oneshot::channel();
        let stopped = Arc::clone(&stop);
        let run = move || {
            // When the wait for the result has ended, the receiver is gone, and the result is dropped here.
            drop(done.send(work(&stopped)));
        };
        thread::Builder::new().name("work".to_owned()).spawn(run)?;
        let mut result = pin!(result);
        let returned = select! {
            biased;
            returned = &mut result => Some(returned?),
            () = self.end() => None,
        };
        if !self.ask_for_end() {
            return Ok(returned);
        }
        log::info!("stopping");
        stop.store(true, Ordering::Relaxed);
        if returned.is_none() && timeout(END_WITHIN, result).await.is_err() {
            log::warn!("what was under way did not end within {} s", END_WITHIN.as_secs());
        }
        Ok(None)
    }
}
