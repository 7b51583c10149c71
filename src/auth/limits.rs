//! Rate limits of log-in attempts: per client address and per user name.

use crate::{db::login_networks::MOST_PER_USER, values::network::network};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::NoOpMiddleware,
    state::keyed::HashMapStateStore,
};
use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash, RandomState},
    net::IpAddr,
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
};

type Limiter<C> = RateLimiter<u16, HashMapStateStore<u16>, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// The most networks that are remembered of all names together; of one name [`MOST_PER_USER`]. The newest are kept.
pub(super) const NETWORKS: u16 = u16::MAX;

/// Counters of log-in attempts: 65,536 for addresses and as many for names, chosen by a randomly keyed hash. So memory
/// is bounded for any number of clients, and a client cannot choose names that share a counter.
///
/// Who logged in under a name before, from the same network, has a counter apart from that of the name, so that others
/// who try the name do not keep them out.
pub struct LoginLimits<C: Clock = DefaultClock> {
    by_address: Limiter<C>,
    by_user: Limiter<C>,
    by_known: Limiter<C>,
    known: Mutex<Known>,
    hasher: RandomState,
    clock: C,
}

/// From which networks users have logged in: hashes of name and network, with the number of the last log-in from there.
#[derive(Default)]
struct Known {
    logins: HashMap<(u64, u64), u64>,
    count: u64,
}

impl LoginLimits {
    /// Limits of `per_address` and `per_user` attempts per minute; bursts may be as large.
    #[must_use]
    pub fn new(per_address: u32, per_user: u32) -> Self {
        Self::with_clock(per_address, per_user, DefaultClock::default())
    }
}

impl<C: Clock + Clone> LoginLimits<C> {
    fn with_clock(per_address: u32, per_user: u32, clock: C) -> Self {
        let limiter = |tries| {
            let quota = Quota::per_minute(NonZeroU32::new(tries).unwrap_or(NonZeroU32::MIN));
            RateLimiter::new(quota, HashMapStateStore::default(), clock.clone())
        };
        Self {
            by_address: limiter(per_address),
            by_user: limiter(per_user),
            by_known: limiter(per_user),
            known: Mutex::default(),
            hasher: RandomState::new(),
            clock,
        }
    }

    /// Counts an attempt from this address; IPv6 addresses of one /64 network count as one.
    ///
    /// # Errors
    /// The seconds to wait, rounded up, when there were too many attempts.
    pub fn address(&self, address: IpAddr) -> Result<(), u64> {
        self.count(&self.by_address, network(address))
    }

    /// Counts an attempt for this user name, given as [`crate::values::user_name::name_key`], whether such a user exists or
    /// not. Where the user has logged in from the same network before, only attempts from there count.
    ///
    /// # Errors
    /// The seconds to wait, rounded up, when there were too many attempts.
    pub fn user(&self, name_key: &str, address: IpAddr) -> Result<(), u64> {
        let known = self.place(name_key, address);
        if self.known.lock().unwrap_or_else(PoisonError::into_inner).logins.contains_key(&known) {
            self.count(&self.by_known, known)
        } else {
            self.count(&self.by_user, name_key)
        }
    }

    /// Notes a log-in as this user from this address.
    pub fn logged_in(&self, name_key: &str, address: IpAddr) {
        let place = self.place(name_key, address);
        self.known.lock().unwrap_or_else(PoisonError::into_inner).add(place);
    }

    /// Replaces what is known of earlier log-ins by these names and networks, of which there are [`NETWORKS`] at most, the
    /// oldest first.
    pub(super) fn replace_known(&self, networks: &[(String, IpAddr)]) {
        let places = networks.iter().map(|(name_key, address)| self.place(name_key, *address));
        let logins: HashMap<_, _> = places.zip(1_u64..).collect();
        let count = logins.values().copied().max().unwrap_or(0);
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Known { logins, count };
    }

    fn place(&self, name_key: &str, address: IpAddr) -> (u64, u64) {
        (self.hasher.hash_one(name_key), self.hasher.hash_one(network(address)))
    }

    fn count(&self, limiter: &Limiter<C>, key: impl Hash) -> Result<(), u64> {
        let [low, high, ..] = self.hasher.hash_one(key).to_le_bytes();
        let outcome = limiter.check_key(&u16::from_le_bytes([low, high]));
        outcome.map_err(|until| until.wait_time_from(self.clock.now()).as_secs().saturating_add(1))
    }
}

impl Known {
    /// Remembers a log-in, and forgets the oldest one beyond a limit.
    fn add(&mut self, place: (u64, u64)) {
        self.count = self.count.saturating_add(1);
        self.logins.insert(place, self.count);
        let of_name = |known: &&(u64, u64)| known.0 == place.0;
        let oldest = if self.logins.keys().filter(of_name).count() > MOST_PER_USER {
            self.logins.iter().filter(|(known, _)| of_name(known)).min_by_key(|(_, number)| **number)
        } else if self.logins.len() > usize::from(NETWORKS) {
            self.logins.iter().min_by_key(|(_, number)| **number)
        } else {
            None
        };
        if let Some(oldest) = oldest.map(|(known, _)| *known) {
            self.logins.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use governor::clock::FakeRelativeClock;
    use std::time::Duration;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    /// Address number `n` of a botnet.
    fn stranger(n: u32) -> IpAddr {
        IpAddr::V4((0xc633_6400 + n).into())
    }

    /// Limits of 100 tries of an address and 3 of a name in a minute, and their clock.
    fn limits() -> (LoginLimits<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        (LoginLimits::with_clock(100, 3, clock.clone()), clock)
    }

    #[test]
    fn too_many_attempts_of_one_address_or_user_must_wait() {
        let limits = LoginLimits::new(2, 3);
        let (one, other) = (address("192.0.2.1"), address("192.0.2.2"));
        assert_eq!((limits.address(one), limits.address(one)), (Ok(()), Ok(())));
        let wait_s = limits.address(one).expect_err("the third try");
        assert!((1..=31).contains(&wait_s), "{wait_s}");
        assert_eq!(limits.address(other), Ok(()));
        assert!((0..3).all(|_| limits.user("anna", one).is_ok()) && limits.user("anna", one).is_err());
    }

    #[test]
    fn who_logged_in_from_there_before_is_not_kept_out_by_strangers() {
        let (limits, clock) = limits();
        let (home, work) = (address("2001:db8::1"), address("192.0.2.1"));
        limits.logged_in("anna", home);
        for minute in 0..10 {
            assert!((0..50).filter(|n| limits.user("anna", stranger(minute * 50 + n)).is_ok()).count() <= 3);
            assert_eq!(limits.user("anna", home), Ok(()), "minute {minute}");
            assert_eq!(limits.user("anna", address("2001:db8::2")), Ok(()), "of the same network");
            assert!(limits.user("anna", work).is_err(), "a right password is not known to be right before it is tried");
            clock.advance(Duration::from_mins(1));
        }
    }

    #[test]
    fn log_ins_from_before_the_start_are_known_and_the_oldest_is_forgotten_first() {
        let (limits, _) = limits();
        let place = |number: u32| limits.place("anna", stranger(number));
        limits.logged_in("ben", stranger(1));
        let known: Vec<_> = (0..16).map(|number| ("anna".to_owned(), stranger(number))).collect();
        limits.replace_known(&known);
        let has = |place| limits.known.lock().expect("whole").logins.contains_key(&place);
        assert!(!has(limits.place("ben", stranger(1))) && (0..16).all(|number| has(place(number))));
        limits.logged_in("anna", stranger(16));
        assert!(!has(place(0)) && (1..17).all(|number| has(place(number))));
    }

    #[test]
    fn guesses_from_a_known_address_are_limited_as_well_and_lock_nobody_else_out() {
        let (limits, clock) = limits();
        let (home, work) = (address("192.0.2.1"), address("192.0.2.2"));
        for place in [home, work] {
            limits.logged_in("anna", place);
        }
        assert_eq!((0..50).filter(|_| limits.user("anna", home).is_ok()).count(), 3);
        assert_eq!(limits.user("anna", home), Err(21), "one in 20 s");
        assert_eq!((limits.user("anna", work), limits.user("anna", stranger(1))), (Ok(()), Ok(())));
        assert_eq!((0..50).filter(|_| limits.user("ben", home).is_ok()).count(), 3, "known as anna, and not as ben");
        assert!(limits.user("ben", stranger(1)).is_err());
        clock.advance(Duration::from_secs(20));
        assert_eq!((limits.user("anna", home), limits.user("anna", home)), (Ok(()), Err(21)));
    }

    #[test]
    fn guesses_from_many_addresses_are_limited_by_the_name() {
        let (limits, clock) = limits();
        let mut tried = 0;
        for second in 0..600 {
            tried += (0..20).filter(|n| limits.user("anna", stranger(second * 20 + n)).is_ok()).count();
            clock.advance(Duration::from_secs(1));
        }
        assert!((30..=33).contains(&tried), "3 a minute and a burst of 3: {tried}");
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
            let _counted = limits.user(&number.to_string(), stranger(1));
        }
        assert!(limits.by_user.len() <= 1 << 16);
    }

    #[test]
    fn known_addresses_are_bounded_and_the_newest_stay() {
        let mut known = Known::default();
        for network in 0..100 {
            known.add((1, network));
        }
        assert_eq!(known.logins.len(), MOST_PER_USER);
        assert!((84..100).all(|network| known.logins.contains_key(&(1, network))));
        let most = u64::from(NETWORKS);
        known.logins = (0..most).map(|name| ((name, 0), name)).collect();
        known.count = most;
        for name in most..most + 10 {
            known.add((name, 0));
        }
        assert_eq!(known.logins.len(), usize::from(NETWORKS));
        assert!(!known.logins.contains_key(&(9, 0)) && known.logins.contains_key(&(10, 0)));
        assert!(known.logins.contains_key(&(most + 9, 0)));
    }
}
