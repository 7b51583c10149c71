-- Whether the disc of a track is known from its tags or its path. Files that were read by an earlier version are read again.
ALTER TABLE track_albums ADD COLUMN disc_known BOOLEAN NOT NULL DEFAULT TRUE;

-- Tracks that were on an album until their tags named another title.
CREATE TABLE former_albums (
    track_id BIGINT NOT NULL,
    album_id BIGINT NOT NULL,
    PRIMARY KEY (track_id, album_id)
);

CREATE INDEX former_albums_by_album ON former_albums (album_id);

-- Tracks that were by an artist, or on an album by one, until their tags named another artist instead.
CREATE TABLE former_artists (
    track_id BIGINT NOT NULL,
    artist_id BIGINT NOT NULL,
    now_id BIGINT NOT NULL,
    PRIMARY KEY (track_id, artist_id)
);

CREATE INDEX former_artists_by_artist ON former_artists (artist_id);
