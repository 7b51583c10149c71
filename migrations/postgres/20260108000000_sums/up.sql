-- When a file was last read whole and had this `sha256`; 0: never, the sum is that of the file it was a copy of.
ALTER TABLE files ADD COLUMN sha256_us BIGINT NOT NULL DEFAULT 0;

UPDATE files SET sha256_us = 1 WHERE sha256 IS NOT NULL;

CREATE INDEX files_by_sum ON files (sha256_us, id) WHERE missing_us IS NULL AND error IS NULL;
