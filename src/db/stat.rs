//! The `Stat` of a file in columns.

use crate::media::version::Stat;

/// Size, modification time, change time, inode.
pub(super) type StatColumns = (i64, i64, i64, i64);

/// The `Stat` in these columns.
pub(super) const fn stat_of((size, mtime_ns, ctime_ns, inode): StatColumns) -> Stat {
    Stat { size, mtime_ns, ctime_ns, inode }
}
