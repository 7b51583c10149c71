//! `segue storage`: checks buckets, prints what they need, removes objects.

use super::{Failure, database::OpenDatabase, output, path, scan, signals::Signals};
use crate::{
    catalog::{
        import::find_copies,
        scan::{BucketCheck, BucketFinding, Scope, sha256_of_name},
    },
    config::{ScanFlags, Settings, load},
    db::{Db, scan::remove_file},
    http,
    media::digest::Digest,
    storage::{Attempts, NewObject, Storage},
    telemetry, time,
    values::{
        object::ObjectUrl,
        path::{folder_id, to_bytes},
        printed::{counted, escaped},
    },
};
use clap::{Args, Subcommand};
use std::{path::PathBuf, sync::atomic::AtomicBool};

/// Fields of an answer that a page must be able to read.
const EXPOSED: [&str; 5] = ["Accept-Ranges", "Content-Length", "Content-Range", "ETag", "Last-Modified"];

/// Check the buckets of an S3-compatible service, print the rule that browsers need, remove objects
#[derive(Debug, Subcommand)]
pub(super) enum StorageCommand {
    Check(Check),
    Cors(Cors),
    Remove(Remove),
}

impl StorageCommand {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Check(command) => command.run(),
            Self::Cors(command) => command.run(),
            Self::Remove(command) => command.run(),
        }
    }
}

/// Compare buckets with the library: objects that no track names, tracks whose object is gone, objects that have changed
///
/// The exit code is 1 when something is wrong that was not repaired.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// What to check in place of all buckets among the music folders
    #[arg(value_name = "s3://BUCKET/PREFIX", value_parser = ObjectUrl::read)]
    starts: Vec<ObjectUrl>,
    /// Read every object that is named by its SHA-256, as an import names it, to find damage; services bill for that
    #[arg(long)]
    read: bool,
    /// Repair: scan what is new, changed or gone; write damaged objects again from a good copy in the bucket or in --from
    #[arg(long)]
    repair: bool,
    /// A folder that may hold the files that were imported
    #[arg(long, value_name = "DIR", value_parser = path::parser())]
    from: Option<PathBuf>,
    /// An origin whose pages should be able to read the objects, such as `https://music.example.org`
    #[arg(long, value_name = "ORIGIN")]
    origin: Option<String>,
    #[command(flatten)]
    settings: ScanFlags,
}

impl Check {
    fn run(self) -> Result<(), Failure> {
        let mut settings = load(&self.settings)?;
        telemetry::start(&settings);
        let of_settings = || settings.music.iter().filter_map(|folder| ObjectUrl::of_path(folder)).collect();
        let starts: Vec<ObjectUrl> = if self.starts.is_empty() { of_settings() } else { self.starts.clone() };
        if starts.is_empty() {
            return Err("there are no buckets among the music folders: name one, such as s3://BUCKET/PREFIX".into());
        }
        settings.music = starts.iter().map(ObjectUrl::to_path).collect();
        let ended = http::block_on(async move {
            Signals::of_command()?.during(move |stop| self.check(&settings, &starts, stop)).await
        })?;
        ended.unwrap_or_else(|| Err("the check was stopped".into()))
    }

    fn check(&self, settings: &Settings, starts: &[ObjectUrl], stop: &AtomicBool) -> Result<(), Failure> {
        let db = OpenDatabase::existing(settings)?;
        let storage = Storage::new(settings.storage(), Attempts::Background);
        let check = BucketCheck { db: &db, storage: &storage, hidden: settings.scan_hidden, reads: self.read, stop };
        let mut found = Vec::new();
        for start in starts {
            let mut shown = Ok(());
            let counts = check.run(start, &mut |finding| {
                if shown.is_ok() {
                    shown = output::line(escaped(&finding));
                }
                found.push(finding);
            })?;
            shown?;
            let read = if self.read { format!(", {} read", counts.read) } else { String::new() };
            output::line(format_args!("{start}: {}{read}", counted(counts.objects, "object")))?;
        }
        let wrong_origin = self.check_origin(settings, &storage, starts)?;
        let left = if self.repair { self.mend(&db, settings, &storage, found, stop)? } else { found.len() };
        scan::report_traffic(&storage)?;
        match (left, wrong_origin) {
            (0, false) => Ok(()),
            (0, true) => Err("pages of that origin cannot read the objects: see above".into()),
            (left, _) => {
                let left = counted(u64::try_from(left).unwrap_or(u64::MAX), "thing");
                Err(format!("{left} wrong: see above").into())
            }
        }
    }

    /// Whether an origin that was asked for is refused by a bucket.
    fn check_origin(&self, settings: &Settings, storage: &Storage, starts: &[ObjectUrl]) -> Result<bool, Failure> {
        let origin = self.origin.clone().or_else(|| settings.public_url.as_str().map(origin_of));
        let Some(origin) = origin else { return Ok(false) };
        let mut is_refused = false;
        for start in starts {
            let mut first = None;
            storage.list_blocking(start, |object| {
                first = (object.head.size > 0).then_some(object.key);
                first.is_none()
            })?;
            let Some(key) = first else { continue };
            let object = ObjectUrl { bucket: start.bucket.clone(), key };
            let reason = storage.refusal_of_origin_blocking(&object, &origin, &EXPOSED)?;
            if let Some(reason) = reason {
                is_refused = true;
                output::line(format_args!(
                    "{start}: pages of {origin} cannot read it: {}; `segue storage cors` prints the rule that it needs where \
                     players are sent to the bucket",
                    escaped(reason)
                ))?;
            }
        }
        Ok(is_refused && self.origin.is_some())
    }

    /// Repairs what it can; returns how many things are left.
    fn mend(
        &self,
        db: &Db,
        settings: &Settings,
        storage: &Storage,
        found: Vec<BucketFinding>,
        stop: &AtomicBool,
    ) -> Result<usize, Failure> {
        let (mut left, mut scans) = (0, false);
        let mut damaged = Vec::new();
        for finding in found {
            match finding {
                BucketFinding::Damaged(object, sha256) => damaged.push((object, sha256)),
                BucketFinding::Unreadable(..) => left += 1,
                BucketFinding::Unknown(_) | BucketFinding::Gone(_) | BucketFinding::Changed(_) => scans = true,
            }
        }
        let wanted: Vec<Digest> = damaged.iter().map(|(_, sha256)| *sha256).collect();
        let copies = match &self.from {
            Some(folder) if !wanted.is_empty() => find_copies(folder, settings.scan_hidden, &wanted, stop),
            _ => Vec::new(),
        };
        for (object, sha256) in &damaged {
            let on_disk = copies.iter().find(|(sum, _)| sum == sha256).map(|(_, path)| path);
            let is_mended = match on_disk {
                Some(path) => mend_from_file(storage, object, path, *sha256)?,
                None => mend_from_bucket(storage, object, *sha256, stop)?,
            };
            let word = if is_mended { "written again" } else { "no good copy was found" };
            output::line(format_args!("{}: {word}", escaped(object)))?;
            scans |= is_mended;
            left += usize::from(!is_mended);
        }
        if scans {
            let progress = scan::once(db, settings, (&Scope::All, storage), true, stop)?;
            scan::report(db, &progress)?;
            left += usize::from(!progress.complete || progress.away > 0);
        }
        Ok(left)
    }
}

fn mend_from_file(
    storage: &Storage,
    object: &ObjectUrl,
    path: &std::path::Path,
    sha256: Digest,
) -> Result<bool, Failure> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let content_type = crate::catalog::import::media_type(path);
    storage.put_blocking(object, &NewObject { path, sha256, name: &name, content_type, replaces: true })?;
    Ok(true)
}

/// Copies a good object of the same name over a damaged one, if there is one in its bucket.
fn mend_from_bucket(storage: &Storage, object: &ObjectUrl, sha256: Digest, stop: &AtomicBool) -> Result<bool, Failure> {
    let whole = ObjectUrl { bucket: object.bucket.clone(), key: String::new() };
    let mut copies = Vec::new();
    storage.list_blocking(&whole, |other| {
        if other.key != object.key && sha256_of_name(&other.key) == Some(sha256) {
            copies.push(other);
        }
        true
    })?;
    for copy in copies {
        let from = ObjectUrl { bucket: object.bucket.clone(), key: copy.key };
        let is_wanted = || !stop.load(std::sync::atomic::Ordering::Relaxed);
        let sum = storage.sum_blocking(&from, copy.head.size, Some(&copy.head.etag), is_wanted);
        if matches!(sum, Ok(Some(sum)) if sum == sha256) {
            storage.copy_blocking(&from, object)?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// Print the CORS rule of a bucket whose objects browsers play, as JSON for `aws s3api put-bucket-cors`
#[derive(Debug, Args)]
pub(super) struct Cors {
    /// The origins of the pages; unless set, that of `public_url` and those of `allowed_origins`
    #[arg(long, value_name = "ORIGIN")]
    origin: Vec<String>,
    #[command(flatten)]
    settings: ScanFlags,
}

impl Cors {
    fn run(self) -> Result<(), Failure> {
        let settings = load(&self.settings)?;
        let of_settings = || {
            let own = settings.public_url.as_str().map(origin_of);
            own.into_iter().chain(settings.allowed_origins.iter().map(str::to_owned)).collect()
        };
        let origins: Vec<String> = if self.origin.is_empty() { of_settings() } else { self.origin };
        if origins.is_empty() {
            return Err(
                "whose pages play is not known: name their origin with --origin, such as https://music.example.org"
                    .into(),
            );
        }
        let rule = serde_json::json!({"CORSRules": [{
            "AllowedOrigins": origins,
            "AllowedMethods": ["GET", "HEAD"],
            "AllowedHeaders": ["Range", "If-Match", "If-None-Match", "If-Range"],
            "ExposeHeaders": EXPOSED,
            "MaxAgeSeconds": 86_400,
        }]});
        output::line(serde_json::to_string_pretty(&rule)?)?;
        Ok(())
    }
}

/// The origin of an address, without its path.
fn origin_of(url: &str) -> String {
    let end = url.find("://").and_then(|at| url.get(at + 3..)?.find('/').map(|slash| at + 3 + slash));
    end.and_then(|end| url.get(..end)).unwrap_or(url).to_owned()
}

/// Remove objects: first their tracks from the library, which keeps what hangs on them, then the objects themselves
///
/// To replace a track, remove its object, import the new file and scan: with the same tags it keeps its id.
#[derive(Debug, Args)]
pub(super) struct Remove {
    /// The objects
    #[arg(value_name = "s3://BUCKET/KEY", value_parser = ObjectUrl::read, required = true)]
    objects: Vec<ObjectUrl>,
    #[command(flatten)]
    settings: ScanFlags,
}

impl Remove {
    fn run(self) -> Result<(), Failure> {
        let settings = load(&self.settings)?;
        telemetry::start(&settings);
        let ended =
            http::block_on(
                async move { Signals::of_command()?.during(move |_| remove(&settings, &self.objects)).await },
            )?;
        ended.unwrap_or_else(|| Err("stopped: run it again".into()))
    }
}

fn remove(settings: &Settings, objects: &[ObjectUrl]) -> Result<(), Failure> {
    let db = OpenDatabase::existing(settings)?;
    let storage = Storage::new(settings.storage(), Attempts::Background);
    // A scan would find the object again between the two steps.
    let Some(_lock) = db.lock_scans()? else {
        return Err("another process is scanning this library; let it finish".into());
    };
    for object in objects {
        let path = object.to_path();
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(format!("{object} is no object").into());
        };
        let (folder, name) = (folder_id(folder), to_bytes(name));
        let now_us = time::now().0;
        let was_known = db.write_blocking(|connection| remove_file(connection, folder, &name, now_us))?;
        storage.delete_blocking(object)?;
        let of = if was_known { "its track is gone from the library" } else { "no track named it" };
        output::line(format_args!("{}: removed; {of}", escaped(object)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_no_path() {
        for (url, origin) in [
            ("https://m.example/music", "https://m.example"),
            ("http://[::1]:80", "http://[::1]:80"),
            ("https://m.example", "https://m.example"),
        ] {
            assert_eq!(origin_of(url), origin);
        }
    }
}
