DROP TABLE former_artists;
DROP TABLE former_albums;
ALTER TABLE track_albums DROP COLUMN disc_known;
