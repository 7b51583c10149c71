-- Plays are counted in the background, in batches; the index finds those that were not.
ALTER TABLE plays ADD COLUMN counted BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX plays_uncounted ON plays (user_id, epoch, revision) WHERE NOT counted;

-- Holds all that histories and charts of a user ask for.
DROP INDEX plays_by_start;
DROP INDEX plays_by_media;
CREATE INDEX plays_by_start ON plays (user_id, kind, started_us, media_id);

-- How often everybody played a track.
CREATE TABLE play_counts (
    media_id BIGINT NOT NULL PRIMARY KEY,
    plays BIGINT NOT NULL
);

-- Playlists whose rows went with their owner: all that whoever follows the changes must still learn of them.
CREATE TABLE gone_playlists (
    id BIGINT NOT NULL PRIMARY KEY,
    change BIGINT NOT NULL
);

CREATE INDEX gone_playlists_by_change ON gone_playlists (change);
