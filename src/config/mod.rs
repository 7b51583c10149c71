//! Settings: what an administrator may choose, merged from defaults, a file, the environment and flags.
//! The one list of settings is [`Settings`], below; adding a line there adds the key everywhere.

mod delivery;
mod flags;
mod home;
mod listen;
mod load;
mod merge;
mod networks;
mod origins;
mod same;
mod source;
mod value;

pub use delivery::{AccelLocation, CdnSignature, Delivery, FolderDeliveries, KeyPairId};
pub use flags::{DatabaseFlags, ScanFlags, SettingFlags, StorageFlags};
pub use listen::{ListenAddress, PORT};
pub use load::{LoadError, at_home, load};
pub use networks::Networks;
pub use origins::Origins;
pub use source::{OTHER_VARIABLES, Origin, Problems, SettingKey, SettingRow, Shape, Sources};

use crate::{
    db::DatabaseUrl,
    storage::StorageOptions,
    values::{
        object::ObjectUrl,
        separators::{Separators, Splits},
    },
};
use delivery::DeliverySettings;
use merge::Merge;
use std::{
    collections::BTreeSet,
    net::SocketAddr,
    path::{Path, PathBuf},
};
pub use value::LogFilter;
use value::{PublicUrl, Region, Value as _};

pub use value::LogFormat;

macro_rules! settings {
    (|$sources:ident| $($(#[doc = $doc:literal])+ $name:ident: $kind:ty = $default:expr $(, within $range:expr)?;)+) => {
        /// Every setting with its merged value; made by [`load`] or [`Settings::merge`].
        #[derive(Debug, Clone)]
        pub struct Settings {
            $($(#[doc = $doc])+ pub $name: $kind,)+
            origins: Vec<Origin>,
        }

        /// Every setting there is, in the order of the sample file.
        pub const KEYS: &[SettingKey] = &[$(SettingKey {
            name: stringify!($name),
            doc: concat!($($doc),+).trim_ascii(),
            shape: <$kind as value::Value>::SHAPE,
            kind: <$kind as value::Value>::KIND,
        },)+];

        impl Settings {
            /// Merges the sources; a default may use the sources and the settings above it.
            ///
            /// # Errors
            /// Every problem of every source at once.
            pub fn merge($sources: &Sources) -> Result<Self, Problems> {
                let mut merge = Merge::new($sources, KEYS);
                $(let $name: $kind = merge.value(stringify!($name), || $default);
                $(merge.within(stringify!($name), &$name, &$range);)?)+
                let settings = Self { $($name,)+ origins: merge.origins() };
                let broken = settings.broken_relations();
                merge.finish(settings, broken)
            }

            /// Every setting as it stands, secrets masked, in the order of [`KEYS`].
            #[must_use]
            pub fn rows(&self) -> Vec<SettingRow> {
                let shown = [$((stringify!($name), self.$name.show()),)+];
                let rows = shown.into_iter().zip(&self.origins);
                rows.map(|((name, value), origin)| SettingRow { name, value, origin: origin.clone() }).collect()
            }
        }
    };
}

settings! { |sources|
    /// The folder of everything Segue keeps: database, search index, cover cache.
    data_dir: PathBuf = source::default_data_dir(sources);
    /// Address and port to listen on, or `unix:PATH`; without a port 4747, and port 0 takes a free one.
    listen: ListenAddress = ListenAddress::Address(SocketAddr::from(([127, 0, 0, 1], PORT)));
    /// File of the certificate and its chain (PEM) to speak HTTPS with; empty: HTTP. Read again when it changes.
    tls_cert: Option<PathBuf> = None;
    /// File of that certificate's private key (PEM).
    tls_key: Option<PathBuf> = None;
    /// The address people reach this server at, for links; set it where they use a name that is not of the home network.
    public_url: PublicUrl = PublicUrl::default();
    /// Addresses and networks of the proxies in front of this server, with commas: their `X-Forwarded-…`, `Forwarded` and
    /// `X-Request-Id` count.
    trusted_proxies: Networks = Networks::default();
    /// Origins, with commas, whose pages may use this server in a browser; its own pages always may.
    allowed_origins: Origins = Origins::default();
    /// `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/NAME`.
    database_url: DatabaseUrl = DatabaseUrl::in_folder(&data_dir);
    /// Connections that may read at once, and on PostgreSQL as many that may write.
    database_connections: u32 = 8, within 1..=1000;
    /// Folders of music; also `s3://BUCKET/PREFIX`, objects of a bucket.
    music: Vec<PathBuf> = Vec::new();
    /// The address of the S3-compatible service that has the buckets of `music`, such as `https://s3.example.org`; empty:
    /// Amazon S3, or what `AWS_ENDPOINT_URL` names.
    s3_endpoint: PublicUrl = PublicUrl::default();
    /// The region of the buckets; empty: what `AWS_REGION` names, else us-east-1.
    s3_region: Region = Region::default();
    /// Whether the name of a bucket is in the path of an address, not in the host's name; so unless set where there is an
    /// `s3_endpoint`.
    s3_path_style: bool = s3_endpoint.as_str().is_some();
    /// File of the key of the buckets, with the lines `access_key_id = "…"` and `secret_access_key = "…"`; empty: the key or
    /// the role that the environment (`AWS_ACCESS_KEY_ID`, …), the container or the machine has.
    s3_key_file: Option<PathBuf> = None;
    /// The folder of blocks of objects that were played, from which they are played again; empty: `blocks` in `data_dir`.
    cache_dir: Option<PathBuf> = None;
    /// What those blocks may take on the disk, in megabytes; 0: none are kept.
    cache_mb: u64 = 10_000, within 0..=100_000_000;
    /// Whether files and folders are scanned whose names begin with one dot and a letter, too; bins never are.
    scan_hidden: bool = false;
    /// What separates several artists in one text of a tag. Separators, with a blank between two of them: a sign splits
    /// wherever it stands (`/` would split AC/DC), a word only where it stands alone. Empty: no splitting. It counts for
    /// files that are read from now on; `segue scan` with `--reread-all` applies it to all files.
    split_artists: Separators = Splits::default().artists;
    /// What separates several genres in one text of a tag, as for artists; `segue scan` with `--reread-all` applies it to
    /// all files.
    split_genres: Separators = Splits::default().genres;
    /// Time from the end of one scan to the start of the next; 0 scans at start and on changes only.
    scan_interval_s: u64 = 3600, within 0..=31_536_000;
    /// Who sends the bytes of audio: `proxy`, this server; `accel`, the nginx before it, which reads the files
    /// (`X-Accel-Redirect`); `cdn`, the CDN of `cdn_url`; `presigned`, the service that has the bucket, for objects that an
    /// import has named.
    delivery: Delivery = Delivery::default();
    /// The same for single folders in those of `music`: `FOLDER=DELIVERY` each, also `s3://BUCKET/PREFIX=DELIVERY`.
    delivery_of: FolderDeliveries = FolderDeliveries::default();
    /// The internal location of nginx below which `accel` finds files by their whole path.
    accel_location: AccelLocation = AccelLocation::default();
    /// The address of the CDN; it fetches `/media/…` below it from the same path of this server, and keeps it.
    cdn_url: PublicUrl = PublicUrl::default();
    /// What signs the addresses at the CDN: `hmac` (HMAC-SHA256, which this server checks when the CDN passes the query
    /// on), `nginx` (its module `secure_link`) or `cloudfront` (Amazon CloudFront with a key group).
    cdn_signature: CdnSignature = CdnSignature::default();
    /// File of the private key for CloudFront (PEM): ECDSA P-256 or RSA-2048.
    cdn_key_file: Option<PathBuf> = None;
    /// The id that CloudFront gave the public key.
    cdn_key_id: KeyPairId = KeyPairId::default();
    /// File of the secret with which `hmac` and `nginx` sign, of 16 to 256 characters.
    cdn_secret_file: Option<PathBuf> = None;
    /// File of the secret that the CDN sends in the header `X-Origin-Verify` when it fetches audio from this server.
    cdn_origin_secret_file: Option<PathBuf> = None;
    /// How fast audio that is listened to now is loaded into the CDN ahead of those who will ask for it, in megabytes a
    /// second; 0: never.
    prewarm_mb_per_s: u64 = 5, within 0..=10_000;
    /// How fast files are read in the background to compute and check their SHA-256, in megabytes a second; 0: never.
    check_mb_per_s: u64 = 10, within 0..=10_000;
    /// How long a client may accept no bytes of an answer before its connection is closed; it may ask again.
    send_timeout_s: u64 = 60, within 1..=86_400;
    /// The active device shows that it is there each 1.25 of these, and is pinged after 1.5 of silence; an idle one each 15.
    heartbeat_ms: u64 = 2000, within 50..=60_000;
    /// Silence after which the active device counts as lost; 2.5 heartbeats unless set.
    lease_ms: u64 = heartbeat_ms * 5 / 2, within 100..=600_000;
    /// Whether a device that is cut off stops when its lease ends, so that it never plays beside another; without `audio_ms`.
    strict: bool = false;
    /// How long a device that is cut off may play on, more than `lease_ms`; in strict mode it is `lease_ms` and not to be set.
    audio_ms: u64 = if strict { lease_ms } else { 600_000 }, within 100..=86_400_000;
    /// How long a device whose connection broke stays on the list as away; 5 heartbeats unless set.
    grace_ms: u64 = heartbeat_ms * 5, within 0..=600_000;
    /// Devices spread their reconnects over at most this time; over less where few are connected.
    jitter_ms: u64 = 2000, within 0..=600_000;
    /// How often the files of TLS are looked at, and what other programs changed in the database; the latter each second at
    /// least.
    poll_ms: u64 = 5000, within 20..=600_000;
    /// How long a login lasts.
    token_lifetime_s: u64 = 7_776_000, within 60..=315_360_000;
    /// How many log-ins one address may try per minute, failed ones and successful ones together.
    login_tries_per_address: u32 = 20, within 1..=100_000;
    /// How many log-ins may be tried per minute for one user name, from all addresses together; those that it logged in from
    /// since the server started count apart.
    login_tries_per_user: u32 = 10, within 1..=100_000;
    /// Whether people may make an account for themselves. They are listeners; the first account comes from the set-up link.
    sign_up: bool = false;
    /// What to log: a level, or a level per module such as `info,segue::catalog=debug`.
    log: LogFilter = LogFilter::default();
    /// How the log is written: `text`, or `json` for one JSON object per line.
    log_format: LogFormat = LogFormat::default();
    /// Whether every HTTP request gets a line in the log; without it only those that fail.
    log_requests: bool = false;
    /// Address and port of a listener that answers `/metrics` to everybody who reaches it, such as `127.0.0.1:9464`; empty:
    /// none, and only admins read `/metrics`.
    metrics_listen: Option<SocketAddr> = None;
}

impl Settings {
    /// How the names in tags are split.
    #[must_use]
    pub fn splits(&self) -> Splits {
        Splits { artists: self.split_artists.clone(), genres: self.split_genres.clone() }
    }

    /// Where the buckets are.
    #[must_use]
    pub fn storage(&self) -> StorageOptions {
        StorageOptions {
            endpoint: self.s3_endpoint.as_str().map(str::to_owned),
            region: self.s3_region.as_str().map(str::to_owned),
            path_style: self.s3_path_style,
            key_file: self.s3_key_file.clone(),
        }
    }

    /// The folder of blocks of objects.
    #[must_use]
    pub fn blocks_dir(&self) -> PathBuf {
        self.cache_dir.clone().unwrap_or_else(|| self.data_dir.join("blocks"))
    }

    /// Who sends the bytes of the file at `path`.
    #[must_use]
    pub fn delivery(&self, path: &Path) -> Delivery {
        self.delivery_of.of(path).unwrap_or(self.delivery)
    }

    /// The buckets that have objects to which clients are redirected.
    #[must_use]
    pub fn presigned_buckets(&self) -> BTreeSet<String> {
        let all = self.music.iter().map(PathBuf::as_path).chain(self.delivery_of.folders());
        let presigned = all.filter(|folder| self.delivery(folder) == Delivery::Presigned);
        presigned.filter_map(ObjectUrl::of_path).map(|object| object.bucket).collect()
    }

    /// The problems between settings each of which is good by itself.
    fn broken_relations(&self) -> Vec<String> {
        let lease = (self.lease_ms <= self.heartbeat_ms).then_some("lease_ms must be more than heartbeat_ms");
        let audio = match self.strict {
            true if self.audio_ms != self.lease_ms => {
                Some("audio_ms counts for nothing with strict: remove one of them")
            }
            // Until strict was a setting, this was how to ask for it.
            false if self.audio_ms <= self.lease_ms => {
                Some("audio_ms must be more than lease_ms; for strict mode remove it and set strict = true")
            }
            _ => None,
        };
        let tls = (self.tls_cert.is_some() != self.tls_key.is_some()).then_some("tls_cert and tls_key need each other");
        let unix = (matches!(self.listen, ListenAddress::Unix(_)) && self.tls_cert.is_some())
            .then_some("a Unix socket speaks no TLS: remove tls_cert and tls_key, or listen at an address");
        let delivery = delivery::broken(&DeliverySettings {
            default: self.delivery,
            folders: &self.delivery_of,
            music: &self.music,
            has_proxies: !self.trusted_proxies.is_empty() || matches!(self.listen, ListenAddress::Unix(_)),
            signature: self.cdn_signature,
            url: self.cdn_url.as_str(),
            key_file: self.cdn_key_file.as_deref(),
            key_id: self.cdn_key_id.as_str(),
            secret_file: self.cdn_secret_file.as_deref(),
            origin_secret_file: self.cdn_origin_secret_file.as_deref(),
        });
        let others = lease.into_iter().chain(audio).chain(tls).chain(unix).map(str::to_owned);
        others.chain(delivery).collect()
    }

    /// The start of links to this server, without a slash at the end. `bound` is where it listens; a Unix socket alone has
    /// no address for a browser.
    #[must_use]
    pub fn base_url(&self, bound: &ListenAddress) -> Option<String> {
        let scheme = self.scheme();
        let here = || match bound {
            ListenAddress::Address(address) => Some(format!("{scheme}://{}", reachable(*address))),
            ListenAddress::Localhost(port) => Some(format!("{scheme}://localhost:{port}")),
            ListenAddress::Unix(_) => None,
        };
        self.public_url.as_str().map(str::to_owned).or_else(here)
    }

    /// The scheme of the address that is listened on.
    #[must_use]
    pub const fn scheme(&self) -> &'static str {
        if self.tls_cert.is_some() { "https" } else { "http" }
    }
}

/// An address that a browser on this machine can open: the unspecified address becomes the loopback one.
fn reachable(bound: SocketAddr) -> SocketAddr {
    let mut address = bound;
    if bound.ip().is_unspecified() {
        address.set_ip(match bound {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

#[cfg(test)]
mod tests;
