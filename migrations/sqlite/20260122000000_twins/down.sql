DROP INDEX playlist_items_by_track;
DROP INDEX saved_albums_by_album;
DROP INDEX saved_tracks_by_track;
DROP TABLE merged_tracks;
DROP TABLE departed_files;
