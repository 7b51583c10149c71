-- Files that went missing and were not looked at since whether the same music is elsewhere.
CREATE TABLE departed_files (
    id BIGINT NOT NULL PRIMARY KEY
);

-- Tracks that became part of another one: what hung on `id` hangs on `into_id`.
CREATE TABLE merged_tracks (
    id BIGINT NOT NULL PRIMARY KEY,
    into_id BIGINT NOT NULL
);

CREATE INDEX merged_tracks_by_target ON merged_tracks (into_id);

-- What hangs on a track or an album is found by it.
CREATE INDEX saved_tracks_by_track ON saved_tracks (track_id);
CREATE INDEX saved_albums_by_album ON saved_albums (album_id);
CREATE INDEX playlist_items_by_track ON playlist_items (track_id);

-- A file that could not be opened is tried again.
UPDATE files SET reader = 0 WHERE error IS NOT NULL AND version = '';
