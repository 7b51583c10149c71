//! `segue device --json` as a process: what it prints, and what it is told.

use super::{Server, TestDatabase, segue};
use serde_json::Value;
use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

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
}

impl Device {
    /// Starts a device of a user whose password is the name and `-password`.
    pub(crate) fn start(server: &Server, database: &TestDatabase, user: &str, name: &str) -> Self {
        let state = database.folder.path().join(format!("{user}-{name}.json"));
        let mut command = segue(database);
        command.args(["device", "--json", "--server", &server.base, "--user", user, "--name", name]);
        command.arg("--state").arg(state).env("SEGUE_PASSWORD", format!("{user}-password"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the device starts");
        let output = BufReader::new(child.stdout.take().expect("its output is piped"));
        let lines: Arc<Mutex<Vec<Printed>>> = Arc::default();
        let printed = lines.clone();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let event = serde_json::from_str(&line).expect("each line is JSON");
                printed.lock().unwrap_or_else(PoisonError::into_inner).push(Printed { at: Instant::now(), event });
            }
        });
        Self { child, lines }
    }

    /// Tells the device something.
    pub(crate) fn tell(&mut self, line: &str) {
        let input = self.child.stdin.as_mut().expect("its input is piped");
        writeln!(input, "{line}").expect("the device reads");
    }

    /// Everything it has printed.
    pub(crate) fn printed(&self) -> Vec<Printed> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How much it has printed.
    pub(crate) fn mark(&self) -> usize {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The first event after `mark` for which `holds`.
    pub(crate) async fn first(&self, mark: usize, what: &str, mut holds: impl FnMut(&Value) -> bool) -> Printed {
        let (started, mut seen) = (Instant::now(), mark);
        loop {
            {
                let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
                for printed in lines.iter().skip(seen) {
                    if holds(&printed.event) {
                        return printed.clone();
                    }
                }
                seen = seen.max(lines.len());
            }
            assert!(started.elapsed().as_secs() < 100, "never printed: {what}; last: {:?}", self.printed().last());
            tokio::task::yield_now().await;
            std::thread::yield_now();
        }
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
