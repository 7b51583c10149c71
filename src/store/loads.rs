//! The threads that read sessions and queues. As the thread that writes, each takes what waits, reads all of it in one
//! statement, answers, and repeats: a storm of users who come back is a few statements.

use super::answer::{ANSWER_WITHIN, fault};
use segue_actors::node::ports::{Later, PortError};
use segue_client::protocol::ids::UserId;
use std::{
    collections::HashMap,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

/// How many wait in the channel; more wait before it.
const WAITING: usize = 1024;

/// What was found of a user.
type LoadAnswer<T> = Result<Option<T>, PortError>;

/// The handle of one thread, which ends when it is dropped.
pub(super) struct Loads<T> {
    asked: mpsc::Sender<(UserId, oneshot::Sender<LoadAnswer<T>>)>,
}

impl<T: Clone + Send + 'static> Loads<T> {
    /// Starts the thread. `read` gets up to `most` users and returns what there is of them.
    pub(super) fn start(
        name: &str,
        most: usize,
        mut read: impl FnMut(&[UserId]) -> Result<HashMap<UserId, T>, PortError> + Send + 'static,
    ) -> io::Result<Self> {
        let (asked, mut waiting) = mpsc::channel::<(UserId, oneshot::Sender<LoadAnswer<T>>)>(WAITING);
        let run = move || {
            while let Some(first) = waiting.blocking_recv() {
                let mut gathered = vec![first];
                gathered.extend(std::iter::from_fn(|| waiting.try_recv().ok()).take(most.saturating_sub(1)));
                let users: Vec<_> = gathered.iter().map(|(user, _)| *user).collect();
                let found = catch_unwind(AssertUnwindSafe(|| read(&users))).unwrap_or_else(|_| {
                    log::error!("a read of sessions panicked; its thread goes on with the next ones");
                    Err(fault("the read of sessions failed".to_owned(), true))
                });
                for (user, answer) in gathered {
                    // The caller may have stopped waiting.
                    let _ =
                        answer.send(found.as_ref().map(|found| found.get(&user).cloned()).map_err(PortError::clone));
                }
            }
        };
        thread::Builder::new().name(name.to_owned()).spawn(run)?;
        Ok(Self { asked })
    }

    /// What there is of this user.
    pub(super) fn of(&self, user: UserId) -> Later<LoadAnswer<T>> {
        let asked = self.asked.clone();
        Box::pin(async move {
            let (sender, answer) = oneshot::channel();
            let answered = async {
                asked.send((user, sender)).await.ok()?;
                answer.await.ok()
            };
            match timeout(ANSWER_WITHIN, answered).await {
                Ok(Some(found)) => found,
                Ok(None) => Err(fault("the reader of sessions has ended".to_owned(), true)),
                Err(_) => Err(fault("the database does not answer".to_owned(), true)),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{FutureExt as _, future::join_all};
    use std::sync::mpsc::{Receiver, Sender, channel};

    /// A reader that finds the number of each user but 0; how many each of its reads had; and a channel: each read needs a
    /// message from it.
    fn reader(most: usize) -> (Loads<u64>, Receiver<usize>, Sender<()>) {
        let (told, reads) = channel();
        let (go, may) = channel();
        let loads = Loads::start("reads", most, move |users: &[UserId]| {
            told.send(users.len()).expect("the test listens");
            may.recv().expect("the test goes on");
            Ok(users.iter().filter(|user| user.0 > 0).map(|user| (*user, user.0)).collect())
        });
        (loads.expect("its thread starts"), reads, go)
    }

    #[tokio::test]
    async fn what_waits_during_a_read_is_one_read_up_to_a_limit() {
        let (loads, reads, go) = reader(4);
        let mut first = loads.of(UserId(9));
        assert!((&mut first).now_or_never().is_none());
        assert_eq!(reads.recv(), Ok(1));
        let mut others = join_all([1, 2, 2, 0, 3].map(|user| loads.of(UserId(user))));
        assert!((&mut others).now_or_never().is_none());
        for _ in 0..3 {
            go.send(()).expect("it reads");
        }
        assert_eq!(first.await.ok(), Some(Some(9)));
        let others: Vec<_> = others.await.into_iter().map(Result::ok).collect();
        assert_eq!(others, [Some(Some(1)), Some(Some(2)), Some(Some(2)), Some(None), Some(Some(3))]);
        assert_eq!(reads.try_iter().collect::<Vec<_>>(), [4, 1]);
    }

    #[tokio::test]
    async fn a_read_that_fails_or_panics_fails_its_own_callers() {
        let loads = Loads::start("reads", 4, |users: &[UserId]| match users {
            [UserId(1)] => Err(fault("it is away".to_owned(), true)),
            [UserId(2)] => panic!("on purpose"),
            _ => Ok(HashMap::from([(UserId(3), 9)])),
        });
        let loads = loads.expect("its thread starts");
        for user in [1, 2] {
            assert!(loads.of(UserId(user)).await.is_err_and(|error| error.is_transient));
        }
        assert_eq!(loads.of(UserId(3)).await.ok(), Some(Some(9)));
    }
}
