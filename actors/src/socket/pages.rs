//! [`PageRequests`]: a burst of requests for pages of the queue takes the memory of one page.

use crate::state::DeviceEvent;
use std::collections::VecDeque;

/// The most requests that wait: a burst of them (`RateLimit`). Further ones stay without an answer.
const WAITING: usize = 100;

/// The requests of one socket, in order. The session is asked for a page when the page before has been written.
#[derive(Debug, Default)]
pub struct PageRequests {
    waiting: VecDeque<DeviceEvent>,
    /// The session has been asked for a page and its frame has not come.
    is_asked: bool,
}

impl PageRequests {
    /// Puts a request behind the others.
    pub fn push(&mut self, request: DeviceEvent) {
        if self.waiting.len() < WAITING {
            self.waiting.push_back(request);
        }
    }

    /// The request for the session now; call it when no frame waits for the socket.
    pub fn take_due(&mut self) -> Option<DeviceEvent> {
        if self.is_asked {
            return None;
        }
        let next = self.waiting.pop_front();
        self.is_asked = next.is_some();
        next
    }

    /// The frame of a page has come from the session.
    pub fn came(&mut self) {
        self.is_asked = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_page_is_asked_for_at_a_time_and_a_burst_waits() {
        let mut requests = PageRequests::default();
        assert_eq!(requests.take_due(), None);
        let request = |from| DeviceEvent::Queue { from, limit: 200 };
        for from in 0..WAITING + 5 {
            requests.push(request(from));
        }
        for from in 0..WAITING {
            assert_eq!(requests.take_due(), Some(request(from)));
            assert_eq!(requests.take_due(), None, "its page has not come");
            requests.came();
        }
        assert_eq!(requests.take_due(), None, "the last five were too many");
    }
}
