//! Python with the tools of `tests/requirements.txt`, with whose results tests compare ours.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
    sync::OnceLock,
};

/// The interpreter; the first call on a machine installs the tools.
pub(crate) fn python() -> Command {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    let path = PATH.get_or_init(|| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python.sh");
        let output = Command::new(script).stderr(Stdio::inherit()).output().expect("tests/python.sh runs");
        assert!(output.status.success(), "tests/python.sh failed; its words are above");
        PathBuf::from(String::from_utf8(output.stdout).expect("a path").trim_end())
    });
    Command::new(path)
}
