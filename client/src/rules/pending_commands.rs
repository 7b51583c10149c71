//! Pending commands: sent again where it is unknown whether they arrived, and after a reject with `retry_ms` (R4, R11).

use super::{Client, Output};
use crate::protocol::ids::{CommandId, MediaId};
use crate::protocol::messages::{Command, Op, RejectCode};
use crate::protocol::wire::ClientMessage;
use std::collections::VecDeque;

/// Most pending commands.
const MOST: usize = 16;
/// A command without an answer is not sent again after this long, in milliseconds: the person no longer expects it, and
/// the server may keep answers for only 10 minutes.
const EXPIRES_MS: i64 = 5 * 60 * 1000;
/// The longest `retry_ms`, in milliseconds, after which a command is sent again; with a longer one it counts as
/// rejected.
const LONGEST_RETRY_MS: u32 = 10_000;

/// A command without an answer.
#[derive(Debug, Clone)]
struct PendingCommand {
    command: Command<MediaId>,
    /// When it was given, in local time.
    issued_us: i64,
    /// When it is to be sent again after a reject with `retry_ms`, in local time.
    due_us: Option<i64>,
    /// How often it was sent on this socket without an answer.
    copies: u32,
}

impl PendingCommand {
    const fn is_recent(&self, local_us: i64) -> bool {
        local_us.saturating_sub(EXPIRES_MS.saturating_mul(1000)) <= self.issued_us
    }

    /// Counts the answer to one copy. Returns whether the answer to another copy is still expected.
    fn expects_another_answer(&mut self) -> bool {
        self.copies = self.copies.saturating_sub(1);
        self.copies > 0
    }

    fn send(&mut self) -> Output {
        self.due_us = None;
        self.copies = self.copies.saturating_add(1);
        Output::Send(ClientMessage::Command(Box::new(self.command.clone())))
    }
}

/// All pending commands.
#[derive(Debug, Clone, Default)]
pub(super) struct PendingCommands {
    /// In the order in which they were given.
    waiting: VecDeque<PendingCommand>,
    /// A command that was rejected with `retry_ms` and has been sent again. Until it is answered no other one is sent
    /// again, because several at once would exceed the rate limit again.
    retrying: Option<CommandId>,
}

impl Client {
    pub(super) fn command(&mut self, local_us: i64, id: CommandId, op: Op<MediaId>, outputs: &mut Vec<Output>) {
        if self.pending_commands.waiting.len() >= MOST {
            let why = "too many commands wait for an answer; try again when the server has answered".to_owned();
            outputs.push(Output::Answered(id, Err((RejectCode::Busy, why))));
            return;
        }
        let current = self.playback.as_ref().and_then(|shown| shown.item).map(|item| item.id);
        let if_item = matches!(op, Op::Next | Op::Previous).then_some(current).flatten();
        let command = Command { id, if_item, if_queue_revision: None, if_lease: None, op };
        let mut waiting = PendingCommand { command, issued_us: local_us, due_us: None, copies: 0 };
        if self.link.is_welcomed() {
            outputs.push(waiting.send());
        }
        self.pending_commands.waiting.push_back(waiting);
    }

    /// A copy that was sent on another socket is not answered on this one.
    pub(super) fn reset_copies(&mut self) {
        for waiting in &mut self.pending_commands.waiting {
            waiting.copies = 0;
        }
    }

    /// Sends all pending commands again, because it is unknown whether they arrived; the server applies each once,
    /// however often it is sent. Those that are too old are given up.
    pub(super) fn resend_all(&mut self, local_us: i64, outputs: &mut Vec<Output>) {
        while let Some(waiting) = self.pending_commands.waiting.pop_front_if(|waiting| !waiting.is_recent(local_us)) {
            let why = "there was no connection for too long; try again".to_owned();
            outputs.push(Output::Answered(waiting.command.id, Err((RejectCode::Unavailable, why))));
        }
        self.pending_commands.retrying = None;
        outputs.extend(self.pending_commands.waiting.iter_mut().map(PendingCommand::send));
    }

    pub(super) fn answered(
        &mut self,
        id: CommandId,
        answer: Result<u64, (RejectCode, String)>,
        outputs: &mut Vec<Output>,
    ) {
        self.pending_commands.retrying.take_if(|retrying| *retrying == id);
        if self.pending_commands.waiting.iter().any(|waiting| waiting.command.id == id) {
            self.pending_commands.waiting.retain(|waiting| waiting.command.id != id);
            outputs.push(Output::Answered(id, answer));
        }
    }

    /// A reject. With a `retry_ms` the command is sent again after it. Of a command that was sent twice one copy may be
    /// rejected and the next one accepted: the last answer counts.
    pub(super) fn refused(
        &mut self,
        local_us: i64,
        id: CommandId,
        retry_ms: Option<u32>,
        why: (RejectCode, String),
        outputs: &mut Vec<Output>,
    ) {
        let copy = self.pending_commands.waiting.iter_mut().find(|waiting| waiting.command.id == id);
        if copy.is_some_and(PendingCommand::expects_another_answer) {
            return;
        }
        self.pending_commands.retrying.take_if(|retrying| *retrying == id);
        let recent = self
            .pending_commands
            .waiting
            .iter_mut()
            .find(|waiting| waiting.command.id == id && waiting.is_recent(local_us));
        let retry_ms = retry_ms.filter(|retry_ms| (1..=LONGEST_RETRY_MS).contains(retry_ms));
        if let Some((waiting, retry_ms)) = recent.zip(retry_ms) {
            waiting.due_us = Some(local_us.saturating_add(i64::from(retry_ms) * 1000));
        } else {
            self.answered(id, Err(why), outputs);
        }
    }

    /// When a command is to be sent again, in local time.
    pub(super) fn resend_due(&self) -> Option<i64> {
        let is_free = self.link.is_welcomed() && self.pending_commands.retrying.is_none();
        self.pending_commands.waiting.iter().filter(|_| is_free).find_map(|waiting| waiting.due_us)
    }

    pub(super) fn resend_when_due(&mut self, local_us: i64, outputs: &mut Vec<Output>) {
        if self.resend_due().is_some_and(|due_us| due_us <= local_us)
            && let Some(waiting) = self.pending_commands.waiting.iter_mut().find(|waiting| waiting.due_us.is_some())
        {
            self.pending_commands.retrying = Some(waiting.command.id);
            outputs.push(waiting.send());
        }
    }
}
