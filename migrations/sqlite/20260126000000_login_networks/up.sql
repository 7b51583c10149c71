-- From where users have logged in: tries of others do not keep them out there. At most 16 of a user.
CREATE TABLE login_networks (
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    network TEXT NOT NULL,
    last_us BIGINT NOT NULL,
    PRIMARY KEY (user_id, network)
);
