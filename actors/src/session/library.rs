//! Tells devices that what the user keeps (saved music, playlists) has changed: when, not what.

use super::SessionActor;
use crate::node::{FrameKind, ToSocket};
use crate::protocol::ids::Micros;
use crate::protocol::wire::ServerMessage;
use actix::{AsyncContext, Context, Handler, Message};
use std::time::Duration;

/// The shortest time between two frames about it: changes within it are told by one.
const EVERY: Duration = Duration::from_millis(250);

/// What a user keeps, by the part of it that has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub enum LibraryChange {
    /// Saved tracks and albums, and artists that are followed.
    Saved,
    /// The user's own playlists.
    Playlists,
}

impl Handler<LibraryChange> for SessionActor {
    type Result = ();

    fn handle(&mut self, changed: LibraryChange, ctx: &mut Context<Self>) {
        let now = self.now();
        let of = match changed {
            LibraryChange::Saved => &mut self.library.saved_us,
            LibraryChange::Playlists => &mut self.library.playlists_us,
        };
        // Another instant in any case: devices compare them.
        *of = now.max(Micros(of.0.saturating_add(1)));
        self.is_library_untold = true;
        if self.library_told.is_none() {
            self.tell_library(ctx);
        }
    }
}

impl SessionActor {
    fn tell_library(&mut self, ctx: &mut Context<Self>) {
        if !std::mem::take(&mut self.is_library_untold) {
            self.library_told = None;
            return;
        }
        let frame = ServerMessage::Library(self.library).to_frame();
        for connection in &self.welcomed {
            self.tell(*connection, ToSocket::Frame(FrameKind::Library, frame.clone()));
        }
        self.library_told = Some(ctx.run_later(EVERY, Self::tell_library));
    }
}
