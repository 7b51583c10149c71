//! The demo's data folder: made once, used by one demo at a time, with the password in a file of mode 0600.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The file that marks a folder as made by a demo, so that a demo never writes into another folder that has contents;
/// locked while a demo runs.
const MARK: &str = ".segue-demo";
/// The password file; its only line is the password, as `--password-file` expects it.
const PASSWORD: &str = "password";
/// Characters of a password, without those that are easily confused (l, o, 0, 1).
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// 20 characters of 5 bits each: 100 bits.
const PASSWORD_LETTERS: usize = 20;

/// Why the data folder cannot be used.
#[derive(Debug)]
pub enum HomeError {
    /// It is not empty and has no marker file of a demo.
    Foreign(PathBuf),
    /// Another demo runs in it.
    InUse(PathBuf),
    /// A file or folder cannot be read or written.
    Io(PathBuf, io::Error),
}

impl fmt::Display for HomeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign(path) => {
                let path = path.display();
                write!(f, "{path} holds files that no demo made; name an empty or a new folder with --data-dir")
            }
            Self::InUse(path) => {
                write!(f, "another demo runs in {}; stop it or name another folder with --data-dir", path.display())
            }
            Self::Io(path, error) => {
                write!(f, "{} cannot be used: {error}; name another folder with --data-dir", path.display())
            }
        }
    }
}

impl std::error::Error for HomeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(_, error) => Some(error),
            Self::Foreign(_) | Self::InUse(_) => None,
        }
    }
}

/// The data folder; its lock is held until this value is dropped.
#[derive(Debug)]
pub struct Home {
    folder: PathBuf,
    _lock: File,
}

impl Home {
    /// Locks `folder`, and creates it when it is missing.
    ///
    /// # Errors
    /// When it holds files that no demo made, when another demo runs in it, or when it cannot be written.
    pub fn take(folder: &Path) -> Result<Self, HomeError> {
        let failed = |error| HomeError::Io(folder.to_owned(), error);
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let folder = folder.canonicalize().map_err(failed)?;
        let mark = folder.join(MARK);
        if !mark.exists() && fs::read_dir(&folder).map_err(failed)?.next().is_some() {
            return Err(HomeError::Foreign(folder));
        }
        let opened = OpenOptions::new().create(true).append(true).mode(0o600).open(&mark);
        let lock = opened.map_err(|error| HomeError::Io(mark.clone(), error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { folder, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(HomeError::InUse(folder)),
            Err(TryLockError::Error(error)) => Err(HomeError::Io(mark, error)),
        }
    }

    /// The absolute path of the data folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The music folder.
    #[must_use]
    pub fn music(&self) -> PathBuf {
        self.folder.join("music")
    }

    /// The path of the password file.
    #[must_use]
    pub fn password_file(&self) -> PathBuf {
        self.folder.join(PASSWORD)
    }

    /// The password in the password file, or `None` without one. A file that group or others can read is set to mode
    /// 0600.
    ///
    /// # Errors
    /// When the file exists and cannot be read.
    pub fn password(&self) -> Result<Option<String>, HomeError> {
        read_private(&self.password_file()).map_err(|error| HomeError::Io(self.password_file(), error))
    }

    /// Writes `password` to the password file. The file has mode 0600 before the first byte is written.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep_password(&self, password: &str) -> Result<(), HomeError> {
        let part = self.folder.join(format!(".{PASSWORD}.part"));
        let path = self.password_file();
        write_private(&part, &path, password).map_err(|error| HomeError::Io(path, error))
    }
}

/// A new password; each byte of `random` chooses one character.
#[must_use]
pub fn new_password(random: [u8; PASSWORD_LETTERS]) -> String {
    random.into_iter().map(|byte| LETTERS.get(usize::from(byte % 32)).copied().map_or('x', char::from)).collect()
}

fn read_private(path: &Path) -> io::Result<Option<String>> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(text.lines().next().map(str::to_owned).filter(|line| !line.is_empty()))
}

fn write_private(part: &Path, path: &Path, text: &str) -> io::Result<()> {
    match fs::remove_file(part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // `create_new` fails when the path is a symbolic link, so the password cannot end up in another file.
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(part)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    fs::rename(part, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_for_the_owner_only() {
        let bits = |path: PathBuf| path.metadata().unwrap().permissions().mode() & 0o777;
        let folder = tempfile::tempdir().unwrap();
        let home = Home::take(&folder.path().join("a/b")).unwrap();
        assert_eq!(home.password().unwrap(), None);
        let made = new_password([7; 20]);
        home.keep_password(&made).unwrap();
        assert_eq!(bits(home.password_file()), 0o600);
        fs::set_permissions(home.password_file(), Permissions::from_mode(0o644)).unwrap();
        assert_eq!(home.password().unwrap(), Some(made));
        assert_eq!(bits(home.password_file()), 0o600);
        assert_eq!(bits(home.folder().to_owned()), 0o700);
    }

    #[test]
    fn an_interrupted_password_write_is_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::take(folder.path()).unwrap();
        fs::write(home.folder().join(".password.part"), "abc").unwrap();
        fs::write(home.password_file(), "").unwrap();
        assert_eq!(home.password().unwrap(), None);
        home.keep_password("secret").unwrap();
        assert_eq!(home.password().unwrap().as_deref(), Some("secret"));
    }

    #[test]
    fn a_folder_with_other_files_is_refused_and_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.txt"), "").unwrap();
        assert!(matches!(Home::take(folder.path()), Err(HomeError::Foreign(_))));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_second_demo_in_the_same_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::take(folder.path()).unwrap();
        assert!(matches!(Home::take(folder.path()), Err(HomeError::InUse(_))));
        drop(home);
        assert!(Home::take(folder.path()).is_ok());
    }
}
