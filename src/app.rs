//! The handles that all parts of the server share.

use crate::{
    auth::Auth,
    catalog::{
        cover::Covers,
        follow::Search,
        scan::{Music, Scanner},
        sums::Sums,
    },
    config::{CdnSignature, Settings},
    db::{Db, lists::Lists, secrets},
    media::{
        blocks::Blocks,
        delivery::{Cdn, CloudFrontKey, Presigner, Secret, UrlSigner},
        threads::FileThreads,
    },
    storage::{Attempts, Storage},
    store::{self, DbStore, DbTracks, TokenLogins},
    time,
};
use segue_actors::{
    directory::Directory,
    node::{Timing, World},
    protocol::ids::{ClockId, NodeId},
    state::Limits,
};
use std::{
    collections::HashMap,
    error::Error,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::runtime::Handle;

/// How long the end of a scan waits for the search to find what it wrote: the first scan of a large library is ahead of it.
const SEARCH_WITHIN: Duration = Duration::from_mins(1);

/// The shared handles; made once from the settings and available to every request.
pub struct App {
    /// The settings of this process.
    pub settings: Settings,
    /// The database.
    pub db: Db,
    /// Authentication: tokens, links, passwords.
    pub auth: Arc<Auth>,
    /// The threads that open and read audio files.
    pub file_threads: FileThreads,
    /// The buckets, for requests that a listener waits for.
    pub storage: Storage,
    /// What was played of objects.
    pub blocks: Blocks,
    /// The name of this run of the server.
    pub node: NodeId,
    /// The CDN of `cdn_url`.
    pub cdn: Option<Cdn>,
    /// What signs the addresses of objects, by the bucket.
    pub presigners: HashMap<String, Presigner>,
    /// Covers, scaled and cached.
    pub covers: Covers,
    /// The positions at which pages of long lists begin.
    pub lists: Arc<Lists>,
    /// Scans of the music folders.
    pub scanner: Scanner,
    /// The background check of the SHA-256 of files.
    pub sums: Sums,
    /// The sessions of this process.
    pub directory: Arc<Directory>,
    /// The search index.
    pub search: Arc<Search>,
    /// The name of the catalogue when the database was opened; a restore changes it.
    pub(crate) catalogue: String,
}

impl App {
    /// Opens everything that the settings need but the database, which the caller opens and closes. Blocks: call it before
    /// serving requests.
    ///
    /// # Errors
    /// When the database cannot be used, or another part cannot be started.
    pub async fn open(settings: Settings, db: Db) -> Result<Self, Box<dyn Error + Send + Sync>> {
        // Read first: everything read later is outdated when a restore has changed the name.
        let catalogue = db.write_blocking(secrets::catalogue)?;
        let auth = Arc::new(Auth::open(&db, &settings)?);
        let storage = Storage::new(settings.storage(), Attempts::Playback);
        let covers = Covers::new(settings.data_dir.join("covers"), &settings.music, storage.clone());
        let (lists, search) = (Arc::<Lists>::default(), Arc::<Search>::default());
        let tracks = DbTracks::new(db.clone(), Arc::clone(&lists), Arc::clone(&search));
        let node = NodeId(rand::random());
        let directory = directory(&settings, &db, &auth, tracks, node).await?;
        let (scanner, sums) = (Scanner::default(), Sums::default());
        let cache_dir = settings.blocks_dir();
        let file_threads = FileThreads::new(&[settings.music.as_slice(), std::slice::from_ref(&cache_dir)].concat());
        let blocks = blocks(&settings, cache_dir, &file_threads)?;
        let (cdn, presigners) = (cdn(&settings)?, presigners(&settings)?);
        Ok(Self {
            settings,
            db,
            auth,
            file_threads,
            storage,
            blocks,
            node,
            cdn,
            presigners,
            covers,
            lists,
            scanner,
            sums,
            directory,
            search,
            catalogue,
        })
    }

    /// Starts scanning: the music folders now and whenever a scan is due. Starts the background check of files.
    pub fn start_scanning(&self) {
        let Settings { music, scan_hidden, scan_interval_s, check_mb_per_s, .. } = &self.settings;
        let interval = (*scan_interval_s > 0).then(|| Duration::from_secs(*scan_interval_s));
        let splits = self.settings.splits();
        let storage = Storage::new(self.settings.storage(), Attempts::Background);
        let folders = Music { folders: music.clone(), hidden: *scan_hidden, others_stay: false, splits, storage };
        let search = Arc::clone(&self.search);
        self.scanner.start(self.db.clone(), folders, interval, move || search.catch_up(SEARCH_WITHIN));
        if !music.is_empty() && *check_mb_per_s > 0 {
            let rate = check_mb_per_s.saturating_mul(1_000_000);
            self.sums.start(self.db.clone(), Arc::clone(self.scanner.board()), rate);
        }
    }

    /// Ends the background threads. Blocks until the one that feeds the search index has ended, for at most 10 s.
    pub fn stop(&self) {
        self.scanner.stop();
        self.sums.stop();
        self.search.stop();
    }

    /// Starts feeding the search index from the database.
    pub fn start_search(&self) {
        self.search.start(self.db.clone(), self.settings.data_dir.join("search"));
    }
}

/// The cache of blocks that the settings name.
fn blocks(settings: &Settings, folder: PathBuf, threads: &FileThreads) -> Result<Blocks, String> {
    let bytes = settings.cache_mb.saturating_mul(1_000_000);
    let (shown, threads) = (folder.display().to_string(), threads.of(&folder).clone());
    Blocks::new(folder, bytes, threads, Handle::current())
        .map_err(|error| format!("cache_dir: the folder {shown} cannot be used: {error}"))
}

/// The CDN that the settings name, with its keys and secrets.
fn cdn(settings: &Settings) -> Result<Option<Cdn>, String> {
    let Some(url) = settings.cdn_url.as_str() else { return Ok(None) };
    let key_id = settings.cdn_key_id.as_str().unwrap_or_default();
    let secret = || read_file("cdn_secret_file", settings.cdn_secret_file.as_deref(), secret_of);
    let signer = match settings.cdn_signature {
        CdnSignature::Hmac => UrlSigner::Hmac(secret()?),
        CdnSignature::Nginx => UrlSigner::SecureLink(secret()?),
        CdnSignature::CloudFront => {
            UrlSigner::CloudFront(read_file("cdn_key_file", settings.cdn_key_file.as_deref(), |pem| {
                CloudFrontKey::read(key_id, pem)
            })?)
        }
    };
    let origin_secret = settings.cdn_origin_secret_file.as_deref();
    let origin_secret =
        origin_secret.map(|path| read_file("cdn_origin_secret_file", Some(path), secret_of)).transpose()?;
    Ok(Some(Cdn::new(url.to_owned(), signer, origin_secret)))
}

/// What signs the addresses of objects in the buckets with `presigned`.
fn presigners(settings: &Settings) -> Result<HashMap<String, Presigner>, String> {
    let (storage, buckets) = (settings.storage(), settings.presigned_buckets());
    let mut all = HashMap::new();
    for bucket in &buckets {
        if let Some(presigner) = storage.presigner(bucket)? {
            all.insert(bucket.clone(), presigner);
        }
    }
    if all.len() < buckets.len() {
        log::warn!(
            "this server itself sends the audio of buckets with delivery \"presigned\": the addresses would end with the \
             credentials, which are temporary; a key of s3_key_file without session_token stays"
        );
    }
    Ok(all)
}

fn secret_of(bytes: &[u8]) -> Result<Secret, String> {
    Secret::read(&String::from_utf8_lossy(bytes))
}

/// What the file of a setting holds; errors name both.
fn read_file<T>(
    setting: &str,
    path: Option<&Path>,
    read: impl FnOnce(&[u8]) -> Result<T, String>,
) -> Result<T, String> {
    let path = path.unwrap_or_else(|| Path::new(""));
    let bytes = fs::read(path).map_err(|error| format!("{setting}: {} cannot be read: {error}", path.display()))?;
    read(&bytes).map_err(|what| format!("{setting}: {} {what}", path.display()))
}

/// Starts the directory of sessions.
async fn directory(
    settings: &Settings,
    db: &Db,
    auth: &Arc<Auth>,
    tracks: DbTracks,
    this: NodeId,
) -> Result<Arc<Directory>, Box<dyn Error + Send + Sync>> {
    let (nodes, clock) = store::start(db.clone(), time::now(), this, ClockId(rand::random())).await?;
    let heartbeat_ms = i64::try_from(settings.heartbeat_ms)?;
    let world = World {
        store: Arc::new(DbStore::open(db.clone())?),
        nodes: Arc::new(nodes),
        cluster: None,
        tracks: Arc::new(tracks),
        logins: Arc::new(TokenLogins::new(auth.clone())),
        clock,
        random: Arc::new(rand::random::<u64>),
        limits: Limits {
            grace_ms: i64::try_from(settings.grace_ms)?,
            jitter_ms: i64::try_from(settings.jitter_ms)?,
            ..Limits::default()
        },
        timing: Timing { lease_ms: i64::try_from(settings.lease_ms)?, ..Timing::of_heartbeat(heartbeat_ms) },
        audio_ms: i64::try_from(settings.audio_ms)?,
        is_strict: settings.strict,
    };
    Ok(Directory::new(world))
}
