-- The clock ticks once for each change of any fact; its value is the version of the snapshot genesis.facts.
CREATE TABLE genesis.clock (one boolean PRIMARY KEY DEFAULT true CHECK (one), version bigint NOT NULL);
-- It begins with the time, so that a database made anew never gives an old version to other content.
INSERT INTO genesis.clock (version) VALUES ((extract(epoch FROM now()) * 1000)::bigint);

CREATE TABLE genesis.fact (
    source        text PRIMARY KEY,
    host_id       text NOT NULL,
    ctrl_mac      text NOT NULL,
    ctrl_ip       text NOT NULL,
    hostname      text NOT NULL,
    vtap_id       bigint NOT NULL,
    version       bigint NOT NULL,             -- the source's own count
    change        bigint NOT NULL,             -- the clock at the last change
    sync          bytea,                       -- the GenesisSyncRequest as it came; null once expired
    digest        bytea,
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    changed_at    timestamptz NOT NULL DEFAULT now(),
    seen_at       timestamptz NOT NULL DEFAULT now(),
    expired_at    timestamptz,
    UNIQUE (host_id, ctrl_mac)
);
CREATE INDEX fact_change ON genesis.fact (change);
CREATE INDEX fact_seen_at ON genesis.fact (seen_at) WHERE sync IS NOT NULL;
