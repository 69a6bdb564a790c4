-- Versions of configurations are unique across groups, so that an agent that changes groups notices.
CREATE SEQUENCE agent.config_version;

CREATE TABLE agent.vtap_group (
    id         text PRIMARY KEY,
    name       text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE agent.agent_config (
    vtap_group_id text PRIMARY KEY REFERENCES agent.vtap_group ON DELETE CASCADE,
    version       bigint NOT NULL DEFAULT nextval('agent.config_version'),
    yaml          text NOT NULL,
    updated_at    timestamptz NOT NULL DEFAULT now()
);

INSERT INTO agent.vtap_group (id, name) VALUES ('default', 'default');
INSERT INTO agent.agent_config (vtap_group_id, yaml) VALUES ('default', E'{}\n');

-- One row per agent for ever: the id is in every row it ever sent.
CREATE TABLE agent.vtap (
    id             integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name           text NOT NULL,
    host_id        text NOT NULL,
    ctrl_mac       text NOT NULL,
    ctrl_ip        text NOT NULL,
    vm_lcuuid      uuid NOT NULL,                 -- of meta.vm
    vm_id          integer NOT NULL,
    vtap_group_id  text NOT NULL DEFAULT 'default' REFERENCES agent.vtap_group ON DELETE SET DEFAULT,
    state          text NOT NULL DEFAULT 'enabled' CHECK (state IN ('enabled', 'disabled')),
    hostname       text NOT NULL DEFAULT '',
    revision       text NOT NULL DEFAULT '',
    os             text NOT NULL DEFAULT '',
    arch           text NOT NULL DEFAULT '',
    kernel         text NOT NULL DEFAULT '',
    cpus           integer NOT NULL DEFAULT 0,
    memory_bytes   bigint NOT NULL DEFAULT 0,
    boot_time_s    bigint NOT NULL DEFAULT 0,
    config_version bigint NOT NULL DEFAULT 0,     -- the one it says it runs
    health         jsonb NOT NULL DEFAULT '{}',
    registered_at  timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    last_seen_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (host_id, ctrl_mac)
);

-- The version of trisolaris.platform and what it was made of, so that every replica and every restart gives the same content the same version.
CREATE TABLE agent.platform (one boolean PRIMARY KEY DEFAULT true CHECK (one), version bigint NOT NULL, checksum text NOT NULL, made_at timestamptz NOT NULL);
INSERT INTO agent.platform (version, checksum, made_at) VALUES ((extract(epoch FROM now()) * 1000)::bigint, '', now());
