CREATE TABLE users (
    id BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    password TEXT NOT NULL,
    role TEXT NOT NULL,
    created_us BIGINT NOT NULL
);

CREATE TABLE logins (
    id BIGINT NOT NULL PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    agent TEXT NOT NULL,
    created_us BIGINT NOT NULL,
    expires_us BIGINT NOT NULL
);

CREATE INDEX logins_by_user ON logins (user_id);
CREATE INDEX logins_by_expiry ON logins (expires_us);

-- Not a column of logins: a revocation outlives its user until the token would have ended anyway.
CREATE TABLE revocations (
    login_id BIGINT NOT NULL PRIMARY KEY,
    revoked_us BIGINT NOT NULL,
    expires_us BIGINT NOT NULL
);

CREATE INDEX revocations_by_time ON revocations (revoked_us);
CREATE INDEX revocations_by_expiry ON revocations (expires_us);

CREATE TABLE secrets (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
