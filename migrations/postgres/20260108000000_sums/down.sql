DROP INDEX files_by_sum;
ALTER TABLE files DROP COLUMN sha256_us;
