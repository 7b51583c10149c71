//! The index on disk: opened or rebuilt, fed in commits, searched in snapshots.

use super::{
    matching::Scratch,
    schema::{IndexFields, VERSION},
    snapshot::{IndexSnapshot, Query, Results},
};
use crate::values::document::DocumentChange;
use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
};
use tantivy::{
    Index, IndexReader, IndexWriter, ReloadPolicy, TantivyError,
    directory::MmapDirectory,
    directory::error::OpenDirectoryError,
    indexer::{IndexWriterOptions, LogMergePolicy},
};

/// Bytes that the writer buffers in memory before it writes a segment.
const WRITER_BYTES: usize = 48 << 20;
/// As many segments of similar size are merged into one. A small number makes searches faster and feeding slower.
const MERGED_AT_ONCE: usize = 5;
/// The fraction of removed documents at which a segment is rewritten without them.
const REMOVED_RATIO: f32 = 0.2;

/// Why the index could not be opened, fed or searched.
#[derive(Debug)]
pub enum SearchError {
    /// The folder cannot be used.
    Folder(PathBuf, io::Error),
    /// Another process has it open.
    InUse(PathBuf),
    /// Tantivy failed, for example because files are damaged or the disk is full.
    Engine(TantivyError),
}

impl std::fmt::Display for SearchError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Folder(path, error) => {
                write!(f, "the search index folder {} cannot be used: {error}", path.display())
            }
            Self::InUse(path) => write!(f, "the search index in {} is in use by another process", path.display()),
            Self::Engine(error) => write!(f, "the search index failed: {error}"),
        }
    }
}

impl std::error::Error for SearchError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Folder(_, error) => Some(error),
            Self::InUse(_) => None,
            Self::Engine(error) => Some(error),
        }
    }
}

impl From<TantivyError> for SearchError {
    fn from(error: TantivyError) -> Self {
        Self::Engine(error)
    }
}

/// The search index of one data folder. It may be deleted at any time, because it can be rebuilt from the database.
pub struct SearchIndex {
    folder: PathBuf,
    open: RwLock<OpenIndex>,
    /// The writer; `None` after a failure, which discards its uncommitted changes. The next change opens a new one.
    feed: Mutex<Option<IndexWriter>>,
    scratches: Mutex<Vec<Scratch>>,
}

struct OpenIndex {
    fields: IndexFields,
    reader: IndexReader,
    snapshot: Arc<IndexSnapshot>,
    cursor: Option<String>,
}

impl SearchIndex {
    /// Opens the index in `folder`. Makes an empty one when there is none, when it has another version, or when it is
    /// damaged.
    ///
    /// # Errors
    /// When the folder cannot be read or written, or another process has the index open.
    pub fn open(folder: &Path) -> Result<Self, SearchError> {
        let current = folder.join(format!("v{VERSION}"));
        fs::create_dir_all(&current).map_err(|error| SearchError::Folder(current.clone(), error))?;
        let (open, writer) = match open_at(&current) {
            Ok(opened) => opened,
            Err(SearchError::Engine(error)) => {
                log::warn!("rebuilding the search index: the existing one cannot be read: {error}");
                empty(&current)?;
                open_at(&current)?
            }
            Err(other) => return Err(other),
        };
        remove_others(folder, &current);
        let scratches = Mutex::new(Vec::new());
        Ok(Self { folder: current, open: RwLock::new(open), feed: Mutex::new(Some(writer)), scratches })
    }

    /// The cursor of the last commit: the text that [`SearchIndex::commit`] was called with; `None` before the first.
    #[must_use]
    pub fn cursor(&self) -> Option<String> {
        self.open.read().unwrap_or_else(PoisonError::into_inner).cursor.clone()
    }

    /// Applies changes; they are searchable and durable after the next commit.
    ///
    /// # Errors
    /// When the writer fails; all changes since the last commit are discarded then.
    pub fn apply(&self, changes: impl IntoIterator<Item = DocumentChange>) -> Result<(), SearchError> {
        let fields = self.open.read().unwrap_or_else(PoisonError::into_inner).fields;
        self.write(|writer| {
            for change in changes {
                match change {
                    DocumentChange::Put(document) => {
                        writer.delete_term(fields.key_term(document.kind, document.id));
                        writer.add_document(fields.document(&document))?;
                    }
                    DocumentChange::Remove(kind, id) => {
                        writer.delete_term(fields.key_term(kind, id));
                    }
                }
            }
            Ok(())
        })
    }

    /// Makes all applied changes durable together with the cursor, and searchable.
    ///
    /// # Errors
    /// As [`SearchIndex::apply`].
    pub fn commit(&self, cursor: &str) -> Result<(), SearchError> {
        self.write(|writer| {
            let mut prepared = writer.prepare_commit()?;
            prepared.set_payload(cursor);
            prepared.commit().map(|_| ())
        })?;
        self.reload(Some(cursor.to_owned()))
    }

    /// Searches the merged segments, when merges have ended since the last commit.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub fn refresh(&self) -> Result<(), SearchError> {
        let now: HashSet<_> = self.index().searchable_segment_ids()?.into_iter().collect();
        let seen: HashSet<_> = self.snapshot().segment_ids().collect();
        if now == seen { Ok(()) } else { self.reload(self.cursor()) }
    }

    /// Removes all documents and the cursor, so that the index is fed again from the first change.
    ///
    /// # Errors
    /// As [`SearchIndex::apply`].
    pub fn clear(&self) -> Result<(), SearchError> {
        self.write(|writer| {
            writer.delete_all_documents()?;
            writer.commit().map(|_| ())
        })?;
        self.reload(None)
    }

    /// Closes the writer, when its merges have ended. What was applied since the last commit is discarded. Searches go on;
    /// the next change opens a new writer.
    ///
    /// # Errors
    /// When a merge failed.
    pub fn close(&self) -> Result<(), SearchError> {
        let writer = self.feed.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(writer.map_or(Ok(()), IndexWriter::wait_merging_threads)?)
    }

    /// Whether every file of the index has the checksum with which it was written. Reads all files.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn is_sound(&self) -> Result<bool, SearchError> {
        Ok(self.index().validate_checksum()?.is_empty())
    }

    /// Searches the last commit. Takes up to some milliseconds on the caller's thread.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub fn search(&self, query: &Query<'_>) -> Result<Results, SearchError> {
        let snapshot = self.snapshot();
        let mut scratch = self.scratches.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        let results = snapshot.search(query, &mut scratch)?;
        self.scratches.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
        Ok(results)
    }

    /// The number of documents in the last commit.
    #[must_use]
    pub fn documents(&self) -> u64 {
        self.snapshot().documents()
    }

    fn write(&self, work: impl FnOnce(&mut IndexWriter) -> tantivy::Result<()>) -> Result<(), SearchError> {
        let mut feed = self.feed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut writer = match feed.take() {
            Some(writer) => writer,
            None => writer_of(&self.index(), &self.folder)?,
        };
        work(&mut writer)?;
        *feed = Some(writer);
        Ok(())
    }

    fn index(&self) -> Index {
        self.open.read().unwrap_or_else(PoisonError::into_inner).reader.searcher().index().clone()
    }

    fn snapshot(&self) -> Arc<IndexSnapshot> {
        Arc::clone(&self.open.read().unwrap_or_else(PoisonError::into_inner).snapshot)
    }

    fn reload(&self, cursor: Option<String>) -> Result<(), SearchError> {
        let (reader, fields, before) = {
            let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
            (open.reader.clone(), open.fields, Arc::clone(&open.snapshot))
        };
        reader.reload()?;
        let snapshot = IndexSnapshot::open(&reader.searcher(), fields, &before)?;
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        open.snapshot = Arc::new(snapshot);
        open.cursor = cursor;
        Ok(())
    }
}

fn open_at(folder: &Path) -> Result<(OpenIndex, IndexWriter), SearchError> {
    let (schema, fields) = IndexFields::new();
    let directory = MmapDirectory::open(folder).map_err(|error| match error {
        OpenDirectoryError::IoError { io_error, .. } => {
            SearchError::Folder(folder.to_owned(), io::Error::new(io_error.kind(), io_error.to_string()))
        }
        other => SearchError::Engine(other.into()),
    })?;
    let index = Index::open_or_create(directory, schema)?;
    IndexFields::register(&index);
    let writer = writer_of(&index, folder)?;
    let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
    let snapshot = Arc::new(IndexSnapshot::open(&reader.searcher(), fields, &IndexSnapshot::default())?);
    let cursor = index.load_metas()?.payload;
    Ok((OpenIndex { fields, reader, snapshot, cursor }, writer))
}

fn writer_of(index: &Index, folder: &Path) -> Result<IndexWriter, SearchError> {
    let options = IndexWriterOptions::builder()
        .memory_budget_per_thread(WRITER_BYTES)
        .num_worker_threads(1)
        .num_merge_threads(1)
        .build();
    let writer: IndexWriter = index.writer_with_options(options).map_err(|error| match error {
        TantivyError::LockFailure(..) => SearchError::InUse(folder.to_owned()),
        other => SearchError::Engine(other),
    })?;
    let mut policy = LogMergePolicy::default();
    policy.set_min_num_segments(MERGED_AT_ONCE);
    policy.set_del_docs_ratio_before_merge(REMOVED_RATIO);
    writer.set_merge_policy(Box::new(policy));
    // A writer that was killed in mid-commit leaves files that no commit names. The same changes write the same names.
    writer.garbage_collect_files().wait()?;
    Ok(writer)
}

fn empty(folder: &Path) -> Result<(), SearchError> {
    let failed = |error| SearchError::Folder(folder.to_owned(), error);
    fs::remove_dir_all(folder).map_err(failed)?;
    fs::create_dir_all(folder).map_err(failed)
}

/// Removes indexes of other versions. A failure is only logged: such an index only takes space.
fn remove_others(folder: &Path, current: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path != current
            && path.is_dir()
            && let Err(error) = fs::remove_dir_all(&path)
        {
            log::warn!("old search index {} cannot be removed: {error}", path.display());
        }
    }
}
