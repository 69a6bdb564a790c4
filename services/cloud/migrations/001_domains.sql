-- A domain is one place resources come from. `platform` is a row of services/cloud/platforms.
CREATE TABLE cloud.domain (
    name       text PRIMARY KEY,
    lcuuid     uuid NOT NULL UNIQUE,
    platform   text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- The version of cloud.resources and what it was made of, so that a restart gives the same content the same version.
CREATE TABLE cloud.snapshot (one boolean PRIMARY KEY DEFAULT true CHECK (one), version bigint NOT NULL, checksum text NOT NULL, made_at timestamptz NOT NULL);
INSERT INTO cloud.snapshot (version, checksum, made_at) VALUES ((extract(epoch FROM now()) * 1000)::bigint, '', now());
