-- Ticks once for each transaction that changes a tag.
CREATE TABLE tag.clock (one boolean PRIMARY KEY DEFAULT true CHECK (one), change bigint NOT NULL);
INSERT INTO tag.clock (change) VALUES (0);

-- What an id was called from valid_from until before valid_to (null: still). The intervals of an id touch each other and begin in 1970.
CREATE TABLE tag.tag (
    kind       text NOT NULL,
    id         bigint NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to   timestamptz,
    name       text NOT NULL,
    attributes jsonb NOT NULL,
    change     bigint NOT NULL,
    PRIMARY KEY (kind, id, valid_from)
);
CREATE INDEX tag_change ON tag.tag (change);
