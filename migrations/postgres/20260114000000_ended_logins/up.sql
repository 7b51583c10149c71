-- Each second the newest revocations are read, by this index alone.
CREATE INDEX revocations_by_time ON revocations (revoked_us);

-- Written by sessions that went on after their user was removed.
DELETE FROM sessions WHERE user_id NOT IN (SELECT id FROM users);
DELETE FROM session_queues WHERE user_id NOT IN (SELECT id FROM users);
DELETE FROM plays WHERE user_id NOT IN (SELECT id FROM users);
