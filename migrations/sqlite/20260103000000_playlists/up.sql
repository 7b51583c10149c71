CREATE TABLE playlists (
    id BIGINT NOT NULL PRIMARY KEY,
    owner_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    public BOOLEAN NOT NULL,
    snapshot BIGINT NOT NULL,
    track_count BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL,
    deleted BOOLEAN NOT NULL,
    change BIGINT NOT NULL
);

CREATE INDEX playlists_by_owner ON playlists (owner_id, created_us, id) WHERE NOT deleted;
CREATE INDEX playlists_by_change ON playlists (change);

CREATE TABLE playlist_items (
    playlist_id BIGINT NOT NULL REFERENCES playlists (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    track_id BIGINT NOT NULL,
    added_by BIGINT NOT NULL,
    added_us BIGINT NOT NULL,
    PRIMARY KEY (playlist_id, position)
);

CREATE TABLE saved_tracks (
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    track_id BIGINT NOT NULL,
    added_us BIGINT NOT NULL,
    PRIMARY KEY (user_id, track_id)
);

CREATE INDEX saved_tracks_by_newest ON saved_tracks (user_id, added_us DESC, track_id DESC);
