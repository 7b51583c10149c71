//! One fetch for each block, however many wait for it.

use super::{name::BlockName, source::FetchError};
use futures_util::{FutureExt as _, future::Shared};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{runtime::Handle, sync::oneshot, time::sleep};

/// How long a failure is the answer to whoever asks for the same block.
const REMEMBERED: Duration = Duration::from_secs(1);

/// The outcome of a fetch that is waited for.
pub(super) type PendingFetch<T> = Shared<oneshot::Receiver<Result<T, FetchError>>>;
/// The fetches that are waited for.
type FetchTable<T> = Arc<Mutex<HashMap<BlockName, PendingFetch<T>>>>;

/// The fetches that are under way.
pub(super) struct Fetches<T> {
    handle: Handle,
    waiting: FetchTable<T>,
}

impl<T: Clone + Send + Sync + 'static> Fetches<T> {
    /// Fetches run on the event loop of `handle`.
    pub(super) fn new(handle: Handle) -> Self {
        Self { handle, waiting: Arc::default() }
    }

    /// Waits for the fetch of a block that is under way; begins `fetch` if there is none.
    pub(super) fn join(
        &self,
        name: BlockName,
        fetch: impl Future<Output = Result<T, FetchError>> + Send + 'static,
    ) -> PendingFetch<T> {
        let mut all = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waiting) = all.get(&name) {
            return waiting.clone();
        }
        let (tell, told) = oneshot::channel();
        let waiting = told.shared();
        all.insert(name, waiting.clone());
        drop(all);
        let entry = FetchEntry { all: Arc::clone(&self.waiting), name };
        self.handle.spawn(async move {
            let outcome = fetch.await;
            let passes = outcome.as_ref().is_err_and(FetchError::is_transient);
            // All who waited may have left.
            let _ = tell.send(outcome);
            if passes {
                sleep(REMEMBERED).await;
            }
            drop(entry);
        });
        waiting
    }
}

/// A fetch in the table; dropped when it ends, by a panic or with the event loop too.
struct FetchEntry<T> {
    all: FetchTable<T>,
    name: BlockName,
}

impl<T> Drop for FetchEntry<T> {
    fn drop(&mut self) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}
