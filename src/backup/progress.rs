//! The progress of a backup or a restore.

/// The progress of a backup or a restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupProgress {
    /// Rows written or read so far.
    pub rows: u64,
    /// The number of rows in total.
    pub of: u64,
}
