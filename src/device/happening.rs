//! What happens around the rules: all of it arrives in one queue, which [`super::running`] reads.

use super::{api::ShownTrack, download::Loaded, request::Request, trouble::Trouble};
use segue_client::protocol::{ids::MediaId, wire::ServerMessage};

/// An event for the event loop of the device.
pub(super) enum Happening {
    /// An event of the socket with that number.
    Socket(u64, FromSocket),
    /// An event of the player with that number.
    Audio(u64, FromAudio),
    /// A request of a person or a program; the error says why a line is none.
    Asked(Result<Request, String>),
    /// The catalogue answered.
    Found(Found),
    /// The screen or the lines have ended: nobody can see the device any more.
    FrontEnded(Result<(), Trouble>),
}

/// The result of something that was looked up.
pub(super) enum Found {
    /// The text of a request, and the tracks that it plays, from the one of that index on.
    ToPlay(String, Result<(Vec<MediaId>, usize), String>),
    /// The words that were typed, and the hits for them.
    Hits(String, Result<Vec<ShownTrack>, String>),
    /// A track, if there is one of that id.
    Track(MediaId, Option<ShownTrack>),
}

/// An event of a socket.
#[derive(Debug)]
pub(super) enum FromSocket {
    /// It is open.
    Opened,
    /// It has received a message.
    Message(Box<ServerMessage>),
    /// It has closed: the server's close code, if there was one, and the reason as text.
    Closed(Option<u16>, String),
}

/// What happened to the audio.
#[derive(Debug)]
pub(super) enum FromAudio {
    /// It has enough bytes to start, and waits for [`Player::go`].
    Prepared,
    /// It plays from this position on, in milliseconds.
    Started(i64),
    /// It has stopped for want of bytes.
    Stalled,
    /// All of its bytes have arrived.
    Loaded(Loaded),
    /// It cannot be played; the text says why.
    Failed(String),
    /// It was played to its end.
    Finished,
}
