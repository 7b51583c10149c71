//! The frames that wait for a socket (R10): bounded in bytes, with at most one `playback`, one `devices` and one `library`
//! frame.

use crate::count::{self, LevelShare};
use crate::node::FrameKind;
use std::collections::VecDeque;
use std::sync::Arc;

/// Most bytes that may wait for one socket.
pub const OUTBOX_BYTES: usize = 64 * 1024;

/// With the frame more than [`OUTBOX_BYTES`] would wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overflow;

/// Frames in order, at most [`OUTBOX_BYTES`] of them.
#[derive(Debug)]
pub struct Outbox {
    frames: VecDeque<(FrameKind, Arc<str>)>,
    bytes: usize,
    counted_frames: LevelShare,
    counted_bytes: LevelShare,
}

impl Default for Outbox {
    fn default() -> Self {
        let (counted_frames, counted_bytes) = (LevelShare::backlog_frames(), LevelShare::backlog_bytes());
        Self { frames: VecDeque::new(), bytes: 0, counted_frames, counted_bytes }
    }
}

impl Outbox {
    /// Puts a frame behind the others. One of before of the same kind, if it waits, is removed, unless all frames of its kind
    /// are sent ([`FrameKind`]).
    ///
    /// # Errors
    /// [`Overflow`] when it does not fit.
    pub fn push(&mut self, kind: FrameKind, frame: Arc<str>) -> Result<(), Overflow> {
        if !matches!(kind, FrameKind::Page | FrameKind::Other) {
            self.frames.retain(|(waiting, _)| *waiting != kind);
            self.bytes = self.frames.iter().map(|(_, frame)| frame.len()).sum();
        }
        if self.bytes.saturating_add(frame.len()) > OUTBOX_BYTES {
            return Err(Overflow);
        }
        self.bytes = self.bytes.saturating_add(frame.len());
        self.frames.push_back((kind, frame));
        // There would be one more than before.
        if self.frames.len() == self.counted_frames.now() {
            count::replaced_state();
        }
        self.count();
        Ok(())
    }

    /// The frame to write next.
    #[must_use]
    pub fn first(&self) -> Option<Arc<str>> {
        self.frames.front().map(|(_, frame)| frame.clone())
    }

    /// Removes the first frame: it was written.
    pub fn pop(&mut self) {
        if let Some((_, frame)) = self.frames.pop_front() {
            self.bytes = self.bytes.saturating_sub(frame.len());
            count::frame_out(frame.len());
            self.count();
        }
    }

    fn count(&mut self) {
        self.counted_frames.set(self.frames.len());
        self.counted_bytes.set(self.bytes);
    }

    /// Whether no frame waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// How many bytes wait.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_state_takes_the_place_of_older_ones_and_nothing_else_does() {
        let mut outbox = Outbox::default();
        let frames = [
            (FrameKind::Playback, "p1"),
            (FrameKind::Other, "ack"),
            (FrameKind::Devices, "d1"),
            (FrameKind::Other, "ack"),
        ];
        for (kind, frame) in frames.into_iter().chain([(FrameKind::Playback, "p2"), (FrameKind::Devices, "d2")]) {
            outbox.push(kind, frame.into()).expect("it is small");
        }
        let counted = count::of_this_thread();
        assert_eq!((counted.replaced_states, counted.backlog_frames, counted.backlog_bytes), (2, 4, 10));
        let mut written = Vec::new();
        while let Some(frame) = outbox.first() {
            written.push(frame.to_string());
            outbox.pop();
        }
        assert_eq!(written, ["ack", "ack", "p2", "d2"]);
        assert_eq!(outbox.bytes(), 0);
        let counted = count::of_this_thread();
        assert_eq!((counted.frames_out, counted.bytes_out), (4, 10));
        assert_eq!((counted.backlog_frames, counted.backlog_bytes), (0, 0));
    }

    #[test]
    fn a_full_outbox_refuses_and_keeps_its_size() {
        let mut outbox = Outbox::default();
        let frame: Arc<str> = "x".repeat(1000).into();
        let fitted = (0..1000).take_while(|_| outbox.push(FrameKind::Other, frame.clone()).is_ok()).count();
        assert_eq!(fitted, OUTBOX_BYTES / 1000);
        assert!(outbox.bytes() <= OUTBOX_BYTES);
        outbox.pop();
        assert_eq!(outbox.push(FrameKind::Playback, frame.clone()), Ok(()));
        assert_eq!(outbox.push(FrameKind::Playback, frame), Ok(()), "it replaces the frame that waits");
    }
}
