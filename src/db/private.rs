//! The data is for its owner alone: the database holds the key that signs logins, so that a person who can read it can
//! sign in as any user.

use super::obstacle;
use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

/// The mode of a folder that is made.
const FOLDER: u32 = 0o700;
/// The mode of a file that is made.
const FILE: u32 = 0o600;
/// The rights of the group and of others.
const OTHERS: u32 = 0o077;
/// A folder of many users, such as /tmp (inode(7)).
const STICKY: u32 = 0o1000;

/// What stands at the end of the name of a database and of the files beside it that hold some of it
/// (sqlite.org/tempfiles.html).
const ENDINGS: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// Makes the data folder and the missing folders above it, for their owner alone. One that is there and open to others is
/// closed to them, which is logged; a folder of many users stays as it is.
///
/// # Errors
/// When the folder is missing and cannot be made: what is in the way.
pub fn data_folder(folder: &Path) -> Result<(), String> {
    let unusable = |error| {
        let reason = obstacle::reason(folder, &error);
        format!("the data folder {} cannot be used: {reason}", folder.display())
    };
    make_folder(folder).map_err(unusable)?;
    close_to_others(folder);
    Ok(())
}

/// Makes a folder, and the missing folders above it, for their owner alone.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER).create(folder)
}

/// Opens a file to be locked; makes it for its owner alone.
pub(super) fn lock_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(FILE).open(path)
}

/// Makes a database's file for its owner alone where there is none: an empty file is a new database, and SQLite gives the
/// files beside a database its mode.
pub(super) fn make_database(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(FILE).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Closes a database and the files beside it to others, which is logged.
pub(super) fn close_database(path: &Path) {
    for ending in ENDINGS {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        close_to_others(Path::new(&name));
    }
}

fn close_to_others(path: &Path) {
    let Ok(metadata) = fs::metadata(path) else { return };
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & OTHERS == 0 || mode & STICKY != 0 {
        return;
    }
    let (shown, narrow) = (path.display(), mode & !OTHERS);
    match fs::set_permissions(path, Permissions::from_mode(narrow)) {
        Ok(()) => {
            log::warn!("{shown} was open to other users of this machine (mode {mode:o}): its mode is {narrow:o} now");
        }
        Err(error) => log::warn!(
            "{shown} is open to other users of this machine (mode {mode:o}), who may read logins there; \
             `chmod {narrow:o}` as its owner closes it: {error}"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("it is there").permissions().mode() & 0o7777
    }

    #[test]
    fn what_is_made_and_what_is_open_is_for_the_owner_alone_but_not_a_folder_of_many_users() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = root.path().join("a/b");
        data_folder(&folder).expect("it is made");
        assert_eq!([mode(&folder), mode(&root.path().join("a"))], [0o700; 2]);
        let file = folder.join("segue.db");
        make_database(&file).expect("it is made");
        assert_eq!(mode(&file), 0o600);
        let wal = folder.join("segue.db-wal");
        fs::write(&wal, "").expect("written");
        for (path, wide) in [(&folder, 0o755), (&file, 0o664), (&wal, 0o644)] {
            fs::set_permissions(path, Permissions::from_mode(wide)).expect("it is ours");
        }
        data_folder(&folder).expect("it is there");
        make_database(&file).expect("it is there");
        close_database(&file);
        assert_eq!([mode(&folder), mode(&file), mode(&wal)], [0o700, 0o600, 0o600]);
        fs::set_permissions(&folder, Permissions::from_mode(0o1777)).expect("it is ours");
        data_folder(&folder).expect("it is there");
        assert_eq!(mode(&folder), 0o1777);
    }
}
