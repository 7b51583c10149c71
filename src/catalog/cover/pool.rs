//! A few threads for work that blocks, with a queue of limited length. Requests for the same result share one job.

use std::{
    collections::{HashMap, VecDeque},
    fmt::{self, Debug, Formatter},
    hash::Hash,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};
use tokio::sync::oneshot;

/// The threads and their queue. Threads are started when they are needed, and end when this is dropped.
pub(super) struct Pool<K, V>(Arc<PoolCore<K, V>>);

struct PoolCore<K, V> {
    name: &'static str,
    most_threads: usize,
    most_waiting: usize,
    state: Mutex<PoolState<K, V>>,
    changed: Condvar,
}

struct PoolState<K, V> {
    /// The jobs that no thread has begun, in the order in which they were asked for.
    waiting: VecDeque<K>,
    /// All jobs, also those that are worked on.
    jobs: HashMap<K, Job<V>>,
    threads: usize,
    over: bool,
}

struct Job<V> {
    /// Taken by the thread that does it.
    work: Option<Box<dyn FnOnce() -> V + Send>>,
    askers: Vec<oneshot::Sender<V>>,
}

impl<V> Job<V> {
    fn is_abandoned(&self) -> bool {
        self.askers.iter().all(oneshot::Sender::is_closed)
    }
}

impl<K, V> Pool<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + 'static,
{
    /// Threads of this name, at most `most_threads`, for which at most `most_waiting` jobs wait.
    pub(super) fn new(name: &'static str, most_threads: usize, most_waiting: usize) -> Self {
        let state = PoolState { waiting: VecDeque::new(), jobs: HashMap::new(), threads: 0, over: false };
        Self(Arc::new(PoolCore { name, most_threads, most_waiting, state: Mutex::new(state), changed: Condvar::new() }))
    }

    /// Asks for a result, which a job with an equal `key` gives too. `None` when the queue is full, or no thread can be
    /// started. The receiver gets an error when the work panics. Jobs whose receivers were all dropped are not begun.
    pub(super) fn ask(&self, key: K, work: impl FnOnce() -> V + Send + 'static) -> Option<oneshot::Receiver<V>> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.0.lock();
        if let Some(job) = state.jobs.get_mut(&key) {
            // A job that a disk holds up is asked for again and again.
            if job.askers.len() == job.askers.capacity() {
                job.askers.retain(|asker| !asker.is_closed());
            }
            job.askers.push(sender);
            return Some(receiver);
        }
        if state.waiting.len() >= self.0.most_waiting {
            state.drop_abandoned();
        }
        if state.waiting.len() >= self.0.most_waiting {
            return None;
        }
        if state.threads < self.0.most_threads {
            let shared = Arc::clone(&self.0);
            match thread::Builder::new().name(self.0.name.to_owned()).spawn(move || shared.work()) {
                Ok(_) => state.threads = state.threads.saturating_add(1),
                Err(error) => log::warn!("a thread for {} cannot be started: {error}", self.0.name),
            }
            if state.threads == 0 {
                return None;
            }
        }
        state.jobs.insert(key.clone(), Job { work: Some(Box::new(work)), askers: vec![sender] });
        state.waiting.push_back(key);
        self.0.changed.notify_one();
        Some(receiver)
    }
}

impl<K: Eq + Hash, V> PoolState<K, V> {
    fn drop_abandoned(&mut self) {
        let Self { waiting, jobs, .. } = self;
        waiting.retain(|key| {
            let is_wanted = jobs.get(key).is_some_and(|job| !job.is_abandoned());
            if !is_wanted {
                jobs.remove(key);
            }
            is_wanted
        });
    }
}

impl<K: Clone + Eq + Hash, V: Clone> PoolCore<K, V> {
    /// Does jobs until the pool is dropped.
    fn work(&self) {
        let mut state = self.lock();
        while !state.over {
            let Some(key) = state.waiting.pop_front() else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let Some(job) = state.jobs.get_mut(&key) else { continue };
            let work = job.work.take().filter(|_| !job.is_abandoned());
            drop(state);
            let done = work.and_then(|work| catch_unwind(AssertUnwindSafe(work)).ok());
            state = self.lock();
            let askers = state.jobs.remove(&key).map(|job| job.askers).unwrap_or_default();
            if let Some(done) = done {
                for asker in askers {
                    // An error means that the request has ended meanwhile.
                    drop(asker.send(done.clone()));
                }
            }
        }
    }
}

impl<K, V> PoolCore<K, V> {
    fn lock(&self) -> MutexGuard<'_, PoolState<K, V>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> Drop for Pool<K, V> {
    fn drop(&mut self) {
        self.0.lock().over = true;
        self.0.changed.notify_all();
    }
}

impl<K, V> Debug for Pool<K, V> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let state = self.0.lock();
        write!(f, "Pool({}: {} threads, {} waiting)", self.0.name, state.threads, state.waiting.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    };

    /// A pool of one thread that is held up until the returned sender is dropped, and the receiver of that job.
    fn held(most_waiting: usize) -> (Pool<u32, u32>, mpsc::Sender<()>, oneshot::Receiver<u32>) {
        let pool = Pool::new("test", 1, most_waiting);
        let ((hold, released), (begin, running)) = (mpsc::channel::<()>(), mpsc::channel());
        let work = move || {
            begin.send(()).expect("the test waits");
            released.recv().map_or(0, |()| 1)
        };
        let first = pool.ask(0, work).expect("room");
        running.recv().expect("it begins");
        (pool, hold, first)
    }

    #[tokio::test]
    async fn a_full_queue_refuses_and_equal_requests_share_a_job() {
        let (pool, hold, first) = held(2);
        let count = Arc::new(AtomicUsize::new(0));
        let ask = |key| {
            let count = Arc::clone(&count);
            pool.ask(key, move || {
                count.fetch_add(1, Ordering::Relaxed);
                key
            })
        };
        let waiting = [ask(1), ask(2), ask(1), ask(2)].map(|asked| asked.expect("room"));
        let running = ask(0).expect("the job that is worked on is shared, too");
        assert!(ask(3).is_none(), "two jobs wait");
        drop(hold);
        for (asked, key) in waiting.into_iter().zip([1, 2, 1, 2]) {
            assert_eq!(asked.await, Ok(key));
        }
        assert_eq!((first.await, running.await), (Ok(0), Ok(0)));
        assert_eq!(count.load(Ordering::Relaxed), 2, "each was made once");
        assert_eq!(ask(3).expect("room").await, Ok(3));
    }

    #[tokio::test]
    async fn a_job_that_nobody_waits_for_is_not_begun_and_leaves_its_place() {
        let (pool, hold, first) = held(1);
        let left = pool.ask(1, || panic!("nobody waits for this")).expect("room");
        drop(left);
        let next = pool.ask(2, || 2).expect("the place is free");
        let panics = pool.ask(2, || unreachable!("shared")).expect("room");
        drop(hold);
        assert_eq!((first.await, next.await, panics.await), (Ok(0), Ok(2), Ok(2)));
    }

    #[test]
    fn askers_of_a_held_job_who_gave_up_take_no_memory() {
        let (pool, hold, first) = held(1);
        for _ in 0..10_000 {
            drop(pool.ask(0, || 0));
        }
        assert!(pool.0.lock().jobs.values().all(|job| job.askers.len() <= 16));
        drop((first, hold));
    }

    #[tokio::test]
    async fn a_panic_ends_its_job_alone() {
        let pool: Pool<u32, u32> = Pool::new("test", 1, 1);
        assert!(pool.ask(1, || panic!("on purpose")).expect("room").await.is_err());
        assert_eq!(pool.ask(1, || 1).expect("room").await, Ok(1));
    }
}
