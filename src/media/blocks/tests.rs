//! The cache with a source in memory and a folder on a disk.

use super::{BLOCK_BYTES, BlockReader, BlockSource, Blocks, CachedObject, FetchError, FetchFailure};
use crate::media::{
    bytes::MediaBytes, multipart::BodyPiece, range::ByteRange, stream::MediaBody, threads::FileThreads,
};
use bytes::Bytes;
use futures_util::{FutureExt as _, future::BoxFuture};
use std::{
    fs, io,
    ops::Range,
    os::unix::fs::{FileExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};
use tempfile::TempDir;
use tokio::{runtime::Handle, sync::Semaphore};

const VERSION: &str = "000102030405060708090a0b0c0d0e0f";
/// An object of three blocks and a bit.
const LENGTH: u64 = 3 * BLOCK_BYTES + 1_000;

/// What a source was asked, and when it answers.
#[derive(Debug, Clone)]
struct Script {
    bytes: Bytes,
    asked: Arc<Mutex<Vec<u64>>>,
    /// How many answers may be given.
    answers: Arc<Semaphore>,
    failure: Arc<Mutex<Option<FetchFailure>>>,
}

impl Script {
    fn new(length: u64) -> Self {
        let byte = |at: u64| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56).to_le_bytes()[0];
        let answers = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        Self { bytes: (0..length).map(byte).collect(), asked: Arc::default(), answers, failure: Arc::default() }
    }

    /// Answers only after [`Semaphore::add_permits`].
    fn slow(length: u64) -> Self {
        Self { answers: Arc::new(Semaphore::new(0)), ..Self::new(length) }
    }

    fn object(&self, version: &str) -> Arc<CachedObject> {
        CachedObject::new(version, self.bytes.len().try_into().unwrap(), self.clone()).unwrap()
    }

    /// The numbers of the blocks that were asked for since the last call, sorted.
    fn take_asked(&self) -> Vec<u64> {
        let mut asked = std::mem::take(&mut *self.asked.lock().unwrap());
        asked.sort_unstable();
        asked
    }
}

impl BlockSource for Script {
    fn fetch(&self, range: Range<u64>) -> BoxFuture<'static, Result<Bytes, FetchError>> {
        let this = self.clone();
        this.asked.lock().unwrap().push(range.start / BLOCK_BYTES);
        Box::pin(async move {
            this.answers.acquire().await.unwrap().forget();
            if let Some(failure) = *this.failure.lock().unwrap() {
                return Err(FetchError { failure, reason: "out of order".into() });
            }
            Ok(this.bytes.slice(usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()))
        })
    }
}

/// Does something to a file; the other one is that of another block.
type Damage = fn(&Path, &Path);

struct Fixture {
    _temporary: TempDir,
    folder: PathBuf,
    blocks: Blocks,
}

fn open(folder: &Path, bytes: u64) -> Blocks {
    let threads = FileThreads::new(&[]).of(folder).clone();
    Blocks::new(folder.to_owned(), bytes, threads, Handle::current()).unwrap()
}

impl Fixture {
    async fn new(bytes: u64) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("blocks");
        let blocks = open(&folder, bytes);
        blocks.load().await.unwrap();
        Self { _temporary: temporary, folder, blocks }
    }

    /// The paths of all files in the folder.
    fn files(&self) -> Vec<PathBuf> {
        let shelves = fs::read_dir(&self.folder).unwrap();
        shelves
            .flat_map(|shelf| fs::read_dir(shelf.unwrap().path()).unwrap())
            .map(|file| file.unwrap().path())
            .collect()
    }

    fn size(&self) -> u64 {
        self.files().iter().map(|path| fs::metadata(path).unwrap().len()).sum()
    }
}

/// A source that gives one byte less.
#[derive(Debug)]
struct Short(Script);
impl BlockSource for Short {
    fn fetch(&self, range: Range<u64>) -> BoxFuture<'static, Result<Bytes, FetchError>> {
        self.0.fetch(range.start..range.end - 1)
    }
}

/// All bytes of an object from `first` on.
async fn read_from(blocks: &Blocks, object: &Arc<CachedObject>, first: u64) -> io::Result<Vec<u8>> {
    let bytes = MediaBytes::Blocks(BlockReader::new(blocks.clone(), Arc::clone(object)));
    let mut body = MediaBody::new(bytes, vec![BodyPiece::Range(ByteRange { first, last: object.length - 1 })]);
    let mut all = Vec::new();
    while let Some(chunk) = body.next().await? {
        all.extend_from_slice(&chunk);
    }
    Ok(all)
}

async fn read(blocks: &Blocks, object: &Arc<CachedObject>) -> io::Result<Vec<u8>> {
    read_from(blocks, object, 0).await
}

#[tokio::test]
async fn what_was_read_once_is_read_from_the_disk_also_after_a_restart() {
    let (fixture, script) = (Fixture::new(100 * BLOCK_BYTES).await, Script::new(LENGTH));
    let object = script.object(VERSION);
    assert!(read(&fixture.blocks, &object).await.unwrap() == script.bytes);
    assert_eq!(script.take_asked(), [0, 1, 2, 3]);
    assert!(read(&fixture.blocks, &object).await.unwrap() == script.bytes);
    for mode in [&fixture.folder, &fixture.files()[0]].map(|path| fs::metadata(path).unwrap().permissions().mode()) {
        assert_eq!(mode & 0o077, 0, "others cannot read it");
    }
    drop(fixture.blocks);
    let again = open(&fixture.folder, 100 * BLOCK_BYTES);
    // Before the files are known, and after that.
    assert!(read(&again, &object).await.unwrap() == script.bytes);
    let again = open(&fixture.folder, 100 * BLOCK_BYTES);
    assert_eq!(again.load().await.unwrap().0, 4);
    assert!(read(&again, &object).await.unwrap() == script.bytes);
    assert_eq!(script.take_asked(), Vec::<u64>::new());
    assert_eq!(again.versions().await.unwrap(), [VERSION]);
}

#[tokio::test]
async fn many_who_wait_for_a_block_wait_for_one_fetch_which_goes_on_when_the_first_one_leaves() {
    let (fixture, script) = (Fixture::new(100 * BLOCK_BYTES).await, Script::slow(BLOCK_BYTES));
    let object = script.object(VERSION);
    let mut first = Box::pin(read(&fixture.blocks, &object));
    assert!((&mut first).now_or_never().is_none());
    let others: Vec<_> = (0..20)
        .map(|_| {
            tokio::spawn({
                let (blocks, object) = (fixture.blocks.clone(), Arc::clone(&object));
                async move { read(&blocks, &object).await }
            })
        })
        .collect();
    while script.asked.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    drop(first);
    script.answers.add_permits(1);
    for other in others {
        assert!(other.await.unwrap().unwrap() == script.bytes);
    }
    assert_eq!(script.take_asked(), [0]);
}

#[tokio::test]
async fn a_fetch_that_nobody_waits_for_any_more_is_kept() {
    let (fixture, script) = (Fixture::new(100 * BLOCK_BYTES).await, Script::slow(BLOCK_BYTES));
    let object = script.object(VERSION);
    let mut only = Box::pin(read(&fixture.blocks, &object));
    assert!((&mut only).now_or_never().is_none());
    drop(only);
    script.answers.add_permits(1);
    while fixture.files().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(read(&fixture.blocks, &object).await.unwrap() == script.bytes);
    assert_eq!(script.take_asked(), [0]);
}

#[tokio::test]
async fn what_is_read_along_is_fetched_ahead_and_single_blocks_are_not() {
    let (fixture, script) = (Fixture::new(100 * BLOCK_BYTES).await, Script::new(20 * BLOCK_BYTES));
    let object = script.object(VERSION);
    for at in [7, 3, 11] {
        BlockReader::new(fixture.blocks.clone(), Arc::clone(&object)).part(at * BLOCK_BYTES).await.unwrap();
    }
    assert_eq!(script.take_asked(), [3, 7, 11]);
    // Along the object: the second block asks for the third, the third for two more, and so on.
    let mut reader = BlockReader::new(fixture.blocks.clone(), Arc::clone(&object));
    for at in 12..14 {
        reader.part(at * BLOCK_BYTES).await.unwrap();
    }
    while script.asked.lock().unwrap().len() < 4 {
        tokio::task::yield_now().await;
    }
    assert_eq!(script.take_asked(), [12, 13, 14, 15]);
    // Never behind the end.
    for at in 14..20 {
        reader.part(at * BLOCK_BYTES).await.unwrap();
    }
    assert_eq!(script.take_asked(), [16, 17, 18, 19]);
}

#[tokio::test]
async fn a_failure_is_told_to_all_and_fetched_again_later_and_kept_blocks_are_read_meanwhile() {
    let (fixture, script) = (Fixture::new(100 * BLOCK_BYTES).await, Script::new(LENGTH));
    let object = script.object(VERSION);
    let mut reader = BlockReader::new(fixture.blocks.clone(), Arc::clone(&object));
    reader.part(0).await.unwrap();
    for failure in [FetchFailure::Unavailable, FetchFailure::Changed, FetchFailure::Absent] {
        *script.failure.lock().unwrap() = Some(failure);
        let error = reader.part(2 * BLOCK_BYTES).await.unwrap_err();
        assert_eq!(error.failure, failure);
        reader.part(5).await.expect("it is kept");
        *script.failure.lock().unwrap() = None;
        while reader.part(2 * BLOCK_BYTES).await.is_err() {
            tokio::task::yield_now().await;
        }
        fixture.blocks.forget(&[VERSION.to_owned()]).await.unwrap();
        reader.part(0).await.unwrap();
    }
}

#[tokio::test]
async fn a_source_that_gives_another_number_of_bytes_is_an_error_and_nothing_is_kept() {
    let (fixture, script) = (Fixture::new(100 * BLOCK_BYTES).await, Script::new(LENGTH));
    let short = Script { bytes: script.bytes.slice(..script.bytes.len() - 1), ..script.clone() };
    let object = CachedObject::new(VERSION, LENGTH, Short(short)).unwrap();
    assert!(read(&fixture.blocks, &object).await.is_err());
    assert_eq!(fixture.files(), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn the_files_stay_within_the_bound_and_what_was_evicted_is_read_on_by_whom_has_it_open() {
    let bound = 10 * (BLOCK_BYTES + 4096);
    let (fixture, script) = (Fixture::new(bound).await, Script::new(LENGTH));
    let first = script.object(VERSION);
    let mut reader = BlockReader::new(fixture.blocks.clone(), Arc::clone(&first));
    let part = reader.part(0).await.unwrap();
    for other in 0..20 {
        let object = script.object(&format!("{other:032x}"));
        assert!(read(&fixture.blocks, &object).await.unwrap() == script.bytes);
    }
    assert!(fixture.size() <= bound && fixture.size() > bound / 2, "{}", fixture.size());
    let bytes = MediaBytes::Blocks(reader);
    drop(part);
    let mut body = MediaBody::new(bytes, vec![BodyPiece::Range(ByteRange { first: 0, last: LENGTH - 1 })]);
    body.begin().await.unwrap();
    fixture.blocks.forget(&[VERSION.to_owned()]).await.unwrap();
    let mut all = Vec::new();
    while let Some(chunk) = body.next().await.unwrap() {
        all.extend_from_slice(&chunk);
    }
    assert!(all == script.bytes);
    // Less room at the next start.
    let small = open(&fixture.folder, bound / 2);
    small.load().await.unwrap();
    assert!(fixture.size() <= bound / 2, "{}", fixture.size());
}

#[tokio::test]
async fn no_damaged_file_is_read_and_none_of_another_block() {
    let (fixture, script) = (Fixture::new(100 * BLOCK_BYTES).await, Script::new(2 * BLOCK_BYTES));
    let object = script.object(VERSION);
    let damages: [(&str, Damage); 4] = [
        ("another byte", |a, _| {
            let file = fs::File::options().read(true).write(true).open(a).unwrap();
            let mut byte = [0];
            file.read_exact_at(&mut byte, 100).unwrap();
            file.write_all_at(&[!byte[0]], 100).unwrap();
        }),
        ("cut off", |a, _| fs::File::options().write(true).open(a).unwrap().set_len(1_000).unwrap()),
        ("empty", |a, _| fs::write(a, "").unwrap()),
        ("another block", |a, b| fs::write(a, fs::read(b).unwrap()).unwrap()),
    ];
    for (name, damage) in damages {
        assert!(read(&fixture.blocks, &object).await.unwrap() == script.bytes);
        let mut files = fixture.files();
        files.sort();
        damage(&files[0], &files[1]);
        script.take_asked();
        let again = open(&fixture.folder, 100 * BLOCK_BYTES);
        again.load().await.unwrap();
        assert!(read(&again, &object).await.unwrap() == script.bytes, "{name}");
        assert_eq!(script.take_asked(), [0], "{name}");
        // The check in the background removes it as well.
        damage(&files[0], &files[1]);
        let again = open(&fixture.folder, 100 * BLOCK_BYTES);
        again.load().await.unwrap();
        let check = tokio::spawn(again.check(u64::MAX));
        while files[0].exists() {
            tokio::task::yield_now().await;
        }
        check.abort();
        assert!(files[1].exists(), "{name}");
    }
}

#[tokio::test]
async fn a_disk_that_takes_nothing_keeps_nobody_from_reading() {
    let (fixture, script) = (Fixture::new(100 * BLOCK_BYTES).await, Script::new(LENGTH));
    let object = script.object(VERSION);
    // A file where the folder of the block would be.
    fs::write(fixture.folder.join("00"), "").unwrap();
    for _ in 0..2 {
        assert!(read(&fixture.blocks, &object).await.unwrap() == script.bytes);
    }
    assert_eq!(script.take_asked().len(), 8);
    fs::remove_file(fixture.folder.join("00")).unwrap();
    read(&fixture.blocks, &object).await.unwrap();
    assert_eq!((script.take_asked(), fixture.files().len()), (vec![0, 1, 2, 3], 4));
    let none = open(&fixture.folder, 0);
    assert!(read(&none, &object).await.unwrap() == script.bytes);
    assert_eq!((script.take_asked().len(), fixture.files().len()), (4, 4));
}

#[tokio::test]
async fn what_a_killed_server_was_writing_is_removed_and_strange_files_stay() {
    let fixture = Fixture::new(100 * BLOCK_BYTES).await;
    let shelf = fixture.folder.join("00");
    fs::create_dir(&shelf).unwrap();
    let (half, strange) = (shelf.join(".new-half"), shelf.join("README"));
    fs::write(&half, "a").unwrap();
    fs::write(&strange, "a").unwrap();
    fs::write(fixture.folder.join("notes"), "a").unwrap();
    assert_eq!(fixture.blocks.load().await.unwrap().0, 0);
    assert!(!half.exists() && strange.exists());
}
