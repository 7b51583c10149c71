//! Blocks as files: `FOLDER/ab/VERSION.NUMBER`, where `ab` are the first digits of the version. A file has the bytes of its
//! block and the SHA-256 of its name and those bytes. All here blocks.

use super::name::BlockName;
use crate::media::{file::MediaFile, version::Stat};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, DirBuilder, File},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

/// The size of a SHA-256.
pub(super) const SUM_BYTES: u64 = 32;
/// What the name of a file begins with while it is written.
const UNFINISHED: &str = ".new-";

/// The folder of blocks.
#[derive(Debug)]
pub(super) struct BlockFiles {
    folder: PathBuf,
}

/// What became of opening the file of a block.
#[derive(Debug)]
pub(super) enum FoundBlock {
    /// It has the bytes of the block. Its metadata tell whether it is still the same one the next time.
    Good(MediaFile, Stat),
    /// There is none.
    Absent,
    /// It has other bytes.
    Damaged,
}

impl BlockFiles {
    /// The folder, which is made if there is none. Others cannot look into it.
    ///
    /// # Errors
    /// Those of making it.
    pub(super) fn new(folder: PathBuf) -> io::Result<Self> {
        make(&folder)?;
        Ok(Self { folder })
    }

    fn shelf(&self, name: BlockName) -> PathBuf {
        self.folder.join(format!("{:02x}", name.version >> 120))
    }

    /// Writes a block, whole or not at all.
    ///
    /// # Errors
    /// Those of writing, a full disk among them.
    pub(super) fn write(&self, name: BlockName, bytes: &[u8]) -> io::Result<(MediaFile, Stat)> {
        let folder = self.shelf(name);
        make(&folder)?;
        let unfinished = folder.join(format!("{UNFINISHED}{name}-{:016x}", rand::random::<u64>()));
        let write = || {
            let mut file = File::options().read(true).write(true).create_new(true).mode(0o600).open(&unfinished)?;
            file.write_all(bytes)?;
            file.write_all(&sum(name, bytes))?;
            fs::rename(&unfinished, folder.join(name.to_string()))?;
            let stat = Stat::of(&file.metadata()?);
            Ok((MediaFile::own(file)?, stat))
        };
        write().inspect_err(|_| {
            // It may not have been made at all.
            let _ = fs::remove_file(&unfinished);
        })
    }

    /// Opens the file of a block of `length` bytes. Unless it is the one with the metadata `known`, its bytes are checked.
    ///
    /// # Errors
    /// Those of reading.
    pub(super) fn open(&self, name: BlockName, length: u64, known: Option<Stat>) -> io::Result<FoundBlock> {
        let path = self.shelf(name).join(name.to_string());
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(FoundBlock::Absent),
            Err(error) => return Err(error),
        };
        let metadata = file.metadata()?;
        let stat = Stat::of(&metadata);
        if !metadata.is_file() || metadata.len() != length.saturating_add(SUM_BYTES) {
            return Ok(FoundBlock::Damaged);
        }
        if known.is_none_or(|known| !known.is_like(stat)) && !is_good(&file, name, length)? {
            return Ok(FoundBlock::Damaged);
        }
        Ok(FoundBlock::Good(MediaFile::own(file)?, stat))
    }

    /// Removes the file of a block, if there is one.
    ///
    /// # Errors
    /// Those of removing.
    pub(super) fn remove(&self, name: BlockName) -> io::Result<()> {
        match fs::remove_file(self.shelf(name).join(name.to_string())) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Calls `see` with each block and its length. Removes what a writer that was killed has left, and files that are too
    /// short. Files with other names stay, uncounted.
    ///
    /// # Errors
    /// Those of reading the folder.
    pub(super) fn list(&self, mut see: impl FnMut(BlockName, u64)) -> io::Result<()> {
        for folder in fs::read_dir(&self.folder)? {
            let folder = folder?;
            if !folder.file_type()?.is_dir() {
                continue;
            }
            for entry in fs::read_dir(folder.path())? {
                let entry = entry?;
                let text = entry.file_name().to_string_lossy().into_owned();
                if text.starts_with(UNFINISHED) {
                    fs::remove_file(entry.path())?;
                    continue;
                }
                let Some(name) = BlockName::read(&text).filter(|name| self.shelf(*name) == folder.path()) else {
                    continue;
                };
                match entry.metadata()?.len().checked_sub(SUM_BYTES) {
                    Some(length) => see(name, length),
                    None => fs::remove_file(entry.path())?,
                }
            }
        }
        Ok(())
    }
}

fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn sum(name: BlockName, bytes: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(name.to_string()).chain_update(bytes).finalize().into()
}

fn is_good(file: &File, name: BlockName, length: u64) -> io::Result<bool> {
    let mut bytes = vec![0; usize::try_from(length.saturating_add(SUM_BYTES)).map_err(io::Error::other)?];
    file.read_exact_at(&mut bytes, 0)?;
    let stored = bytes.split_off(usize::try_from(length).map_err(io::Error::other)?);
    Ok(stored == sum(name, &bytes))
}
