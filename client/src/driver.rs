//! [`Driver`]: the rules with what most programs put around them, the clock of the machine and random numbers.

use crate::protocol::device::HelloDevice;
use crate::protocol::ids::{CommandId, MediaId};
use crate::protocol::messages::Op;
use crate::rules::{Client, Input, Output};
use std::collections::VecDeque;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::{Duration, Instant};

/// Two ticks are at least this far apart, in microseconds.
const TICKS_APART_US: i64 = 1_000;
/// The longest wait: what is due later is due never, or after many other things.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// 64 random bits, for ids: from the keys of the standard library's hash maps, so not for secrets.
#[must_use]
pub fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// A [`Client`] with a steady clock, random numbers and a queue of inputs. A program with a loop of its own needs
/// nothing else to run the rules:
///
/// 1. it carries out each [`Self::output`] until there is none;
/// 2. it waits until something happens, for at most [`Self::wait`];
/// 3. it passes what has happened to [`Self::input`], and begins again.
#[derive(Debug)]
pub struct Driver {
    client: Client,
    start: Instant,
    /// When the last tick was passed to the rules, in local time.
    ticked_us: i64,
    /// Not passed to the rules yet.
    inputs: VecDeque<Input>,
    /// Not carried out yet.
    outputs: VecDeque<Output>,
}

impl Driver {
    /// A device that has never connected; the first output is [`Output::Connect`]. `token` goes into the `hello` where
    /// no header carries it.
    #[must_use]
    pub fn new(device: HelloDevice, token: Option<String>) -> Self {
        Self {
            client: Client::new(device, token, 0),
            start: Instant::now(),
            ticked_us: -TICKS_APART_US,
            inputs: VecDeque::new(),
            outputs: VecDeque::new(),
        }
    }

    /// Something has happened. The rules get it when all outputs of what happened before were taken.
    pub fn input(&mut self, input: Input) {
        self.inputs.push_back(input);
    }

    /// A person or program gives a command, connected or not: [`Output::Answered`] has the same id.
    pub fn command(&mut self, op: Op<MediaId>) -> CommandId {
        let id = CommandId(random());
        self.input(Input::Command(id, op));
        id
    }

    /// What the program has to do now; `None`: nothing before the next input, or before [`Self::wait`] is over.
    pub fn output(&mut self) -> Option<Output> {
        while self.outputs.is_empty() {
            let now_us = self.now_us();
            let input = match self.inputs.pop_front() {
                Some(input) => input,
                None if self.tick_due() <= now_us => {
                    self.ticked_us = now_us;
                    Input::Tick
                }
                None => return None,
            };
            let mut outputs = Vec::new();
            self.client.step(now_us, random(), input, &mut outputs);
            self.outputs.extend(outputs);
        }
        self.outputs.pop_front()
    }

    /// How long nothing is to be done unless something happens: from 1 ms to one hour.
    #[must_use]
    pub fn wait(&self) -> Duration {
        self.wait_until(i64::MAX)
    }

    /// As [`Self::wait`], but at most until `own_us`, a local time at which the program itself has something to do.
    #[must_use]
    pub fn wait_until(&self, own_us: i64) -> Duration {
        let wait_us = self.tick_due().min(own_us).saturating_sub(self.now_us());
        let wait = Duration::from_micros(u64::try_from(wait_us).unwrap_or(0));
        wait.clamp(Duration::from_millis(1), LONGEST_WAIT)
    }

    /// The rules, for what screens show.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// The local time: microseconds since [`Self::new`].
    #[must_use]
    pub fn now_us(&self) -> i64 {
        i64::try_from(self.start.elapsed().as_micros()).unwrap_or(i64::MAX)
    }

    fn tick_due(&self) -> i64 {
        self.client.next_deadline().max(self.ticked_us.saturating_add(TICKS_APART_US))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::device::DeviceKind;
    use crate::protocol::ids::InstanceId;
    use crate::protocol::messages::ByeReason;
    use crate::protocol::wire::ClientMessage;

    fn driver() -> Driver {
        Driver::new(HelloDevice::new(InstanceId(random()), "Test", DeviceKind::Other), None)
    }

    #[test]
    fn an_input_waits_until_all_outputs_of_the_one_before_are_taken() {
        let mut driver = driver();
        assert_eq!(driver.output(), Some(Output::Connect), "the first tick is due at once");
        driver.input(Input::Opened);
        assert!(matches!(driver.output(), Some(Output::Send(ClientMessage::Hello(_)))));
        driver.input(Input::Closed(Some(4_500)));
        assert!(matches!(driver.output(), Some(Output::Send(ClientMessage::Time { .. }))), "it was to be sent before");
        assert!(matches!(driver.output(), Some(Output::GiveUp(4_500, _))));
        assert_eq!(driver.output(), None);
    }

    #[test]
    fn it_connects_again_by_output_and_wait_alone() {
        let mut driver = driver();
        assert_eq!(driver.output(), Some(Output::Connect));
        driver.input(Input::Closed(None));
        let has_connected = (0..100).any(|_| {
            let is_connecting = driver.output() == Some(Output::Connect);
            assert!(is_connecting || driver.wait() <= Duration::from_millis(250), "the first failure: {driver:?}");
            std::thread::sleep(if is_connecting { Duration::ZERO } else { driver.wait() });
            is_connecting
        });
        assert!(has_connected, "a tick is due when a wait is over: {driver:?}");
    }

    #[test]
    fn a_wait_is_from_a_millisecond_to_an_hour() {
        let mut driver = driver();
        assert_eq!(driver.wait(), Duration::from_millis(1), "a tick is due");
        driver.input(Input::Leave(ByeReason::Close));
        while driver.output().is_some() {}
        assert_eq!(driver.wait(), LONGEST_WAIT, "nothing is due any more");
        assert_eq!(driver.wait_until(driver.now_us()), Duration::from_millis(1), "the program's own time has come");
    }

    #[test]
    fn ids_differ() {
        let mut driver = driver();
        let op = || Op::Pause;
        assert_ne!(driver.command(op()), driver.command(op()));
    }
}
