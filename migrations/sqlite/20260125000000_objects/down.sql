DROP INDEX files_by_sum;
CREATE INDEX files_by_sum ON files (sha256_us, id) WHERE missing_us IS NULL AND error IS NULL;
ALTER TABLE files DROP COLUMN etag;
