//! Playback without sound: the bytes of an item are streamed, and its position moves in real time.

use super::{
    api::Api,
    download::{DownloadProgress, KnownHashes, download},
    happening::{FromAudio, Happening},
};
use segue_client::protocol::{
    ids::MediaId,
    playback::{Item, Rate},
};
use std::{pin::pin, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, sleep_until},
};

/// If no bytes come for this long while they are needed, playback has stalled.
const PATIENCE: Duration = Duration::from_secs(2);
/// A time so far away that it is never reached while a track plays.
const LATER: Duration = Duration::from_hours(24);

/// What is to be played.
pub(super) struct Order {
    pub(super) number: u64,
    pub(super) item: Item,
    pub(super) position_ms: i64,
    pub(super) rate: Rate,
    /// It loads, and does not start before [`Player::go`].
    pub(super) waits: bool,
}

/// An item that is played; dropping this stops it at once.
pub(super) struct Player {
    number: u64,
    item: Item,
    waits: bool,
    go: watch::Sender<Option<i64>>,
    task: JoinHandle<()>,
}

impl Player {
    /// Starts to play; events are sent with the order's number.
    pub(super) fn start(order: Order, api: &Api, known: &KnownHashes, happenings: mpsc::Sender<Happening>) -> Self {
        let (number, item, waits) = (order.number, order.item, order.waits);
        let (go, told) = watch::channel(None);
        let (api, known) = (api.clone(), known.clone());
        let task = actix::spawn(async move {
            let end = play(&order, told, &api, &known, &happenings).await;
            tell(&happenings, order.number, end).await;
        });
        Self { number, item, waits, go, task }
    }

    /// Starts at `position_ms`, if it waits with this item. Returns whether it does.
    pub(super) fn go(&mut self, item: Item, position_ms: i64) -> bool {
        let is_it = self.waits && self.item.id == item.id && !self.task.is_finished();
        if is_it {
            self.waits = false;
            self.go.send_replace(Some(position_ms));
        }
        is_it
    }

    /// The number that its events are sent with.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// The item that it plays.
    pub(super) const fn item(&self) -> Item {
        self.item
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn tell(happenings: &mpsc::Sender<Happening>, number: u64, what: FromAudio) {
    // Sending fails only while the program ends.
    drop(happenings.send(Happening::Audio(number, what)).await);
}

/// Plays to the end; returns how it ended.
async fn play(
    order: &Order,
    mut told: watch::Receiver<Option<i64>>,
    api: &Api,
    known: &KnownHashes,
    happenings: &mpsc::Sender<Happening>,
) -> FromAudio {
    let media_id: MediaId = order.item.media_id;
    let (progress, mut seen) = watch::channel(DownloadProgress::default());
    let mut loading = pin!(download(api, media_id, known, &progress));
    let mut tape = Tape::new(order);
    let mut is_loaded = false;
    loop {
        let due = tape.due(is_loaded).unwrap_or_else(|| Instant::now() + LATER);
        tokio::select! {
            loaded = &mut loading, if !is_loaded => match loaded {
                Ok(loaded) => {
                    is_loaded = true;
                    tell(happenings, order.number, FromAudio::Loaded(loaded)).await;
                }
                Err(why) => return FromAudio::Failed(why),
            },
            Ok(()) = seen.changed(), if !is_loaded => tape.bytes_came(*seen.borrow_and_update(), Instant::now()),
            Ok(()) = told.changed() => {
                if let Some(position_ms) = *told.borrow_and_update() {
                    tape.go(position_ms, Instant::now());
                }
            }
            () = sleep_until(due) => {}
        }
        let now = Instant::now();
        match tape.turn(now, is_loaded) {
            Turn::On => {}
            Turn::Waits => tell(happenings, order.number, FromAudio::Prepared).await,
            Turn::Starts(position_ms) => tell(happenings, order.number, FromAudio::Started(position_ms)).await,
            Turn::Stalls => tell(happenings, order.number, FromAudio::Stalled).await,
            Turn::Ends => return FromAudio::Finished,
        }
    }
}

/// The position in the item, and how far its bytes reach.
#[derive(Debug)]
struct Tape {
    duration_ms: Option<i64>,
    rate: Rate,
    wait: TapeWait,
    /// The position at `running_since`, or the current one while it stands still.
    position_ms: i64,
    running_since: Option<Instant>,
    progress: DownloadProgress,
    last_bytes: Instant,
}

/// Whether a tape waits for [`Player::go`] before it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TapeWait {
    No,
    Loading,
    Ready,
}

/// What a tape does next.
#[derive(Debug, PartialEq, Eq)]
enum Turn {
    On,
    /// It could start, and waits for [`Player::go`].
    Waits,
    Starts(i64),
    Stalls,
    Ends,
}

impl Tape {
    fn new(order: &Order) -> Self {
        Self {
            duration_ms: order.item.duration_ms,
            rate: order.rate,
            wait: if order.waits { TapeWait::Loading } else { TapeWait::No },
            position_ms: order.position_ms,
            running_since: None,
            progress: DownloadProgress::default(),
            last_bytes: Instant::now(),
        }
    }

    const fn go(&mut self, position_ms: i64, now: Instant) {
        self.wait = TapeWait::No;
        self.position_ms = position_ms;
        self.last_bytes = now;
    }

    const fn bytes_came(&mut self, progress: DownloadProgress, now: Instant) {
        self.progress = progress;
        self.last_bytes = now;
    }

    fn place_ms(&self, now: Instant) -> i64 {
        let Some(since) = self.running_since else { return self.position_ms };
        let run_us = i64::try_from((now - since).as_micros()).unwrap_or(i64::MAX);
        self.position_ms.saturating_add(self.rate.audio_us(run_us) / 1000)
    }

    /// When the tape reaches a position, if it runs.
    fn when_at(&self, place_ms: i64) -> Option<Instant> {
        let left_ms = place_ms.saturating_sub(self.position_ms).max(0);
        let wait_us = u64::try_from(self.rate.wall_us(left_ms.saturating_mul(1000))).unwrap_or(0);
        self.running_since?.checked_add(Duration::from_micros(wait_us))
    }

    /// The position up to which there are bytes, if each second of the item has equally many.
    fn reach_ms(&self) -> i64 {
        let (Some(total), Some(duration_ms)) = (self.progress.total.filter(|total| *total > 0), self.duration_ms)
        else {
            return i64::MAX;
        };
        let reach = i128::from(duration_ms) * i128::from(self.progress.received) / i128::from(total);
        i64::try_from(reach).unwrap_or(i64::MAX)
    }

    fn stall_at(&self) -> Option<Instant> {
        Some(self.when_at(self.reach_ms())?.max(self.last_bytes + PATIENCE))
    }

    fn due(&self, is_loaded: bool) -> Option<Instant> {
        let end = self.duration_ms.and_then(|duration_ms| self.when_at(duration_ms));
        let stall = self.stall_at().filter(|_| !is_loaded);
        end.into_iter().chain(stall).min()
    }

    fn turn(&mut self, now: Instant, is_loaded: bool) -> Turn {
        if self.running_since.is_none() {
            // Any bytes start it the first time; a tape that has stalled waits for more.
            if is_loaded || (self.progress.received > 0 && now < self.last_bytes + PATIENCE) {
                return match self.wait {
                    TapeWait::Ready => Turn::On,
                    TapeWait::Loading => {
                        self.wait = TapeWait::Ready;
                        Turn::Waits
                    }
                    TapeWait::No => {
                        self.running_since = Some(now);
                        Turn::Starts(self.position_ms)
                    }
                };
            }
            return Turn::On;
        }
        let place_ms = self.place_ms(now);
        let has_ended = self.duration_ms.map_or(is_loaded, |duration_ms| place_ms >= duration_ms);
        if has_ended {
            return Turn::Ends;
        }
        if !is_loaded && self.stall_at().is_some_and(|at| at <= now) {
            self.position_ms = place_ms;
            self.running_since = None;
            return Turn::Stalls;
        }
        Turn::On
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use segue_client::protocol::{ids::ItemId, playback::MediaKind};

    fn tape(position_ms: i64, duration_ms: Option<i64>, rate: f64) -> (Tape, Instant) {
        let item = Item { id: ItemId(1), kind: MediaKind::Track, media_id: MediaId(2), duration_ms };
        let rate = Rate::from_factor(rate).expect("in range");
        let tape = Tape::new(&Order { number: 1, item, position_ms, rate, waits: false });
        let start = tape.last_bytes;
        (tape, start)
    }

    const fn some(received: u64) -> DownloadProgress {
        DownloadProgress { received, total: Some(1000) }
    }

    #[test]
    fn it_starts_with_the_first_bytes_and_ends_in_real_time() {
        let (mut tape, start) = tape(4_000, Some(10_000), 2.0);
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!((tape.turn(at(0), false), tape.due(false)), (Turn::On, None));
        tape.bytes_came(some(1), at(10));
        assert_eq!(tape.turn(at(10), false), Turn::Starts(4_000));
        tape.bytes_came(some(1000), at(20));
        assert_eq!((tape.turn(at(20), true), tape.due(true)), (Turn::On, Some(at(3_010))));
        assert_eq!(tape.place_ms(at(1_010)), 6_000);
        assert_eq!((tape.turn(at(3_009), true), tape.turn(at(3_010), true)), (Turn::On, Turn::Ends));
    }

    #[test]
    fn it_stalls_where_the_bytes_end_and_goes_on_from_there() {
        let (mut tape, start) = tape(0, Some(10_000), 1.0);
        let at = |ms| start + Duration::from_millis(ms);
        tape.bytes_came(some(300), at(0));
        assert_eq!(tape.turn(at(0), false), Turn::Starts(0));
        assert_eq!((tape.due(false), tape.turn(at(2_900), false)), (Some(at(3_000)), Turn::On));
        assert_eq!(tape.turn(at(3_000), false), Turn::Stalls);
        assert_eq!((tape.turn(at(9_000), false), tape.due(false)), (Turn::On, None));
        tape.bytes_came(some(400), at(9_000));
        assert_eq!(tape.turn(at(9_000), false), Turn::Starts(3_000));
        assert_eq!(tape.due(false), Some(at(11_000)), "fresh bytes earn patience");
    }

    #[test]
    fn what_is_prepared_waits_for_a_word_and_starts_where_it_says() {
        let (mut tape, start) = tape(4_000, Some(10_000), 1.0);
        tape.wait = TapeWait::Loading;
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(tape.turn(at(0), false), Turn::On);
        tape.bytes_came(some(500), at(10));
        assert_eq!((tape.turn(at(10), false), tape.turn(at(20), false)), (Turn::Waits, Turn::On));
        tape.go(4_500, at(9_000));
        assert_eq!(tape.turn(at(9_000), false), Turn::Starts(4_500));
        assert_eq!(tape.place_ms(at(9_100)), 4_600);
    }

    #[test]
    fn without_a_length_the_bytes_are_the_end() {
        let (mut tape, start) = tape(0, None, 1.0);
        tape.bytes_came(DownloadProgress { received: 5, total: None }, start);
        assert_eq!(tape.turn(start, false), Turn::Starts(0));
        assert_eq!(tape.turn(start + PATIENCE * 2, false), Turn::On);
        assert_eq!(tape.turn(start + PATIENCE * 2, true), Turn::Ends);
    }
}
