ALTER TABLE folders DROP COLUMN cover_inode;
ALTER TABLE folders DROP COLUMN cover_ctime_ns;
DROP INDEX files_by_look;
ALTER TABLE files DROP COLUMN look;
ALTER TABLE files DROP COLUMN ctime_ns;
