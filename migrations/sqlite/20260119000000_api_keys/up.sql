-- What programs log in with. Of the key itself there is a hash alone.
CREATE TABLE api_keys (
    id BIGINT NOT NULL PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    scope TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    created_us BIGINT NOT NULL,
    used_day BIGINT,
    UNIQUE (user_id, name)
);

CREATE INDEX api_keys_by_time ON api_keys (created_us);
