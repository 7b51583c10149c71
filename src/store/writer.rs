//! The thread that writes sessions: takes all waiting jobs, writes them in one transaction, answers, and repeats.
//!
//! While one transaction is being written the jobs of the next one collect. So batches grow with the load, and a single
//! change is written at once.

use super::{answer::fault, batch::Gathered, job::WriteJob};
use crate::db::Db;
use segue_actors::{
    node::ports::{Outcome, PortError, SessionChange},
    state::Play,
};
use segue_client::protocol::ids::UserId;
use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};
use tokio::sync::{mpsc, oneshot};

/// The capacity of the queue of jobs. When it is full, callers get `NotSent` at once.
const WAITING: usize = 8192;

/// The handle of the thread. When it is dropped, the thread writes the jobs in its queue and ends.
pub(super) struct SessionWriter {
    jobs: mpsc::Sender<WriteJob>,
}

impl SessionWriter {
    pub(super) fn start(db: Db) -> io::Result<Self> {
        let (jobs, waiting) = mpsc::channel(WAITING);
        thread::Builder::new().name("sessions".to_owned()).spawn(move || run(&db, waiting))?;
        Ok(Self { jobs })
    }

    pub(super) fn commit(&self, user: UserId, change: SessionChange) -> oneshot::Receiver<Outcome> {
        let (sender, answer) = oneshot::channel();
        if let Err(WriteJob::Commit(_, _, sender)) = self.send(WriteJob::Commit(user, change, sender)) {
            // Cannot fail: the receiver is still in this function.
            let _ = sender.send(Outcome::NotSent(full()));
        }
        answer
    }

    pub(super) fn played(&self, user: UserId, play: Play) -> oneshot::Receiver<Result<(), PortError>> {
        let (sender, answer) = oneshot::channel();
        if let Err(WriteJob::Play(_, _, sender)) = self.send(WriteJob::Play(user, play, sender)) {
            // Cannot fail: the receiver is still in this function.
            let _ = sender.send(Err(full()));
        }
        answer
    }

    fn send(&self, job: WriteJob) -> Result<(), WriteJob> {
        self.jobs.try_send(job).map_err(mpsc::error::TrySendError::into_inner)
    }
}

fn full() -> PortError {
    fault("too many changes wait for the database".to_owned(), true)
}

fn run(db: &Db, mut waiting: mpsc::Receiver<WriteJob>) {
    let mut next = None;
    while let Some(first) = next.take().or_else(|| waiting.blocking_recv()) {
        let mut gathered = Gathered::default();
        next = gathered.gather(first, || waiting.try_recv().ok());
        // A panic drops the channels of this batch, so that its callers get `Unknown`.
        if catch_unwind(AssertUnwindSafe(|| gathered.write(db))).is_err() {
            log::error!("the writer of sessions panicked; it goes on with the next changes");
        }
    }
}
