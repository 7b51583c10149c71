//! `segue device --json` as a process: its output and its input.

use super::{Server, TestDatabase, segue};
use serde_json::Value;
use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// A line that a device printed, and when it was read.
#[derive(Clone, Debug)]
pub(crate) struct Printed {
    pub(crate) at: Instant,
    pub(crate) event: Value,
}

/// A running device; killed when dropped.
pub(crate) struct Device {
    child: Child,
    lines: Arc<Mutex<Vec<Printed>>>,
    /// The number of lines; closed after the last one.
    count: watch::Receiver<usize>,
    /// The number of lines that `event` has read.
    read: usize,
}

impl Device {
    /// The command of a device of a user whose password is the name and `-password`.
    pub(crate) fn command(server: &str, database: &TestDatabase, user: &str, name: &str) -> Command {
        let mut command = segue(database);
        command.args(["device", "--json", "--server", server, "--user", user, "--name", name]);
        command.env("SEGUE_PASSWORD", format!("{user}-password"));
        command.env("XDG_STATE_HOME", Self::state_home(database));
        command
    }

    fn state_home(database: &TestDatabase) -> PathBuf {
        database.folder.path().join("state")
    }

    pub(crate) fn start(server: &Server, database: &TestDatabase, user: &str, name: &str) -> Self {
        Self::spawn(&mut Self::command(&server.base, database, user, name))
    }

    /// Starts the command of a device.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the device starts");
        let output = BufReader::new(child.stdout.take().expect("its output is piped"));
        let lines: Arc<Mutex<Vec<Printed>>> = Arc::default();
        let (counted, count) = watch::channel(0);
        let printed = lines.clone();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let event = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
                let mut printed = printed.lock().unwrap_or_else(PoisonError::into_inner);
                printed.push(Printed { at: Instant::now(), event });
                // Without a receiver nothing is waiting.
                let _ = counted.send(printed.len());
            }
        });
        Self { child, lines, count, read: 0 }
    }

    /// Writes a line to the device's input.
    pub(crate) fn tell(&mut self, line: &str) {
        let input = self.child.stdin.as_mut().expect("its input is open");
        writeln!(input, "{line}").expect("the device reads");
    }

    /// Closes the device's input.
    pub(crate) fn close_input(&mut self) {
        self.child.stdin = None;
    }

    /// All lines that it has printed.
    pub(crate) fn printed(&self) -> Vec<Printed> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The number of lines that it has printed.
    pub(crate) fn mark(&self) -> usize {
        *self.count.borrow()
    }

    /// Waits until it has printed more than `lines` lines; false when it has ended before.
    pub(crate) async fn more_than(&self, lines: usize) -> bool {
        self.count.clone().wait_for(|count| *count > lines).await.is_ok()
    }

    /// The first event after `mark` for which `holds`.
    pub(crate) async fn first(&self, mark: usize, what: &str, holds: impl FnMut(&Value) -> bool) -> Printed {
        self.find(mark, what, holds).await.1
    }

    /// The next event of this name for which `holds`, after the one that this method returned before.
    pub(crate) async fn event(&mut self, name: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let holds = |event: &Value| event["event"] == name && holds(event);
        let (index, printed) = self.find(self.read, name, holds).await;
        self.read = index + 1;
        printed.event
    }

    async fn find(&self, mark: usize, what: &str, mut holds: impl FnMut(&Value) -> bool) -> (usize, Printed) {
        let mut seen = mark;
        let found = async {
            loop {
                {
                    let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
                    for (index, printed) in lines.iter().enumerate().skip(seen) {
                        if holds(&printed.event) {
                            return (index, printed.clone());
                        }
                    }
                    seen = seen.max(lines.len());
                }
                assert!(self.more_than(seen).await, "it ended before: {what}; last: {:?}", self.printed().last());
            }
        };
        let found = tokio::time::timeout(Duration::from_mins(5), found).await;
        found.unwrap_or_else(|_| panic!("never printed: {what}; last: {:?}", self.printed().last()))
    }

    /// Waits until it has ended.
    pub(crate) async fn end(&mut self) -> ExitStatus {
        let ended = async { while self.more_than(self.mark()).await {} };
        tokio::time::timeout(Duration::from_mins(5), ended).await.expect("it ends");
        self.child.wait().expect("the device is our child")
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().is_ok_and(|status| status.success()));
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
