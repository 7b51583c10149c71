-- What could not be read of the tags of a file, a line each.
ALTER TABLE files ADD COLUMN losses TEXT NOT NULL DEFAULT '';

-- More of what tags say: whether the words are explicit, who composed it (a line each), when it first came out.
ALTER TABLE tracks ADD COLUMN explicit BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE tracks ADD COLUMN composers TEXT NOT NULL DEFAULT '';
ALTER TABLE tracks ADD COLUMN original_date TEXT;
ALTER TABLE albums ADD COLUMN original_date TEXT;

-- The names by which albums and artists are sorted where they differ from those that are shown.
ALTER TABLE albums ADD COLUMN sort_name TEXT;
ALTER TABLE artists ADD COLUMN sort_name TEXT;

-- Those that the tags of single tracks have; names of artists a line each, in the order of the artists.
CREATE TABLE sort_names (
    track_id BIGINT PRIMARY KEY,
    artists TEXT NOT NULL,
    album TEXT NOT NULL,
    album_artists TEXT NOT NULL
);
