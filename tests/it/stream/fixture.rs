//! Files with known bytes in the catalogue, and a client that sends header lines unchanged.

use crate::harness::{Server, TestDatabase};
use diesel::{ExpressionMethods as _, RunQueryDsl as _};
use segue::{
    db::schema::{files, folders, tracks},
    media::version::{Stat, version},
};
use segue_client::protocol::ids::MediaId;
use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// Pseudo-random bytes, so that a wrong position is detected.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let words = (0_u64..).flat_map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20).to_le_bytes());
    words.take(length).collect()
}

/// A track in the catalogue.
#[derive(Debug, Clone)]
pub(crate) struct Track {
    pub(crate) id: MediaId,
    pub(crate) path: PathBuf,
    pub(crate) version: String,
}

impl Track {
    /// Writes the file, last changed in 2001, in a folder of its own, and its rows.
    pub(crate) fn add(database: &TestDatabase, name: &str, bytes: &[u8]) -> Self {
        let folder = database.folder.path().join(format!("folder of {name}"));
        fs::create_dir(&folder).unwrap();
        let path = folder.join(name);
        fs::write(&path, bytes).unwrap();
        Self::add_file(database, &path, 1_000_000_000)
    }

    /// Sets the file's modification time, in seconds since 1970, and adds its rows.
    pub(crate) fn add_file(database: &TestDatabase, path: &Path, modified_s: u64) -> Self {
        let file = File::options().read(true).write(true).open(path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(modified_s)).unwrap();
        let stat = Stat::of(&file.metadata().unwrap());
        let names = version(&file, stat).unwrap();
        let id = MediaId(stat.inode.cast_unsigned());
        let codec = match path.extension().unwrap().to_str().unwrap() {
            "ogg" => "vorbis",
            container => container,
        };
        let row = |connection: &mut segue::db::DbConnection| {
            diesel::insert_into(folders::table)
                .values((
                    folders::id.eq(id.to_sql()),
                    folders::path.eq(path.parent().unwrap().as_os_str().as_bytes()),
                    folders::cover_size.eq(0),
                    folders::cover_mtime_ns.eq(0),
                ))
                .execute(connection)?;
            diesel::insert_into(files::table)
                .values((
                    files::id.eq(id.to_sql()),
                    files::folder_id.eq(id.to_sql()),
                    files::name.eq(path.file_name().unwrap().as_bytes()),
                    (files::size.eq(stat.size), files::mtime_ns.eq(stat.mtime_ns), files::inode.eq(stat.inode)),
                    (files::ctime_ns.eq(stat.ctime_ns), files::look.eq(&names.look)),
                    files::reader.eq(1),
                    files::version.eq(&names.version),
                    files::fingerprint.eq(&names.fingerprint),
                ))
                .execute(connection)?;
            diesel::insert_into(tracks::table)
                .values((
                    (
                        tracks::id.eq(id.to_sql()),
                        tracks::album_id.eq(0),
                        tracks::title.eq("A"),
                        tracks::sort_key.eq("a"),
                    ),
                    (tracks::disc.eq(1), tracks::duration_ms.eq(1000), tracks::missing.eq(false)),
                    (tracks::container.eq(path.extension().unwrap().to_str().unwrap()), tracks::codec.eq(codec)),
                    (tracks::added_us.eq(0), tracks::change.eq(1)),
                ))
                .execute(connection)?;
            Ok(())
        };
        database.open().write_blocking(row).unwrap();
        Self { id, path: path.to_owned(), version: names.version }
    }

    /// The path of the URL of its current bytes.
    pub(crate) fn stream(&self) -> String {
        format!("/v1/tracks/{}/stream", self.id)
    }
}

/// The answer to a request on a new connection.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The value of a header field; empty when it is missing. Fails when the field occurs twice.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut found = self.headers.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str());
        let value = found.next().unwrap_or_default();
        assert_eq!(found.next(), None, "{name} once");
        value
    }
}

/// Opens a connection and sends a request with these header lines, unchanged.
pub(crate) fn send_raw(server: &Server, method: &str, path: &str, lines: &[&str]) -> TcpStream {
    send_raw_to(&server.base, "segue", method, path, lines)
}

/// The same to whoever listens at `base`, `http://` and an address, by this name.
fn send_raw_to(base: &str, host: &str, method: &str, path: &str, lines: &[&str]) -> TcpStream {
    let mut stream = TcpStream::connect(base.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(5))).unwrap();
    let request = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nAccept-Encoding: gzip");
    let lines = [&[request.as_str()], lines, &["\r\n"]].concat().join("\r\n");
    stream.write_all(lines.as_bytes()).unwrap();
    stream
}

/// Reads until the server closes.
pub(crate) fn receive_raw(mut stream: TcpStream) -> Answer {
    let mut all = vec![];
    // A connection that the server aborts may end with a reset.
    let _ = stream.read_to_end(&mut all);
    let end = all.windows(4).position(|four| four == b"\r\n\r\n").expect("a whole header");
    let head = String::from_utf8(all[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok()).unwrap();
    let pair = |line: &str| line.split_once(':').map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()));
    Answer { status, headers: lines.filter_map(pair).collect(), body: all[end + 4..].to_vec() }
}

/// Sends one request on a new connection and reads the answer.
pub(crate) fn raw(server: &Server, method: &str, path: &str, lines: &[&str]) -> Answer {
    raw_to(&server.base, method, path, lines)
}

/// The same to whoever listens at `base`, `http://` and an address.
pub(crate) fn raw_to(base: &str, method: &str, path: &str, lines: &[&str]) -> Answer {
    raw_as(base, "segue", method, path, lines)
}

/// The same by the address itself.
pub(crate) fn raw_at(base: &str, method: &str, path: &str, lines: &[&str]) -> Answer {
    raw_as(base, base.strip_prefix("http://").unwrap(), method, path, lines)
}

fn raw_as(base: &str, host: &str, method: &str, path: &str, lines: &[&str]) -> Answer {
    let lines: Vec<&str> = lines.iter().copied().chain(["Connection: close"]).collect();
    receive_raw(send_raw_to(base, host, method, path, &lines))
}
