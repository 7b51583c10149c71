ALTER TABLE tracks DROP COLUMN other_titles;
