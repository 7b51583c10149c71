DROP TABLE gone_playlists;
DROP TABLE play_counts;
DROP INDEX plays_by_start;
CREATE INDEX plays_by_start ON plays (user_id, started_us, media_id);
CREATE INDEX plays_by_media ON plays (media_id);
DROP INDEX plays_uncounted;
ALTER TABLE plays DROP COLUMN counted;
