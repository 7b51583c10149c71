DROP TABLE saved_tracks;
DROP TABLE playlist_items;
DROP TABLE playlists;
