-- The entity tag of a file that is an object in a bucket; NULL for files on a disk.
ALTER TABLE files ADD COLUMN etag TEXT;

-- The files whose SHA-256 is computed in the background: those on disks alone, for reading objects costs money.
DROP INDEX files_by_sum;
CREATE INDEX files_by_sum ON files (sha256_us, id) WHERE missing_us IS NULL AND error IS NULL AND etag IS NULL;
