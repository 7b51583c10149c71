//! What a device remembers between two runs: the id that the server gave it and its volume, in a small file that is locked
//! while it runs.

use super::{ServerAddress, Trouble};
use crate::media::digest::Digest;
use segue_client::protocol::{device::Volume, ids::DeviceId};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{
    env, fs,
    fs::{File, OpenOptions, TryLockError},
    io::{Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
};

/// The longest file that is read, in bytes; a file of ours has 101.
const FILE_BYTES: u64 = 4096;

/// The content of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) device_id: DeviceId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) volume: Option<Volume>,
}

/// The open file.
#[derive(Debug)]
pub(super) struct Memory {
    file: File,
    path: PathBuf,
    known: Option<Kept>,
}

/// The file of this device of this user on this server: below `$XDG_STATE_HOME` (XDG Base Directory Specification),
/// one for each combination.
///
/// # Errors
/// No home folder.
pub fn usual_file(server: &ServerAddress, user: &str, name: &str) -> Result<PathBuf, Trouble> {
    let set = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local/state")));
    let state = state.ok_or_else(|| {
        Trouble::new("there is no home folder to remember this device in: name a file with --state FILE")
    })?;
    let hash = Digest(Sha256::digest(format!("{server}\n{user}\n{name}")).into()).to_string();
    let short: String = hash.chars().take(16).collect();
    Ok(state.join("segue").join("devices").join(format!("{short}.json")))
}

impl Memory {
    /// Opens the file, or makes it, and locks it against other processes.
    ///
    /// # Errors
    /// A file that cannot be opened or made, that another running device uses, or that is not a device's file.
    pub(super) fn open(path: &Path) -> Result<Self, Trouble> {
        let shown = path.display();
        let cannot = |error| Trouble::new(format!("the device's file {shown} cannot be used: {error}"));
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(cannot)?;
        }
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = options.map_err(cannot)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Trouble::new(format!(
                    "this device runs already (its file {shown} is in use): choose another --name, or another --state"
                )));
            }
            Err(TryLockError::Error(error)) => return Err(cannot(error)),
        }
        let mut text = String::new();
        (&mut file).take(FILE_BYTES).read_to_string(&mut text).map_err(cannot)?;
        let known = match text.trim() {
            "" => None,
            text => Some(serde_json::from_str::<Kept>(text).map_err(|_| {
                Trouble::new(format!("{shown} is not a device's file: remove it, or name another with --state FILE"))
            })?),
        };
        Ok(Self { file, path: path.to_owned(), known })
    }

    /// What an earlier run stored.
    pub(super) const fn known(&self) -> Option<Kept> {
        self.known
    }

    /// Stores it for later runs.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(super) fn keep(&mut self, kept: Kept) -> Result<(), Trouble> {
        if self.known == Some(kept) {
            return Ok(());
        }
        // Spaces overwrite the rest of a longer text: the file is never cut, so that it has an id at every moment.
        let text = format!("{:<100}\n", serde_json::json!(kept).to_string());
        let written = self.file.rewind().and_then(|()| self.file.write_all(text.as_bytes()));
        let written = written.and_then(|()| self.file.sync_data());
        self.known = Some(kept);
        written.map_err(|error| {
            Trouble::new(format!("the id and volume of this device cannot be kept in {}: {error}", self.path.display()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_there_again_and_one_run_at_a_time_has_it() {
        let folder = tempfile::tempdir().expect("a temp folder");
        let path = folder.path().join("new/kitchen.json");
        let mut memory = Memory::open(&path).expect("a new file");
        assert_eq!(memory.known(), None);
        let volume = Volume { level: 100, muted: true, version: 123_456 };
        let last = Kept { device_id: DeviceId(2), volume: Some(Volume { level: 1, muted: false, version: 2 }) };
        for kept in [Kept { device_id: DeviceId(1), volume: Some(volume) }, last] {
            memory.keep(kept).expect("it is written");
        }
        let told = Memory::open(&path).expect_err("it is locked").to_string();
        assert!(told.contains("runs already"), "{told}");
        drop(memory);
        assert_eq!(Memory::open(&path).expect("it is free").known(), Some(last));
        fs::write(&path, "{\"device_id\":\"0000000000000003\"}\n").expect("a file");
        let without = Memory::open(&path).expect("it knows no volume").known();
        assert_eq!(without, Some(Kept { device_id: DeviceId(3), volume: None }));
        fs::write(&path, "something else").expect("a file");
        assert!(Memory::open(&path).expect_err("not ours").to_string().contains("not a device's file"));
    }

    #[test]
    fn every_device_has_a_file_of_its_own() {
        let server = |port: u16| format!("http://localhost:{port}").parse().expect("an address");
        let file = |port, user, name| usual_file(&server(port), user, name).expect("there is a home folder");
        let all = [file(1, "a", "b"), file(2, "a", "b"), file(1, "b", "b"), file(1, "a", "c")];
        for (index, path) in all.iter().enumerate() {
            assert!(!all.iter().skip(index + 1).any(|other| other == path));
        }
        assert_eq!(file(1, "a", "b"), file(1, "a", "b"));
    }
}
