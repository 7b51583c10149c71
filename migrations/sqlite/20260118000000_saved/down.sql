DROP TABLE followed_artists;
DROP TABLE saved_albums;
