-- The titles of a file after its first, a line each: they are found and not shown.
ALTER TABLE tracks ADD COLUMN other_titles TEXT NOT NULL DEFAULT '';
