-- Albums that a user saved and artists that a user follows, beside `saved_tracks`.
CREATE TABLE saved_albums (
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    album_id BIGINT NOT NULL,
    added_us BIGINT NOT NULL,
    PRIMARY KEY (user_id, album_id)
);

CREATE INDEX saved_albums_by_newest ON saved_albums (user_id, added_us DESC, album_id DESC);

CREATE TABLE followed_artists (
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    artist_id BIGINT NOT NULL,
    added_us BIGINT NOT NULL,
    PRIMARY KEY (user_id, artist_id)
);

CREATE INDEX followed_artists_by_artist ON followed_artists (artist_id);
