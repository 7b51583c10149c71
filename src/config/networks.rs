//! A list of networks, such as those of trusted proxies.

use super::{
    source::Shape,
    value::{Value, quote},
};
use std::{fmt, net::IpAddr, str::FromStr};

/// Addresses and networks in one text with commas: `127.0.0.1, 10.0.0.0/8, fd00::/8`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Networks(Vec<Network>);

/// An address, and how many of its first bits count (RFC 4632, section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    bits: u32,
}

impl Networks {
    /// Reads such a text.
    ///
    /// # Errors
    /// What is wrong with it; the text completes the sentence "KEY …".
    pub fn read(text: &str) -> Result<Self, String> {
        <Self as Value>::parse(&[text.to_owned()])
    }

    /// Whether an address is in one of them.
    #[must_use]
    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address.to_canonical()))
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Network {
    fn contains(self, other: IpAddr) -> bool {
        match (self.address, other) {
            (IpAddr::V4(one), IpAddr::V4(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros() >= self.bits,
            (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros() >= self.bits,
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| ())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), |bits| bits.parse().map_err(|_| ()))?;
        if bits <= most { Ok(Self { address, bits }) } else { Err(()) }
    }
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<_> = self.0.iter().map(|Network { address, bits }| format!("{address}/{bits}")).collect();
        f.write_str(&all.join(", "))
    }
}

impl Value for Networks {
    const SHAPE: Shape = Shape::Text;
    const KIND: &'static str = "NETWORKS";

    fn parse(texts: &[String]) -> Result<Self, String> {
        let parts = texts.iter().flat_map(|text| text.split(',')).map(str::trim).filter(|part| !part.is_empty());
        let read = |part: &str| {
            part.parse()
                .map_err(|()| format!("is addresses and networks such as 127.0.0.1, 10.0.0.0/8; {part:?} is none"))
        };
        parts.map(read).collect::<Result<_, _>>().map(Self)
    }

    fn show(&self) -> String {
        quote(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_in_a_network_by_its_first_bits() {
        let networks = Networks::parse(&["127.0.0.1, 10.0.0.0/8,fd00::/8".to_owned()]).expect("networks");
        let contain = |text: &str| networks.contain(text.parse().expect("an address"));
        for inside in ["127.0.0.1", "::ffff:127.0.0.1", "10.255.0.1", "fd12::1"] {
            assert!(contain(inside), "{inside}");
        }
        for outside in ["127.0.0.2", "11.0.0.1", "fe80::1", "::1"] {
            assert!(!contain(outside), "{outside}");
        }
        assert_eq!(networks.show(), "\"127.0.0.1/32, 10.0.0.0/8, fd00::/8\"");
        assert_eq!(Networks::parse(&[String::new()]), Ok(Networks::default()));
        assert!(
            Networks::parse(&["0.0.0.0/0".to_owned()]).expect("all").contain("1.2.3.4".parse().expect("an address"))
        );
        for bad in ["localhost", "10.0.0.0/33", "10.0.0.0/x", "1.2.3"] {
            assert!(Networks::parse(&[bad.to_owned()]).is_err(), "{bad}");
        }
    }
}
