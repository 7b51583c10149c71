//! Connections that have not shown a login: how many there may be, so that they cannot take all descriptors of the process.
//!
//! A connection counts from its begin until a request with a valid token or link arrives on it, or a socket's `hello`. Some
//! descriptors are kept for addresses from which a login was shown lately.

use crate::values::network::network;
use actix_web::HttpRequest;
use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// The most connections without a login from one address, where there are descriptors enough.
const MOST_OF_AN_ADDRESS: usize = 1_024;
/// The addresses from which a login was shown are kept, the latest of them.
const KNOWN_ADDRESSES: usize = 1_024;

/// The connections without a login. Clones share them.
#[derive(Clone)]
pub(super) struct Strangers(Arc<SharedCount>);

struct SharedCount {
    limits: StrangerLimits,
    open: Mutex<OpenConnections>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct StrangerLimits {
    of_an_address: usize,
    of_all: usize,
}

#[derive(Default)]
struct OpenConnections {
    of_all: usize,
    of_address: HashMap<IpAddr, usize>,
    /// The latest last.
    known: VecDeque<IpAddr>,
}

impl StrangerLimits {
    /// For a process that may open so many descriptors: a quarter is left for logins, files and databases.
    fn of(descriptors: usize) -> Self {
        Self { of_an_address: (descriptors / 2).min(MOST_OF_AN_ADDRESS), of_all: descriptors / 4 * 3 }
    }
}

impl Strangers {
    /// For a process that may open so many descriptors.
    pub(super) fn new(descriptors: usize) -> Self {
        Self(Arc::new(SharedCount { limits: StrangerLimits::of(descriptors), open: Mutex::default() }))
    }

    /// Counts a new connection; `None` when there are too many. `is_proxy`: many clients come from this address, so that only
    /// the limit of all counts.
    pub(super) fn enter(&self, address: IpAddr, is_proxy: bool) -> Option<Stranger> {
        let address = network(address);
        let limits = self.0.limits;
        let mut open = self.open();
        let of_address = open.of_address.get(&address).copied().unwrap_or(0);
        let is_known = open.known.contains(&address);
        if (of_address >= limits.of_an_address && !is_proxy) || (open.of_all >= limits.of_all && !is_known) {
            return None;
        }
        open.of_all += 1;
        *open.of_address.entry(address).or_default() += 1;
        drop(open);
        Some(Stranger { all: self.clone(), address, is_counted: AtomicBool::new(true) })
    }

    fn open(&self) -> MutexGuard<'_, OpenConnections> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes that the request has shown a login, so that its connection no longer counts.
pub(super) fn note_login(request: &HttpRequest) {
    if let Some(stranger) = request.conn_data::<Stranger>() {
        stranger.note_login();
    }
}

/// A connection that counts until it shows a login or ends.
pub(super) struct Stranger {
    all: Strangers,
    address: IpAddr,
    is_counted: AtomicBool,
}

impl Stranger {
    /// A login was shown on this connection.
    pub(super) fn note_login(&self) {
        if !self.is_counted.load(Ordering::Relaxed) {
            return;
        }
        self.leave();
        let mut open = self.all.open();
        open.known.retain(|known| *known != self.address);
        open.known.push_back(self.address);
        if open.known.len() > KNOWN_ADDRESSES {
            open.known.pop_front();
        }
    }

    fn leave(&self) {
        if !self.is_counted.swap(false, Ordering::Relaxed) {
            return;
        }
        let mut open = self.all.open();
        open.of_all -= 1;
        if let Some(count) = open.of_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.of_address.remove(&self.address);
            }
        }
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    fn enter(strangers: &Strangers, last: u8, count: usize) -> Vec<Stranger> {
        (0..count).map_while(|_| strangers.enter(address(last), false)).collect()
    }

    #[test]
    fn an_address_and_all_together_are_limited_until_they_show_a_login_or_end() {
        let strangers = Strangers::new(80);
        let of_one = enter(&strangers, 1, 100);
        assert_eq!(of_one.len(), 40);
        assert_eq!(strangers.enter(address(1), true).map(drop), Some(()), "a proxy has no limit of its own");
        let of_two = enter(&strangers, 2, 100);
        assert_eq!(of_two.len(), 20, "60 of all");
        assert!(strangers.enter(address(3), true).is_none());
        of_one[0].note_login();
        of_one[0].note_login();
        let again = enter(&strangers, 3, 100);
        assert_eq!(again.len(), 1, "one that shows a login counts no more, however often it does");
        assert!(strangers.enter(address(1), false).is_some(), "that address may come in beyond the limit of all");
        drop((of_one, of_two, again));
        let open = strangers.open();
        assert_eq!((open.of_all, open.of_address.len(), open.known.len()), (0, 0, 1));
    }

    #[test]
    fn limits_follow_the_descriptors_and_addresses_that_are_kept_are_bounded() {
        assert_eq!(StrangerLimits::of(1_024), StrangerLimits { of_an_address: 512, of_all: 768 });
        assert_eq!(StrangerLimits::of(1_048_576), StrangerLimits { of_an_address: 1_024, of_all: 786_432 });
        let strangers = Strangers::new(100);
        for number in 0..2_000_u32 {
            strangers.enter(std::net::Ipv4Addr::from(number).into(), false).expect("there is room").note_login();
        }
        assert_eq!(strangers.open().known.len(), KNOWN_ADDRESSES);
    }
}
