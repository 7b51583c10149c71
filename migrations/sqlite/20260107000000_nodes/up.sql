-- The last heartbeat of each run of a server.
CREATE TABLE nodes (
    node_id BIGINT NOT NULL PRIMARY KEY,
    beat_us BIGINT NOT NULL
);
