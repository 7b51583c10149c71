-- Nothing here refers to users: one deleted in mid-song must not fail the transaction of everybody else.
CREATE TABLE sessions (
    user_id BIGINT NOT NULL PRIMARY KEY,
    epoch BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    record TEXT NOT NULL
);

CREATE TABLE session_queues (
    user_id BIGINT NOT NULL PRIMARY KEY,
    queue_revision BIGINT NOT NULL,
    queue TEXT NOT NULL
);
