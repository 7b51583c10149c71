//! Whether the sockets of a run fit: into one process, into several, or not at all.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that a process of this program has open beside its sockets, with room.
const OTHER_FILES: u64 = 64;
/// Files that a server opens beside the sockets of a run, with room for the database and audio.
const SERVER_FILES: u64 = 128;

/// Raises how many files this process may open as far as it may, and returns that.
#[must_use]
pub fn raise_files() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    // If it cannot be raised, what there is counts.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// How many processes are needed for so many sockets, if each may open so many files.
///
/// # Errors
/// A process could open no socket at all.
pub fn processes(sockets: u64, files: u64) -> Result<usize, String> {
    let each = files.saturating_sub(OTHER_FILES);
    if each == 0 {
        return Err(format!("this program may open only {files} files (ulimit -n): too few for any socket"));
    }
    Ok(usize::try_from(sockets.div_ceil(each)).unwrap_or(usize::MAX).max(1))
}

/// Whether a server that may open `most` files and has `open` can take so many sockets more.
///
/// # Errors
/// It cannot, and why.
pub fn server_takes(sockets: u64, most: u64, open: u64) -> Result<(), String> {
    let needed = sockets.saturating_add(open).saturating_add(SERVER_FILES);
    if needed <= most {
        return Ok(());
    }
    Err(format!(
        "the server may open {most} files and has {open} open: {sockets} sockets more do not fit. Start it with a \
         higher limit (ulimit -n {needed}), or load it with fewer users"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_split_when_they_do_not_fit_into_one_process() {
        assert_eq!((processes(0, 1_024), processes(960, 1_024), processes(961, 1_024)), (Ok(1), Ok(1), Ok(2)));
        assert_eq!(processes(15_000, 1_024), Ok(16));
        assert!(processes(1, 64).expect_err("none").contains("64 files"));
    }

    #[test]
    fn a_server_without_room_is_named_with_what_it_needs() {
        assert_eq!(server_takes(800, 1_024, 96), Ok(()));
        let told = server_takes(801, 1_024, 96).expect_err("one too many");
        assert!(told.contains("1024 files") && told.contains("ulimit -n 1025"), "{told}");
    }

    #[test]
    fn the_limit_is_raised_to_what_is_allowed() {
        assert_eq!(Some(raise_files()), getrlimit(Resource::Nofile).maximum.or(Some(u64::MAX)));
    }
}
