-- One row: the last number given to a changed row of artists, albums, tracks or playlists.
CREATE TABLE changes (
    id BIGINT NOT NULL PRIMARY KEY,
    last BIGINT NOT NULL
);

INSERT INTO changes (id, last) VALUES (1, 0);

-- The id is a hash of the path, so that a scan knows it without asking.
CREATE TABLE folders (
    id BIGINT NOT NULL PRIMARY KEY,
    path BYTEA NOT NULL,
    cover_name BYTEA,
    cover_size BIGINT NOT NULL,
    cover_mtime_ns BIGINT NOT NULL,
    cover_id BIGINT
);

CREATE UNIQUE INDEX folders_by_path ON folders (path);
CREATE INDEX folders_by_cover ON folders (cover_id) WHERE cover_id IS NOT NULL;

-- A file that was ever seen; a readable one has a track of the same id. Rows stay when the file goes.
CREATE TABLE files (
    id BIGINT NOT NULL PRIMARY KEY,
    folder_id BIGINT NOT NULL,
    name BYTEA NOT NULL,
    size BIGINT NOT NULL,
    mtime_ns BIGINT NOT NULL,
    inode BIGINT NOT NULL,
    reader BIGINT NOT NULL,
    version TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    sha256 TEXT,
    tag_key BIGINT,
    error TEXT,
    missing_us BIGINT
);

CREATE UNIQUE INDEX files_by_place ON files (folder_id, name);
CREATE INDEX files_by_version ON files (version);
CREATE INDEX files_by_fingerprint ON files (fingerprint);
CREATE INDEX files_by_tag_key ON files (tag_key);
CREATE INDEX files_unreadable ON files (id) WHERE error IS NOT NULL;

CREATE TABLE artists (
    id BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    identity TEXT NOT NULL,
    sort_key TEXT COLLATE "C" NOT NULL,
    album_count BIGINT NOT NULL,
    track_count BIGINT NOT NULL,
    cover_id BIGINT,
    added_us BIGINT NOT NULL,
    change BIGINT NOT NULL,
    stale BOOLEAN NOT NULL
);

CREATE UNIQUE INDEX artists_by_identity ON artists (identity);
CREATE INDEX artists_by_name ON artists (sort_key, id) WHERE track_count + album_count > 0;
CREATE INDEX artists_by_newest ON artists (added_us DESC, id DESC) WHERE track_count + album_count > 0;
CREATE INDEX artists_by_change ON artists (change);
CREATE INDEX artists_stale ON artists (id) WHERE stale;

CREATE TABLE albums (
    id BIGINT NOT NULL PRIMARY KEY,
    title TEXT NOT NULL,
    identity TEXT NOT NULL,
    sort_key TEXT COLLATE "C" NOT NULL,
    tagged BOOLEAN NOT NULL,
    compilation BOOLEAN NOT NULL,
    date TEXT,
    disc_count BIGINT NOT NULL,
    track_count BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL,
    cover_id BIGINT,
    added_us BIGINT NOT NULL,
    change BIGINT NOT NULL,
    stale BOOLEAN NOT NULL
);

CREATE UNIQUE INDEX albums_by_identity ON albums (identity);
CREATE INDEX albums_by_name ON albums (sort_key, id) WHERE track_count > 0;
CREATE INDEX albums_by_newest ON albums (added_us DESC, id DESC) WHERE track_count > 0;
CREATE INDEX albums_by_change ON albums (change);
CREATE INDEX albums_stale ON albums (id) WHERE stale;

CREATE TABLE album_artists (
    album_id BIGINT NOT NULL,
    position BIGINT NOT NULL,
    artist_id BIGINT NOT NULL,
    PRIMARY KEY (album_id, position)
);

CREATE INDEX album_artists_by_artist ON album_artists (artist_id, album_id);

CREATE TABLE tracks (
    id BIGINT NOT NULL PRIMARY KEY,
    album_id BIGINT NOT NULL,
    title TEXT NOT NULL,
    sort_key TEXT COLLATE "C" NOT NULL,
    disc BIGINT NOT NULL,
    number BIGINT,
    date TEXT,
    duration_ms BIGINT NOT NULL,
    container TEXT NOT NULL,
    codec TEXT NOT NULL,
    sample_rate_hz BIGINT,
    channels BIGINT,
    bit_depth BIGINT,
    bit_rate_kbps BIGINT,
    track_gain_db DOUBLE PRECISION,
    track_peak DOUBLE PRECISION,
    album_gain_db DOUBLE PRECISION,
    album_peak DOUBLE PRECISION,
    cover_id BIGINT,
    missing BOOLEAN NOT NULL,
    added_us BIGINT NOT NULL,
    change BIGINT NOT NULL
);

CREATE INDEX tracks_by_album ON tracks (album_id, disc, number, id);
CREATE INDEX tracks_by_name ON tracks (sort_key, id) WHERE NOT missing;
CREATE INDEX tracks_by_newest ON tracks (added_us DESC, id DESC) WHERE NOT missing;
CREATE INDEX tracks_by_change ON tracks (change);
CREATE INDEX tracks_by_cover ON tracks (cover_id) WHERE cover_id IS NOT NULL;

CREATE TABLE track_artists (
    track_id BIGINT NOT NULL,
    position BIGINT NOT NULL,
    artist_id BIGINT NOT NULL,
    PRIMARY KEY (track_id, position)
);

CREATE INDEX track_artists_by_artist ON track_artists (artist_id, track_id);

CREATE TABLE genres (
    id BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    identity TEXT NOT NULL,
    sort_key TEXT COLLATE "C" NOT NULL,
    track_count BIGINT NOT NULL,
    stale BOOLEAN NOT NULL
);

CREATE UNIQUE INDEX genres_by_identity ON genres (identity);
CREATE INDEX genres_by_name ON genres (sort_key, id) WHERE track_count > 0;
CREATE INDEX genres_stale ON genres (id) WHERE stale;

CREATE TABLE track_genres (
    track_id BIGINT NOT NULL,
    position BIGINT NOT NULL,
    genre_id BIGINT NOT NULL,
    PRIMARY KEY (track_id, position)
);

CREATE INDEX track_genres_by_genre ON track_genres (genre_id, track_id);
