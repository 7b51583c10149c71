ALTER TABLE album_artists DROP COLUMN name;
ALTER TABLE track_genres DROP COLUMN name;
ALTER TABLE track_artists DROP COLUMN name;
DROP INDEX albums_by_identity;
UPDATE albums SET identity = 'album' || id || chr(10) || identity;
CREATE UNIQUE INDEX albums_by_identity ON albums (identity);
ALTER TABLE albums DROP COLUMN why;
DROP TABLE stale_titles;
DROP TABLE track_albums;
