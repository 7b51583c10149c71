//! The one thread that writes sessions: it takes what is waiting, writes it in one transaction, answers, and looks again.
//!
//! While one transaction is on its way to the disk the next one gathers, so that batches grow by themselves with the load
//! and a lone change never waits for company.

use super::{
    answer::fault,
    batch::Gathered,
    job::{Counters, Job, Written},
};
use crate::db::Db;
use segue_actors::{node::ports::{Outcome, PortError, SessionChange}, state::Play};
use segue_client::{protocol::ids::UserId};
use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
};
use tokio::sync::{mpsc, oneshot};

/// Changes and plays that may wait. More than that and the database is far behind: callers are told at once.
const WAITING: usize = 8192;

/// The handle of the thread; it writes what it was given and ends when this is dropped.
pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
    counters: Arc<Counters>,
}

impl Writer {
    pub(super) fn start(db: Db) -> io::Result<Self> {
        let (jobs, waiting) = mpsc::channel(WAITING);
        let counters = Arc::new(Counters::default());
        let counted = Arc::clone(&counters);
        thread::Builder::new().name("sessions".to_owned()).spawn(move || run(&db, waiting, &counted))?;
        Ok(Self { jobs, counters })
    }

    pub(super) fn commit(&self, user: UserId, change: SessionChange) -> oneshot::Receiver<Outcome> {
        let (sender, answer) = oneshot::channel();
        if let Err(Job::Commit(_, _, sender)) = self.send(Job::Commit(user, change, sender)) {
            // The receiver is in this very function.
            let _ = sender.send(Outcome::NotSent(full()));
        }
        answer
    }

    pub(super) fn played(&self, user: UserId, play: Play) -> oneshot::Receiver<Result<(), PortError>> {
        let (sender, answer) = oneshot::channel();
        if let Err(Job::Play(_, _, sender)) = self.send(Job::Play(user, play, sender)) {
            // The receiver is in this very function.
            let _ = sender.send(Err(full()));
        }
        answer
    }

    fn send(&self, job: Job) -> Result<(), Job> {
        self.jobs.try_send(job).map_err(mpsc::error::TrySendError::into_inner)
    }

    pub(super) fn written(&self) -> Written {
        self.counters.read()
    }
}

fn full() -> PortError {
    fault("too many changes wait for the database".to_owned(), true)
}

fn run(db: &Db, mut waiting: mpsc::Receiver<Job>, counters: &Counters) {
    let mut next = None;
    while let Some(first) = next.take().or_else(|| waiting.blocking_recv()) {
        let mut gathered = Gathered::default();
        next = gathered.gather(first, || waiting.try_recv().ok());
        // A panic drops the senders of this batch, which tells its callers that the outcome is unknown.
        if catch_unwind(AssertUnwindSafe(|| gathered.write(db, counters))).is_err() {
            log::error!("the writer of sessions panicked; it goes on with the next changes");
        }
    }
}
