//! Writes a generated library to the tables of the catalogue, with the rows that a scan would write.

use diesel::connection::SimpleConnection as _;
use segue::{
    db::Db,
    values::{
        document::{Document, ItemKind},
        spelling::sort_key,
    },
};

/// The number of rows in one statement, and of documents in one transaction.
const ROWS: usize = 500;

/// Writes all documents, in the order of [`super::library::generate`]: an artist, its albums, their tracks.
pub(crate) fn fill(db: &Db, documents: &[Document]) {
    let mut tables = Tables::default();
    let (mut artist, mut album) = (0, 0);
    for (document, change) in documents.iter().zip(1_i64..) {
        let (id, name) = (document.id.cast_signed(), document.name.replace('\'', "''"));
        let key = sort_key(&document.name).replace('\'', "''");
        match document.kind {
            ItemKind::Artist => {
                artist = id;
                tables
                    .artists
                    .push(format!("({id}, '{name}', '{id}', '{key}', 1, 1, NULL, {change}, {change}, FALSE)"));
            }
            ItemKind::Album => {
                album = id;
                tables.albums.push(format!(
                    "({id}, '{name}', '{id}', '{key}', TRUE, FALSE, NULL, 1, 1, 0, NULL, {change}, {change}, FALSE)"
                ));
                tables.album_artists.push(format!("({id}, 0, {artist})"));
            }
            ItemKind::Track => {
                tables
                    .tracks
                    .push(format!("({id}, {album}, '{name}', '{key}', 1, 0, '', '', FALSE, {change}, {change})"));
                tables.files.push(format!("({id}, {id}, 'f', 0, 0, 0, 0, 'v', 'f')"));
                tables.track_artists.push(format!("({id}, 0, {artist})"));
            }
            ItemKind::Playlist => {
                tables.playlists.push(format!("({id}, 1, '{name}', '', TRUE, 0, 0, 0, 0, FALSE, {change})"));
            }
        }
    }
    tables.others.push(format!("UPDATE changes SET last = {}", documents.len()));
    tables.write(db);
}

#[derive(Default)]
struct Tables {
    artists: Vec<String>,
    albums: Vec<String>,
    album_artists: Vec<String>,
    files: Vec<String>,
    tracks: Vec<String>,
    track_artists: Vec<String>,
    playlists: Vec<String>,
    others: Vec<String>,
}

impl Tables {
    fn write(self, db: &Db) {
        let owner =
            "INSERT INTO users (id, name, name_key, password, role, created_us) VALUES (1, 'o', 'o', '', 'user', 0)";
        let mut statements = vec![owner.to_owned()];
        let of_artists =
            "artists (id, name, identity, sort_key, album_count, track_count, cover_id, added_us, change, stale)";
        let of_files = "files (id, folder_id, name, size, mtime_ns, inode, reader, version, fingerprint)";
        let of_albums = "albums (id, title, identity, sort_key, tagged, compilation, date, disc_count, track_count, \
            duration_ms, cover_id, added_us, change, stale)";
        let columns =
            "tracks (id, album_id, title, sort_key, disc, duration_ms, container, codec, missing, added_us, change)";
        for (table, rows) in [
            (of_artists, self.artists),
            (of_albums, self.albums),
            ("album_artists (album_id, position, artist_id)", self.album_artists),
            (of_files, self.files),
            (columns, self.tracks),
            ("track_artists (track_id, position, artist_id)", self.track_artists),
            ("playlists", self.playlists),
        ] {
            statements.extend(rows.chunks(ROWS).map(|rows| format!("INSERT INTO {table} VALUES {}", rows.join(", "))));
        }
        statements.extend(self.others);
        for some in statements.chunks(ROWS) {
            let all = some.join(";\n");
            db.write_blocking(|connection| Ok(connection.batch_execute(&all)?)).expect("rows are taken");
        }
    }
}
