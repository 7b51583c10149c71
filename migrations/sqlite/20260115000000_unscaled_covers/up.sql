-- Covers that are not scaled, because their format or size cannot be decoded: they are announced in their own size alone.
CREATE TABLE unscaled_covers (
    id BIGINT NOT NULL PRIMARY KEY,
    width BIGINT,
    height BIGINT
);
