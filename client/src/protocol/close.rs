//! Why a socket ends: WebSocket close codes, their texts, and whether the device should connect again. The private
//! range of RFC 6455, section 7.4.2: after 4000–4499 it should, after 4500–4999 it should not.

macro_rules! close_reasons {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal $slug:literal: $text:literal;)+) => {
        /// Why the server ends a socket.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum CloseReason {
            $($(#[doc = $doc])+ $name,)+
        }

        impl CloseReason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The number in the close frame.
            #[must_use]
            pub const fn code(self) -> u16 {
                match self { $(Self::$name => $code),+ }
            }

            /// The stable word for programs, sent in the close frame and in `goaway`.
            #[must_use]
            pub const fn slug(self) -> &'static str {
                match self { $(Self::$name => $slug),+ }
            }

            /// The text for people.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }
        }
    };
}

close_reasons! {
    /// The server stops.
    Shutdown = 4000 "shutdown": "the server is stopping; come back shortly";
    /// The session was restarted.
    Restart = 4001 "restart": "the session was restarted; come back now";
    /// No frame came from the device for too long.
    Dead = 4002 "dead": "nothing was received from this device for too long; come back now, and answer every ping";
    /// The device takes frames too slowly.
    Slow = 4003 "slow": "this device took its messages too slowly; come back now";
    /// The database is out of reach.
    Unavailable = 4004 "unavailable": "the server cannot reach its database; come back later";
    /// No valid `hello` came in time.
    NoHello = 4005 "no_hello": "no hello came within 5 seconds of connecting; send it first";
    /// The device did not confirm in time that it is silent after its lease was taken away.
    NotSilent = 4006 "not_silent": "this device did not confirm within 1 second that it is silent; stop its audio and come back now";
    /// More events wait than a session keeps, or too many commits in a row conflicted.
    Overloaded = 4007 "overloaded": "the session has more messages than it can take; come back later";
    /// A device sends far more than the rate limit allows.
    Flooding = 4008 "flooding": "this device sends far more messages than allowed; come back later";
    /// The user has as many devices as the list takes. Some of them may be about to leave it.
    TooManyDevices = 4009 "too_many_devices": "too many devices are in the list; remove one, or come back in 10 seconds";
    /// A newer socket of the same device took its place.
    Replaced = 4500 "replaced": "a newer connection of this device took its place";
    /// A person removed the device from the list.
    Forgotten = 4501 "forgotten": "this device was removed from the list";
    /// A frame could not be read.
    BadFrame = 4502 "bad_frame": "the server could not accept a message; its log says which and why, the guide for clients what is accepted";
    /// The token is not valid.
    BadToken = 4503 "bad_token": "the token is not valid or has expired; log in again";
}

impl CloseReason {
    /// Whether the device should connect again.
    #[must_use]
    pub const fn reconnect(self) -> bool {
        self.code() < 4500
    }

    /// How long the device waits at least before it connects again, in milliseconds; `None`: no longer than its own
    /// rules say. A device that has gone without a goodbye stays listed for about 10 s.
    #[must_use]
    pub const fn retry_ms(self) -> Option<u32> {
        match self {
            Self::TooManyDevices => Some(10_000),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_their_bands_and_slugs_fit_a_close_frame() {
        let mut codes: Vec<u16> = CloseReason::ALL.iter().map(|reason| reason.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), CloseReason::ALL.len());
        for reason in CloseReason::ALL {
            assert!((4000..5000).contains(&reason.code()), "{reason:?}");
            // RFC 6455, section 5.5: a control frame carries at most 125 bytes, 2 of them the code.
            assert!(reason.slug().len() <= 123, "{reason:?}");
        }
    }
}
