-- Nothing here refers to users: one deleted in mid-song must not fail the transaction of everybody else.
-- A record is rewritten all the time: room on its page keeps the rewrite off the index (a HOT update).
CREATE TABLE sessions (
    user_id BIGINT NOT NULL PRIMARY KEY,
    epoch BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    record TEXT NOT NULL
) WITH (fillfactor = 60);

CREATE TABLE session_queues (
    user_id BIGINT NOT NULL PRIMARY KEY,
    queue_revision BIGINT NOT NULL,
    queue TEXT NOT NULL
);
