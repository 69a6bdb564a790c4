-- Ids are never given twice; a row that goes is marked (deleted_at), and one that comes back with the same lcuuid is the same row again.

-- Regions.
CREATE TABLE meta.region (
    id         integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    lcuuid     uuid NOT NULL UNIQUE,
    domain     text NOT NULL,
    name       text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

-- Availability zones of a region.
CREATE TABLE meta.az (
    id         integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    lcuuid     uuid NOT NULL UNIQUE,
    domain     text NOT NULL,
    name       text NOT NULL,
    region_id  integer REFERENCES meta.region,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

-- VPCs of a region: an address is unique within one.
CREATE TABLE meta.vpc (
    id         integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    lcuuid     uuid NOT NULL UNIQUE,
    domain     text NOT NULL,
    name       text NOT NULL,
    region_id  integer REFERENCES meta.region,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

-- Networks of a VPC.
CREATE TABLE meta.subnet (
    id         integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    lcuuid     uuid NOT NULL UNIQUE,
    domain     text NOT NULL,
    name       text NOT NULL,
    region_id  integer REFERENCES meta.region,
    az_id      integer REFERENCES meta.az,
    vpc_id     integer REFERENCES meta.vpc,
    prefix     text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

-- Physical hosts and hypervisors. host_id is the machine's own stable id.
CREATE TABLE meta.host (
    id         integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    lcuuid     uuid NOT NULL UNIQUE,
    domain     text NOT NULL,
    name       text NOT NULL,
    region_id  integer REFERENCES meta.region,
    az_id      integer REFERENCES meta.az,
    ip         text NOT NULL DEFAULT '',
    host_id    text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

-- Whatever has a network of its own: a machine (htype host), a network namespace or container on it (htype netns).
CREATE TABLE meta.vm (
    id         integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    lcuuid     uuid NOT NULL UNIQUE,
    domain     text NOT NULL,
    name       text NOT NULL,
    region_id  integer REFERENCES meta.region,
    az_id      integer REFERENCES meta.az,
    vpc_id     integer REFERENCES meta.vpc,
    launch_host_id integer REFERENCES meta.host,
    htype      text NOT NULL DEFAULT '',
    host_id    text NOT NULL DEFAULT '',
    ctrl_ip    text NOT NULL DEFAULT '',
    ctrl_mac   text NOT NULL DEFAULT '',
    os         text NOT NULL DEFAULT '',
    netns      text NOT NULL DEFAULT '',
    workload   text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

-- Interfaces of a vm.
CREATE TABLE meta.vinterface (
    id         integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    lcuuid     uuid NOT NULL UNIQUE,
    domain     text NOT NULL,
    name       text NOT NULL,
    vpc_id     integer REFERENCES meta.vpc,
    vm_id      integer REFERENCES meta.vm,
    launch_host_id integer REFERENCES meta.host,
    mac        text NOT NULL DEFAULT '',
    kind       text NOT NULL DEFAULT '',
    netns      text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

-- LAN addresses of an interface. scope vpc: unique in the VPC; host: only on its host.
CREATE TABLE meta.vinterface_ip (
    id         integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    lcuuid     uuid NOT NULL UNIQUE,
    domain     text NOT NULL,
    name       text NOT NULL,
    vpc_id     integer REFERENCES meta.vpc,
    vm_id      integer REFERENCES meta.vm,
    vinterface_id integer REFERENCES meta.vinterface,
    subnet_id  integer REFERENCES meta.subnet,
    ip         text NOT NULL DEFAULT '',
    scope      text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

-- WAN addresses of an interface.
CREATE TABLE meta.ip_resource (
    id         integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    lcuuid     uuid NOT NULL UNIQUE,
    domain     text NOT NULL,
    name       text NOT NULL,
    vpc_id     integer REFERENCES meta.vpc,
    vm_id      integer REFERENCES meta.vm,
    vinterface_id integer REFERENCES meta.vinterface,
    subnet_id  integer REFERENCES meta.subnet,
    ip         text NOT NULL DEFAULT '',
    scope      text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

-- Processes of a vm. listeners is [[protocol, address, port], …].
CREATE TABLE meta.process (
    id         integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    lcuuid     uuid NOT NULL UNIQUE,
    domain     text NOT NULL,
    name       text NOT NULL,
    vpc_id     integer REFERENCES meta.vpc,
    vm_id      integer REFERENCES meta.vm,
    launch_host_id integer REFERENCES meta.host,
    pid        bigint NOT NULL DEFAULT 0,
    start_time_ms bigint NOT NULL DEFAULT 0,
    kname      text NOT NULL DEFAULT '',
    command    text NOT NULL DEFAULT '',
    user_name  text NOT NULL DEFAULT '',
    container_id text NOT NULL DEFAULT '',
    listeners  jsonb NOT NULL DEFAULT '[]',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

CREATE INDEX vm_host_id ON meta.vm (host_id) WHERE deleted_at IS NULL;
CREATE INDEX vinterface_mac ON meta.vinterface (mac) WHERE deleted_at IS NULL;
CREATE INDEX vinterface_ip_ip ON meta.vinterface_ip (ip) WHERE deleted_at IS NULL;
CREATE INDEX ip_resource_ip ON meta.ip_resource (ip) WHERE deleted_at IS NULL;
CREATE INDEX vinterface_ip_vinterface ON meta.vinterface_ip (vinterface_id);
CREATE INDEX ip_resource_vinterface ON meta.ip_resource (vinterface_id);

-- What happened to resources: written with the change itself, sent on to ingester.event from here.
CREATE TABLE meta.resource_event (
    id          bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    at          timestamptz NOT NULL DEFAULT now(),
    event       text NOT NULL CHECK (event IN ('create', 'update', 'delete')),
    kind        text NOT NULL,
    resource_id integer NOT NULL,
    lcuuid      uuid NOT NULL,
    name        text NOT NULL,
    domain      text NOT NULL,
    before      jsonb,
    after       jsonb,
    sent_at     timestamptz
);
CREATE INDEX resource_event_at ON meta.resource_event (at);
CREATE INDEX resource_event_resource ON meta.resource_event (kind, resource_id);

-- Which snapshot of cloud.resources the tables agree with.
CREATE TABLE meta.applied (one boolean PRIMARY KEY DEFAULT true CHECK (one), version bigint NOT NULL, at timestamptz NOT NULL);
