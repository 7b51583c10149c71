//! Ids, stamps and units. Every id is 64 bits, most of them random, written as 16 lower-case hex digits.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;

/// The text was not an id: 16 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadId;

impl fmt::Display for BadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id is 16 lower-case hex digits")
    }
}

impl std::error::Error for BadId {}

/// Reads the 16 hex digits of an id.
///
/// # Errors
/// `BadId` for any other text, so that one id has exactly one spelling.
pub fn parse_hex(text: &str) -> Result<u64, BadId> {
    let canonical = text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if !canonical {
        return Err(BadId);
    }
    u64::from_str_radix(text, 16).map_err(|_| BadId)
}

/// Declares an id type: 64 bits in memory, 16 hex digits in text and JSON, the same bits as `i64` in SQL.
#[macro_export]
macro_rules! id64 {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl $name {
            /// The bits as SQL stores them.
            #[must_use]
            pub const fn to_sql(self) -> i64 {
                self.0.cast_signed()
            }

            /// The id whose bits SQL stores as `value`.
            #[must_use]
            pub const fn from_sql(value: i64) -> Self {
                Self(value.cast_unsigned())
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                write!(f, "{:016x}", self.0)
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                write!(f, "{}({:016x})", stringify!($name), self.0)
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::protocol::ids::BadId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::protocol::ids::parse_hex(text).map(Self)
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::protocol::ids::HexVisitor::read(deserializer).map(Self)
            }
        }
    )+};
}

/// Reads an id out of any serde format without allocating; for [`id64`] alone.
#[doc(hidden)]
pub struct HexVisitor;

impl HexVisitor {
    /// Reads one id's bits.
    ///
    /// # Errors
    /// The format's, when the text is not an id.
    pub fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        deserializer.deserialize_str(Self)
    }
}

impl serde::de::Visitor<'_> for HexVisitor {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id: 16 lower-case hex digits")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<u64, E> {
        parse_hex(text).map_err(E::custom)
    }
}

id64! {
    /// A person with an account.
    UserId;
    /// A device of one user; unique within that user only. It persists on the device.
    DeviceId;
    /// One instance of a device: a process, or one load of a page.
    InstanceId;
    /// One socket of a device.
    ConnectionId;
    /// One unbroken run of heartbeats of a node, never a machine.
    NodeId;
    /// An entry of the queue; the same track may be queued under several.
    ItemId;
    /// A track or an episode of the catalogue.
    MediaId;
    /// An album, an artist or a playlist.
    ListId;
    /// The clock that `*_us` instants were read from.
    ClockId;
    /// A command, named by the device that sends it; unique within that device.
    CommandId;
}

/// When and in which order something changed: ordered by epoch, then revision. JSON: `[epoch, revision]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Stamp {
    /// Rises whenever something that was shown may be missing in the database; then it is at least the Unix time in
    /// milliseconds.
    pub epoch: u64,
    /// Rises by one with every accepted change.
    pub revision: u64,
}

impl Stamp {
    /// The stamp of the next change in the same epoch.
    #[must_use]
    pub const fn next(self) -> Self {
        Self { epoch: self.epoch, revision: self.revision.saturating_add(1) }
    }
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.epoch, self.revision).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Stamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (epoch, revision) = <(u64, u64)>::deserialize(deserializer)?;
        if epoch > MAX_STAMP_PART || revision > MAX_STAMP_PART {
            return Err(D::Error::custom("a stamp's parts are below 2^53"));
        }
        Ok(Self { epoch, revision })
    }
}

/// Whole JSON numbers up to this are exact in all implementations (RFC 8259, section 6).
const MAX_STAMP_PART: u64 = (1 << 53) - 1;

/// An instant of server time: microseconds since the Unix epoch on the node's steady clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Micros(pub i64);

impl Micros {
    /// This instant moved by whole milliseconds, later for positive ones.
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms.saturating_mul(1000)))
    }

    /// Microseconds from `earlier` to this instant; negative when this one is first.
    #[must_use]
    pub const fn since_us(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Whole milliseconds from `earlier` to this instant, rounded down.
    #[must_use]
    pub const fn since_ms(self, earlier: Self) -> i64 {
        self.since_us(earlier).div_euclid(1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let id = DeviceId(0xab);
        assert_eq!(id.to_string(), "00000000000000ab");
        assert_eq!("00000000000000ab".parse::<DeviceId>(), Ok(id));
        for bad in ["", "ab", "00000000000000AB", "+0000000000000ab", "00000000000000abc", "00000000000000é"] {
            assert_eq!(bad.parse::<DeviceId>(), Err(BadId), "{bad:?}");
        }
        assert_eq!(DeviceId::from_sql(DeviceId(u64::MAX).to_sql()), DeviceId(u64::MAX));
    }

    #[test]
    fn stamps_order_by_epoch_then_revision() {
        let old = Stamp { epoch: 1, revision: 900 };
        let new = Stamp { epoch: 2, revision: 3 };
        assert!(old < new && new < new.next());
        assert_eq!(serde_json::to_string(&new).expect("a stamp is plain numbers"), "[2,3]");
        assert_eq!(serde_json::from_str::<Stamp>("[2,3]").expect("the same back"), new);
        assert!(serde_json::from_str::<Stamp>("[2,-3]").is_err());
        assert!(serde_json::from_str::<Stamp>("[2,9007199254740992]").is_err());
    }
}
