//! What an HTTP request can fail with. Statuses of errors are chosen here and nowhere else.

use crate::db::DbError;
use std::fmt;

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident = $status:literal, $code:literal;)+) => {
        /// Why a request failed. Codes never change their meaning: clients may decide by them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Kind { $($(#[doc = $doc])+ $kind,)+ }

        impl Kind {
            /// The HTTP status (RFC 9110, section 15; RFC 6585 for 429).
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$kind => $status,)+ }
            }

            /// The code in the error object.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$kind => $code,)+ }
            }

            /// The kind for a status that a library chose: the first of the list with that status; without one `Internal` from
            /// 500 on, else `Invalid`.
            #[must_use]
            pub const fn of_status(status: u16) -> Self {
                $(if status == $status { return Self::$kind; })+
                if status >= 500 { Self::Internal } else { Self::Invalid }
            }
        }
    };
}

kinds! {
    /// The request is malformed, or a value in it is out of bounds.
    Invalid = 400, "invalid";
    /// No valid token; at a log-in, a wrong name or password.
    Unauthorized = 401, "unauthorized";
    /// The user, or the link, may not do this.
    Forbidden = 403, "forbidden";
    /// The signed link has expired; a new one works.
    LinkExpired = 403, "link_expired";
    /// The server has no such thing, or the user may not know of it.
    NotFound = 404, "not_found";
    /// The address takes other methods.
    MethodNotAllowed = 405, "method_not_allowed";
    /// None of the forms the answer can have is among those the request accepts.
    NotAcceptable = 406, "not_acceptable";
    /// The whole request did not arrive in time.
    Timeout = 408, "timeout";
    /// The change contradicts the present state, for example a name that is taken.
    Conflict = 409, "conflict";
    /// The file differs from what was scanned; it is scanned again.
    MediaChanged = 409, "media_changed";
    /// The device that the command needs is not connected.
    Offline = 409, "offline";
    /// No device is active, and the command names none.
    NoActiveDevice = 409, "no_active_device";
    /// A condition of the command (`if_item`, `if_queue_revision`, `if_lease`) no longer holds.
    Stale = 409, "stale";
    /// A condition in the headers (`If-Match`, `If-Unmodified-Since`) does not hold.
    PreconditionFailed = 412, "precondition_failed";
    /// The body is too large.
    TooLarge = 413, "too_large";
    /// The address is too long.
    UriTooLong = 414, "uri_too_long";
    /// The body has a media type that the address does not take.
    UnsupportedMediaType = 415, "unsupported_media_type";
    /// No range asked for lies within the file.
    RangeNotSatisfiable = 416, "range_not_satisfiable";
    /// Too many requests; `Retry-After` says when the next may come.
    RateLimited = 429, "rate_limited";
    /// A fault of the server.
    Internal = 500, "internal";
    /// The request is about something that Segue has no notion of; the message names it.
    NotImplemented = 501, "not_implemented";
    /// Something the request needs does not work now; trying again may help.
    Unavailable = 503, "unavailable";
    /// The server is overloaded; trying again helps.
    Busy = 503, "busy";
    /// There is no room on the disk of the server.
    StorageFull = 507, "storage_full";
}

/// A failed request: a kind and a text for the person who reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// Why.
    pub kind: Kind,
    /// What was wrong and what to do. The client gets it.
    pub message: String,
    /// After how many seconds the client may try again.
    pub retry_after_s: Option<u64>,
    /// What failed inside the server. It goes to the log with the request, never to the client.
    pub cause: Option<String>,
}

impl ApiError {
    /// An error of this kind.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after_s: None, cause: None }
    }

    /// The request is wrong; the text says what about it, and what would be right.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, message)
    }

    /// The server has nothing of this kind with the id asked for; `what` is for example "track".
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(Kind::NotFound, format!("there is no {what} with this id, or none that you may see"))
    }

    /// Segue has no notion of what the request is about; `notion` is for example "shows".
    #[must_use]
    pub fn without_notion(notion: &str) -> Self {
        Self::new(Kind::NotImplemented, format!("Segue has no {notion}"))
    }

    /// A fault of the server. The client is not told the cause; the log is.
    pub fn internal(cause: impl fmt::Display) -> Self {
        let message = "the server failed; its log says why beside the id of this request";
        Self { cause: Some(cause.to_string()), ..Self::new(Kind::Internal, message) }
    }

    /// Something that is needed does not work now; `what` names it. The client is not told the cause; the log is.
    pub fn unavailable(what: &str, cause: impl fmt::Display) -> Self {
        let message = format!("{what} is unavailable: try again in a second");
        Self { retry_after_s: Some(1), cause: Some(cause.to_string()), ..Self::new(Kind::Unavailable, message) }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.code(), self.message)
    }
}

impl std::error::Error for ApiError {}

impl From<DbError> for ApiError {
    fn from(error: DbError) -> Self {
        if error.is_full() {
            let message = "the disk of the server's database is full: whoever runs the server has to make room";
            return Self { cause: Some(error.to_string()), ..Self::new(Kind::StorageFull, message) };
        }
        if error.is_transient() { Self::unavailable("the database", error) } else { Self::internal(error) }
    }
}
