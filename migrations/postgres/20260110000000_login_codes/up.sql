-- The code by which a user may log in on another device: one each, signed, so that who reads this cannot use it.
CREATE TABLE login_codes (
    user_id BIGINT NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    code TEXT NOT NULL UNIQUE,
    expires_us BIGINT NOT NULL
);
