//! A task of which only the newest counts: an answer to what was typed before must not come after the one to what is typed
//! now.

use tokio::task::JoinHandle;

/// The newest task; it goes on without this when this is dropped.
#[derive(Debug, Default)]
pub(super) struct Newest(Option<JoinHandle<()>>);

impl Newest {
    /// Ends the one before, wherever it is, and starts this one.
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
