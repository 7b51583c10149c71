//! What an HTTP request can fail with: the only place where a status is chosen.

use crate::db::DbError;
use std::fmt;

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident = $status:literal, $code:literal;)+) => {
        /// Why a request failed. Codes are stable: clients may decide by them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Kind { $($(#[doc = $doc])+ $kind,)+ }

        impl Kind {
            /// The HTTP status (RFC 9110, section 15; RFC 6585 for 429).
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$kind => $status,)+ }
            }

            /// The stable code.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$kind => $code,)+ }
            }

            /// The kind of a status that a library chose: the first with that status, or the nearest one.
            #[must_use]
            pub const fn of_status(status: u16) -> Self {
                $(if status == $status { return Self::$kind; })+
                if status >= 500 { Self::Internal } else { Self::Invalid }
            }
        }
    };
}

kinds! {
    /// The request itself is wrong.
    Invalid = 400, "invalid";
    /// No valid token, or wrong name or password.
    Unauthorized = 401, "unauthorized";
    /// Known, but not allowed.
    Forbidden = 403, "forbidden";
    /// The link's time is over; a new one helps.
    LinkExpired = 403, "link_expired";
    /// Nothing is there, or nothing this user may know of.
    NotFound = 404, "not_found";
    /// The address exists for other methods.
    MethodNotAllowed = 405, "method_not_allowed";
    /// No form of the answer suits the request.
    NotAcceptable = 406, "not_acceptable";
    /// The request came too slowly.
    Timeout = 408, "timeout";
    /// It contradicts what is there.
    Conflict = 409, "conflict";
    /// The file is not as it was scanned; it will be scanned again.
    MediaChanged = 409, "media_changed";
    /// The device in question is out of contact.
    Offline = 409, "offline";
    /// The device's platform refuses sound until somebody touches it.
    Blocked = 409, "blocked";
    /// Nobody is active, and the command names no device.
    NoActiveDevice = 409, "no_active_device";
    /// What the command was conditional on has changed.
    Stale = 409, "stale";
    /// What the request was conditional on does not hold.
    PreconditionFailed = 412, "precondition_failed";
    /// The body is too large.
    TooLarge = 413, "too_large";
    /// The body is of another type than asked for.
    UnsupportedMediaType = 415, "unsupported_media_type";
    /// The range lies outside.
    RangeNotSatisfiable = 416, "range_not_satisfiable";
    /// Too many requests.
    RateLimited = 429, "rate_limited";
    /// Our fault.
    Internal = 500, "internal";
    /// Something needed is away; trying again may help.
    Unavailable = 503, "unavailable";
    /// There is more to do than can be done; trying again helps.
    Busy = 503, "busy";
    /// The server's disk is full.
    StorageFull = 507, "storage_full";
}

/// A failed request: a kind and a text for the person who reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// Why.
    pub kind: Kind,
    /// What was wrong and what to do; public.
    pub message: String,
    /// When to try again, in seconds.
    pub retry_after_s: Option<u64>,
}

impl ApiError {
    /// An error of this kind.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after_s: None }
    }

    /// The request is wrong; the text says where.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, message)
    }

    /// There is no such thing; `what` is for example "track".
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(Kind::NotFound, format!("there is no such {what}"))
    }

    /// Our fault: the cause is logged here, once, and not told.
    pub fn internal(cause: impl fmt::Display) -> Self {
        log::error!("a request failed: {cause}");
        Self::new(Kind::Internal, "the server made a mistake; its log says more")
    }

    /// Something is away; the cause is logged here, once, and not told.
    pub fn unavailable(what: &str, cause: impl fmt::Display) -> Self {
        log::warn!("{what} is unavailable: {cause}");
        Self { retry_after_s: Some(1), ..Self::new(Kind::Unavailable, format!("{what} is unavailable; try again")) }
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
            log::error!("a request failed: {error}");
            return Self::new(Kind::StorageFull, "the server's disk is full; whoever runs it has to make room");
        }
        if error.is_transient() { Self::unavailable("the database", error) } else { Self::internal(error) }
    }
}
