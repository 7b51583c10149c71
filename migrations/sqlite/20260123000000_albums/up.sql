-- What the file of a track says of its album; albums are made of it (src/values/grouping).
CREATE TABLE track_albums (
    track_id BIGINT NOT NULL PRIMARY KEY,
    title TEXT NOT NULL,
    title_key TEXT NOT NULL,
    -- The album artists as tagged, a line each.
    artists TEXT NOT NULL,
    -- The id of MusicBrainz.
    release_id TEXT,
    compilation BOOLEAN NOT NULL,
    -- Ids of folders: that of the album, and the one above when it has the album's name.
    place BIGINT NOT NULL,
    home BIGINT NOT NULL,
    -- Whether the track's album was made of these.
    settled BOOLEAN NOT NULL
);

CREATE INDEX track_albums_by_title ON track_albums (title_key);

-- Titles whose albums have to be made again.
CREATE TABLE stale_titles (
    title_key TEXT NOT NULL PRIMARY KEY
);

-- Several albums may have one title: the identity is the title alone.
ALTER TABLE albums ADD COLUMN why TEXT NOT NULL DEFAULT '';
DROP INDEX albums_by_identity;
UPDATE albums SET identity = substr(identity, instr(identity, char(10)) + 1);
CREATE INDEX albums_by_identity ON albums (identity);

-- The names as they are spelled in the file, and for an album in most of its files.
ALTER TABLE track_artists ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE track_genres ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE album_artists ADD COLUMN name TEXT NOT NULL DEFAULT '';
