//! How an attack is written: one line for each thing that happens, so that a person, a generator and a fuzzer write alike.
//!
//! | line | what happens |
//! |---|---|
//! | `3{"type":…}` | socket 3 (of 8) says this; it is opened first if it is not |
//! | `3@` | socket 3 joins as a device of its own, unless it has joined |
//! | `3*40` | socket 3, while it is open, says its last frame again, so many times, at most 250; what `$` stands for may have changed |
//! | `3!` | socket 3 sends a ping of the WebSocket protocol |
//! | `3#` | socket 3 takes nothing from now on, or everything again |
//! | `3<`, `3>` | socket 3 breaks, or is closed properly |
//! | `+1500` | so many milliseconds pass, at most 60,000 |
//! | `?n` | the next commit is not written; `?c` comes too late, `?u` is written and `?l` is not, without an answer, `?w` waits |
//! | `%` | the database is put back to an earlier state |
//! | `&`, `~`, `&~` | first of all: other nodes share the session; strict mode; both |
//!
//! In a frame `$` and a letter stand for what is true at that moment: see [`fill`].

use segue_actors::protocol::ids::{ItemId, Micros, Stamp};
use segue_actors::protocol::playback::Playback;

/// What becomes of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is refused.
    NotSent,
    /// Another node was first.
    Conflict,
    /// It is written, and nobody is told.
    UnknownWritten,
    /// It is lost, and nobody is told.
    UnknownLost,
    /// It is answered when time passes.
    Waits,
}

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act<'a> {
    /// A socket says this.
    Say(usize, &'a str),
    /// It joins, unless it has.
    Join(usize),
    /// It says the last again, so many times.
    Again(usize, usize),
    /// It sends a protocol ping.
    Control(usize),
    /// It takes nothing, or everything again.
    Block(usize),
    /// It ends: properly or not.
    End(usize, bool),
    /// Milliseconds pass.
    Pass(i64),
    /// So it goes with the next commit.
    Fail(Fate),
    /// An earlier state is put back.
    PutBack,
}

/// Reads one line; one that means nothing is skipped.
pub(crate) fn parse(line: &str) -> Option<Act<'_>> {
    let first = line.chars().next()?;
    let rest = line.get(first.len_utf8()..)?;
    let number = |text: &str, most: u64| text.parse::<u64>().ok().map(|number| number.min(most));
    Some(match first {
        '0'..='7' => {
            let socket = usize::try_from(first.to_digit(8)?).ok()?;
            match (rest.chars().next(), rest.get(1..)) {
                (Some('*'), Some(count)) => Act::Again(socket, usize::try_from(number(count, 250)?).ok()?),
                (Some('@'), Some("")) => Act::Join(socket),
                (Some('!'), Some("")) => Act::Control(socket),
                (Some('#'), Some("")) => Act::Block(socket),
                (Some('<'), Some("")) => Act::End(socket, false),
                (Some('>'), Some("")) => Act::End(socket, true),
                _ => Act::Say(socket, rest),
            }
        }
        '+' => Act::Pass(i64::try_from(number(rest, 60_000)?).ok()?),
        '?' => Act::Fail(match rest {
            "n" => Fate::NotSent,
            "c" => Fate::Conflict,
            "u" => Fate::UnknownWritten,
            "l" => Fate::UnknownLost,
            "w" => Fate::Waits,
            _ => return None,
        }),
        '%' => Act::PutBack,
        _ => return None,
    })
}

/// What a frame may speak of.
pub(crate) struct Facts<'a> {
    /// What is shown of the session, once it is loaded.
    pub(crate) playback: Option<&'a Playback>,
    /// The last entry of its queue.
    pub(crate) last: Option<ItemId>,
    /// Server time, in microseconds.
    pub(crate) now_us: i64,
    /// A number that was never used.
    pub(crate) fresh: u64,
}

impl Facts<'_> {
    /// The lease `$l`, turn `$t`, stamp `$s`, the lease of a transfer `$r` and of a replaced holder `$a`; the current
    /// entry `$i`, the next `$n` and the last `$q`; the active device `$o`; now `$u` and the place `$p`; an id `$c`.
    fn of(&self, letter: char) -> Option<String> {
        let playback = self.playback;
        let stamp = |stamp: Option<Stamp>| {
            let Stamp { epoch, revision } = stamp.unwrap_or_default();
            format!("[{epoch},{revision}]")
        };
        let item = |id: Option<ItemId>| id.unwrap_or(ItemId(9)).to_string();
        Some(match letter {
            'l' => stamp(playback.and_then(|shown| shown.active).map(|active| active.lease)),
            't' => stamp(playback.map(|shown| shown.turn)),
            's' => stamp(playback.map(Playback::stamp)),
            'r' => stamp(playback.and_then(|shown| shown.transfer).and_then(|transfer| transfer.lease)),
            'a' => stamp(playback.and_then(|shown| shown.after.first()).map(|entry| entry.lease)),
            'i' => item(playback.and_then(|shown| shown.item).map(|item| item.id)),
            'n' => item(playback.and_then(|shown| shown.next).map(|item| item.id)),
            'q' => item(self.last),
            'o' => format!("{:016x}", playback.and_then(|shown| shown.active).map_or(0, |active| active.device_id.0)),
            'u' => self.now_us.to_string(),
            'p' => playback.map_or(0, |shown| shown.position_at(Micros(self.now_us))).to_string(),
            'c' => format!("{:016x}", self.fresh),
            _ => return None,
        })
    }
}

/// Puts what is true in place of `$` and a letter.
pub(crate) fn fill(frame: &str, facts: &Facts<'_>) -> String {
    let mut filled = String::with_capacity(frame.len());
    let mut parts = frame.split('$');
    filled.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let letter = part.chars().next();
        if let Some(fact) = letter.and_then(|letter| facts.of(letter)) {
            filled.push_str(&fact);
            filled.push_str(&part[1..]);
        } else {
            filled.push('$');
            filled.push_str(part);
        }
    }
    filled
}
