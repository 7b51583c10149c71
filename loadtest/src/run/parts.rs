//! The parts of a run, in threads of this process or of others.

use super::gather::Gathered;
use super::worker::Job;
use crate::drive::part::Setup;
use crate::measure::snapshot::Snapshot;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::{self, JoinHandle};

/// Parts that run.
pub(super) struct Parts {
    /// How many.
    pub(super) count: usize,
    children: Vec<Child>,
    readers: Vec<JoinHandle<()>>,
}

/// Starts `processes` times `threads` parts, and deals the users out to them.
pub(super) fn start(
    setup: &Arc<Setup>,
    tokens: Vec<(usize, String)>,
    processes: usize,
    threads: usize,
    tell: &Sender<Snapshot>,
) -> Result<Parts, String> {
    let count = processes.saturating_mul(threads);
    let mut dealt: Vec<Vec<(usize, String)>> = vec![Vec::new(); count];
    for (index, token) in tokens {
        if let Some(part) = dealt.get_mut(index.checked_rem(count).unwrap_or(0)) {
            part.push((index, token));
        }
    }
    let mut numbered: Vec<(usize, Vec<(usize, String)>)> = dealt.into_iter().enumerate().collect();
    let mut parts = Parts { count, children: Vec::new(), readers: Vec::new() };
    if processes == 1 {
        let tell = tell.clone();
        // Who does not listen any more has ended the run.
        Job { setup: Arc::clone(setup), parts: numbered }.run(move |snapshot| _ = tell.send(snapshot));
        return Ok(parts);
    }
    while !numbered.is_empty() {
        let rest = numbered.split_off(threads.min(numbered.len()));
        parts.spawn(&Job { setup: Arc::clone(setup), parts: std::mem::replace(&mut numbered, rest) }, tell)?;
    }
    Ok(parts)
}

impl Parts {
    /// Starts a process for some parts.
    fn spawn(&mut self, job: &Job, tell: &Sender<Snapshot>) -> Result<(), String> {
        let failed = |error: std::io::Error| format!("a further process does not start: {error}");
        let program = std::env::current_exe().map_err(failed)?;
        let mut child =
            Command::new(program).arg("part").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(failed)?;
        let line = serde_json::to_string(job).map_err(|error| error.to_string())?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        self.children.push(child);
        writeln!(input.ok_or("no input")?, "{line}").map_err(failed)?;
        let output = BufReader::new(output.ok_or("no output")?);
        let (tell, numbers) = (tell.clone(), job.parts.iter().map(|(number, _)| *number).collect::<Vec<_>>());
        self.readers.push(thread::spawn(move || {
            let mut running = numbers;
            for line in output.lines().map_while(Result::ok) {
                let failed = |why: String| Snapshot { failed: Some(why), ..Snapshot::default() };
                let snapshot = Snapshot::from_line(&line).unwrap_or_else(failed);
                running.retain(|part| !(snapshot.is_last && *part == snapshot.part));
                if tell.send(snapshot).is_err() {
                    return;
                }
            }
            for part in running {
                let failed = Some("a process of the load test ended before its part was over".to_owned());
                // Who does not listen any more has ended the run.
                let _ = tell.send(Snapshot { part, failed, is_last: true, ..Snapshot::default() });
            }
        }));
        Ok(())
    }

    /// Waits for the processes.
    pub(super) fn end(self, gathered: &mut Gathered) {
        for reader in self.readers {
            // A thread that panicked has told what it read until then.
            let _ = reader.join();
        }
        for mut child in self.children {
            if !child.wait().is_ok_and(|status| status.success()) {
                gathered.failed.get_or_insert("a process of the load test failed".to_owned());
            }
        }
    }
}
