//! Rate limits of log-in attempts: per client address and per user name.

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    state::keyed::HashMapStateStore,
};
use std::{
    hash::{BuildHasher, Hash, RandomState},
    net::IpAddr,
    num::NonZeroU32,
};

type Limiter = RateLimiter<u16, HashMapStateStore<u16>, DefaultClock>;

/// Counters of log-in attempts: 65,536 for addresses and as many for names, chosen by a randomly keyed hash. So memory
/// is bounded for any number of clients, and a client cannot choose names that share a counter.
pub struct LoginLimits {
    by_address: Limiter,
    by_user: Limiter,
    hasher: RandomState,
    clock: DefaultClock,
}

impl LoginLimits {
    /// Limits of `per_address` and `per_user` attempts per minute; bursts may be as large.
    #[must_use]
    pub fn new(per_address: u32, per_user: u32) -> Self {
        let quota = |tries| Quota::per_minute(NonZeroU32::new(tries).unwrap_or(NonZeroU32::MIN));
        Self {
            by_address: RateLimiter::hashmap(quota(per_address)),
            by_user: RateLimiter::hashmap(quota(per_user)),
            hasher: RandomState::new(),
            clock: DefaultClock::default(),
        }
    }

    /// Counts an attempt from this address; IPv6 addresses of one /64 network count as one.
    ///
    /// # Errors
    /// The seconds to wait, rounded up, when there were too many attempts.
    pub fn address(&self, address: IpAddr) -> Result<(), u64> {
        self.count(&self.by_address, network(address))
    }

    /// Counts an attempt for this user name, given as [`crate::values::user_name::name_key`], whether such a user exists or not.
    ///
    /// # Errors
    /// The seconds to wait, rounded up, when there were too many attempts.
    pub fn user(&self, name_key: &str) -> Result<(), u64> {
        self.count(&self.by_user, name_key)
    }

    fn count(&self, limiter: &Limiter, key: impl Hash) -> Result<(), u64> {
        let [low, high, ..] = self.hasher.hash_one(key).to_le_bytes();
        let outcome = limiter.check_key(&u16::from_le_bytes([low, high]));
        outcome.map_err(|until| until.wait_time_from(self.clock.now()).as_secs().saturating_add(1))
    }
}

/// The part of an address that identifies one network: for IPv6 the first 64 bits (RFC 6177), for IPv4 all.
fn network(address: IpAddr) -> [u16; 4] {
    let octets = match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().segments(),
        IpAddr::V6(v6) => v6.segments(),
    };
    match (address.to_canonical(), octets) {
        (IpAddr::V4(_), [.., c, d]) => [0, u16::MAX, c, d],
        (IpAddr::V6(_), [a, b, c, d, ..]) => [a, b, c, d],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn too_many_attempts_of_one_address_or_user_must_wait() {
        let limits = LoginLimits::new(2, 3);
        let (one, other) = (address("192.0.2.1"), address("192.0.2.2"));
        assert_eq!((limits.address(one), limits.address(one)), (Ok(()), Ok(())));
        let wait_s = limits.address(one).expect_err("the third try");
        assert!((1..=31).contains(&wait_s), "{wait_s}");
        assert_eq!(limits.address(other), Ok(()));
        assert!((0..3).all(|_| limits.user("anna").is_ok()) && limits.user("anna").is_err());
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_together() {
        let limits = LoginLimits::new(1, 1);
        assert!(limits.address(address("2001:db8::1")).is_ok());
        assert!(limits.address(address("2001:db8::2")).is_err());
        assert!(limits.address(address("2001:db8:0:1::1")).is_ok());
        assert_eq!(network(address("::ffff:192.0.2.1")), network(address("192.0.2.1")));
    }

    #[test]
    fn memory_is_bounded_for_any_number_of_names() {
        let limits = LoginLimits::new(1, 1);
        for number in 0..200_000 {
            let _counted = limits.user(&number.to_string());
        }
        assert!(limits.by_user.len() <= 1 << 16);
    }
}
