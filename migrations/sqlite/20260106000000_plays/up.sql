-- A play is named by its user and the stamp of its stay.
CREATE TABLE plays (
    user_id BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    media_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    started_us BIGINT NOT NULL,
    device_id BIGINT,
    PRIMARY KEY (user_id, epoch, revision)
);

CREATE INDEX plays_by_start ON plays (user_id, started_us, media_id);
CREATE INDEX plays_by_media ON plays (media_id);
