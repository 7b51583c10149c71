-- The time of the last change of a file's content or metadata, in nanoseconds since 1970; 0 where it is not known.
ALTER TABLE files ADD COLUMN ctime_ns BIGINT NOT NULL DEFAULT 0;
-- A hash of size, modification time, inode and both ends. It was the version until now; the version has the time above, too.
ALTER TABLE files ADD COLUMN look TEXT NOT NULL DEFAULT '';
UPDATE files SET look = version;
CREATE INDEX files_by_look ON files (look);

ALTER TABLE folders ADD COLUMN cover_ctime_ns BIGINT NOT NULL DEFAULT 0;
ALTER TABLE folders ADD COLUMN cover_inode BIGINT NOT NULL DEFAULT 0;
