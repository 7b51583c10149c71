//! `--json`: events on standard output and commands on standard input, one per line. A reader that is slow or gone does not
//! delay the device.

use super::{Happening, Request, events::EventLine};
use crate::values::printed;
use std::{
    cell::Cell,
    io::{self, BufRead as _, Read as _, Write as _},
    rc::Rc,
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    thread,
    time::Duration,
};
use tokio::{
    sync::mpsc::Sender,
    time::{Instant, sleep_until},
};

/// How many lines may wait for the reader of standard output; further ones are counted and dropped.
const WAITING: usize = 4096;
/// The longest line that is read, in bytes.
const LINE_BYTES: u64 = 16 * 1024;
/// How long the end of the program waits until the last lines are written.
const FLUSH_WITHIN: Duration = Duration::from_secs(2);
/// Time between two looks of the witness at the clock.
const WITNESS: Duration = Duration::from_millis(5);

/// Writes events to standard output, and reads commands from standard input.
pub(super) struct Lines {
    waiting: Option<SyncSender<String>>,
    over: Receiver<()>,
    dropped: Cell<u64>,
    /// How late the witness's timer was at worst, in milliseconds.
    late_ms: Rc<Cell<u64>>,
}

impl Lines {
    /// Starts to write, to read commands, and to measure how late the event loop is.
    pub(super) fn open(happenings: &Sender<Happening>, exit_with_stdin: bool) -> Self {
        let (waiting, lines) = sync_channel(WAITING);
        let (done, over) = sync_channel(1);
        let listeners = happenings.clone();
        thread::spawn(move || {
            let broken = write(&lines).is_err();
            if broken {
                // Standard output is closed: the device has no reader, and ends.
                drop(listeners.blocking_send(Happening::FrontEnded(Ok(()))));
            }
            let _ = done.send(());
        });
        let listeners = happenings.clone();
        thread::spawn(move || read(&listeners, exit_with_stdin));
        let late_ms = Rc::new(Cell::new(0));
        actix::spawn(witness(late_ms.clone()));
        Self { waiting: Some(waiting), over, dropped: Cell::new(0), late_ms }
    }

    /// Queues an event to be printed.
    pub(super) fn tell(&self, event: &EventLine<'_>) {
        let dropped = self.dropped.get();
        if dropped > 0 && self.put(&EventLine::Dropped { lines: dropped }) {
            self.dropped.set(0);
        }
        if !self.put(event) {
            self.dropped.set(self.dropped.get().saturating_add(1));
        }
    }

    fn put(&self, event: &EventLine<'_>) -> bool {
        let line = text(event);
        let full = |waiting: &SyncSender<String>| matches!(waiting.try_send(line), Err(TrySendError::Full(_)));
        !self.waiting.as_ref().is_some_and(full)
    }

    /// How late the witness was at worst since the last call, in milliseconds.
    pub(super) fn late_ms(&self) -> u64 {
        self.late_ms.take()
    }
}

/// Waits until the last lines are written.
impl Drop for Lines {
    fn drop(&mut self) {
        self.waiting = None;
        // If the reader does not read, they are lost.
        let _ = self.over.recv_timeout(FLUSH_WITHIN);
    }
}

/// The event as JSON. Names come from the network: no terminal obeys them.
fn text(event: &EventLine<'_>) -> String {
    let mut line = String::new();
    printed::push_json(&mut line, &serde_json::to_string(event).unwrap_or_default());
    line
}

fn write(lines: &Receiver<String>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    while let Ok(line) = lines.recv() {
        writeln!(out, "{line}")?;
        out.flush()?;
    }
    Ok(())
}

fn read(happenings: &Sender<Happening>, exit_with_stdin: bool) {
    let mut input = io::stdin().lock();
    loop {
        let mut line = Vec::new();
        // An error of reading counts as the end of the input.
        let bytes = (&mut input).take(LINE_BYTES).read_until(b'\n', &mut line).unwrap_or(0);
        if bytes == 0 {
            break;
        }
        let is_whole = line.ends_with(b"\n") || u64::try_from(bytes).unwrap_or(LINE_BYTES) < LINE_BYTES;
        let asked = if is_whole {
            String::from_utf8_lossy(&line).parse::<Request>()
        } else {
            drop(input.skip_until(b'\n'));
            Err(format!("a line has at most {LINE_BYTES} bytes"))
        };
        if happenings.blocking_send(Happening::Asked(asked)).is_err() {
            return;
        }
    }
    if exit_with_stdin {
        drop(happenings.blocking_send(Happening::Asked(Ok(Request::Quit))));
    }
}

/// Measures how late this event loop is, with a timer.
async fn witness(late_ms: Rc<Cell<u64>>) {
    loop {
        let due = Instant::now() + WITNESS;
        sleep_until(due).await;
        let late = u64::try_from(due.elapsed().as_millis()).unwrap_or(u64::MAX);
        late_ms.set(late_ms.get().max(late));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_terminal_obeys_a_name() {
        let message = "\u{1b}[2J\u{9b}\u{7f}\n\u{2028}é";
        let line = text(&EventLine::Error { message });
        assert!(!line.contains(|letter: char| letter.is_control() || letter == '\u{2028}'), "{line:?}");
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["message"], message);
    }
}
