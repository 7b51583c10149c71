DROP TABLE sort_names;
ALTER TABLE artists DROP COLUMN sort_name;
ALTER TABLE albums DROP COLUMN sort_name;
ALTER TABLE albums DROP COLUMN original_date;
ALTER TABLE tracks DROP COLUMN original_date;
ALTER TABLE tracks DROP COLUMN composers;
ALTER TABLE tracks DROP COLUMN explicit;
ALTER TABLE files DROP COLUMN losses;
