//! Runs one task at a time: a new task aborts the one before, so that the answer for text typed earlier cannot arrive
//! after the answer for the current text.

use tokio::task::JoinHandle;

/// The newest task; dropping this does not end it.
#[derive(Debug, Default)]
pub(super) struct Newest(Option<JoinHandle<()>>);

impl Newest {
    /// Aborts the task before, and starts this one.
    pub(super) fn start(&mut self, task: impl Future<Output = ()> + 'static) {
        if let Some(before) = self.0.replace(actix::spawn(task)) {
            before.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::{mpsc, oneshot};

    #[actix::test]
    async fn an_older_answer_never_follows_a_newer_one() {
        let ((late, wait), (said, mut heard)) = (oneshot::channel::<()>(), mpsc::channel(2));
        let (older, newer) = (said.clone(), said);
        let mut newest = Newest::default();
        newest.start(async move {
            let _ = wait.await;
            let _ = older.send("older").await;
        });
        newest.start(async move {
            let _ = newer.send("newer").await;
        });
        assert_eq!(heard.recv().await, Some("newer"));
        drop(late);
        assert_eq!(heard.recv().await, None);
    }
}
