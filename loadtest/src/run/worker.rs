//! A process that runs some parts for another one: a line of JSON on its input says which, lines on its output tell
//! what they measure.

use crate::drive::part::{Part, Setup};
use crate::machine::limits;
use crate::measure::snapshot::Snapshot;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, Write};
use std::sync::{Arc, mpsc};
use std::thread;

/// Parts of one process.
#[derive(Debug, Serialize, Deserialize)]
pub struct Job {
    /// What all parts share.
    #[serde(with = "shared")]
    pub setup: Arc<Setup>,
    /// The number of each part, and its users by index and token.
    pub parts: Vec<(usize, Vec<(usize, String)>)>,
}

mod shared {
    use crate::drive::part::Setup;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};
    use std::sync::Arc;

    pub(super) fn serialize<S: Serializer>(setup: &Arc<Setup>, to: S) -> Result<S::Ok, S::Error> {
        setup.as_ref().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<Setup>, D::Error> {
        Setup::deserialize(from).map(Arc::new)
    }
}

impl Job {
    /// Starts a thread for each part.
    pub fn run(self, tell: impl FnMut(Snapshot) + Clone + Send + 'static) {
        for (number, users) in self.parts {
            let (setup, mut tell) = (Arc::clone(&self.setup), tell.clone());
            thread::spawn(move || match Part::new(setup, number, users, Box::new(tell.clone())) {
                Ok(part) => part.run(),
                Err(error) => {
                    let failed = Some(format!("a part did not start: {error}"));
                    tell(Snapshot { part: number, failed, is_last: true, ..Snapshot::default() });
                }
            });
        }
    }
}

/// Runs the job that a line of `input` describes, and writes snapshots to `output`.
///
/// # Errors
/// What cannot be read or written.
pub fn work(input: &mut impl BufRead, output: &mut impl Write) -> Result<(), String> {
    let mut line = String::new();
    input.read_line(&mut line).map_err(|error| error.to_string())?;
    let job: Job = serde_json::from_str(&line).map_err(|error| error.to_string())?;
    // How many files that gives was looked up by the process that started this one.
    let _ = limits::raise_files();
    let mut running = job.parts.len();
    let (tell, told) = mpsc::channel();
    job.run(move |snapshot| _ = tell.send(snapshot));
    for snapshot in told {
        running = running.saturating_sub(usize::from(snapshot.is_last));
        writeln!(output, "{}", snapshot.to_line()).and_then(|()| output.flush()).map_err(|error| error.to_string())?;
        if running == 0 {
            break;
        }
    }
    Ok(())
}
