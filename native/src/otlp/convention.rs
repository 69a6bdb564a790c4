//! OpenTelemetry's semantic conventions for spans, current names and those that SDKs sent before.
//!
//! Sources: <https://opentelemetry.io/docs/specs/semconv/> (http, database, rpc, messaging, dns, network, url, user_agent, error) and the
//! deprecated names of the same registry. A new name is one row of `CONVENTIONS`.

/// Something a span can say in several ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Fact {
    HttpMethod,
    HttpStatus,
    HttpRoute,
    HttpHost,
    UrlFull,
    UrlPath,
    UrlQuery,
    UrlTarget,
    UrlScheme,
    RequestSize,
    ResponseSize,
    UserAgent,
    DbSystem,
    DbText,
    DbOperation,
    DbCollection,
    DbNamespace,
    DbStatus,
    RpcSystem,
    RpcService,
    RpcMethod,
    RpcStatus,
    MessagingSystem,
    MessagingDestination,
    MessagingOperation,
    DnsName,
    ServerAddress,
    ServerPort,
    ClientAddress,
    ClientPort,
    PeerAddress,
    PeerPort,
    LocalAddress,
    LocalPort,
    Transport,
    ProtocolName,
    ProtocolVersion,
    ErrorType,
    ExceptionMessage,
}

pub const FACTS: usize = Fact::ExceptionMessage as usize + 1;

use Fact::{
    ClientAddress, ClientPort, DbCollection, DbNamespace, DbOperation, DbStatus, DbSystem, DbText, DnsName, ErrorType, ExceptionMessage,
    HttpHost, HttpMethod, HttpRoute, HttpStatus, LocalAddress, LocalPort, MessagingDestination, MessagingOperation, MessagingSystem,
    PeerAddress, PeerPort, ProtocolName, ProtocolVersion, RequestSize, ResponseSize, RpcMethod, RpcService, RpcStatus, RpcSystem,
    ServerAddress, ServerPort, Transport, UrlFull, UrlPath, UrlQuery, UrlScheme, UrlTarget, UserAgent,
};

/// (attribute, what it says, rank): of several attributes that say the same the lowest rank counts.
const CONVENTIONS: &[(&str, Fact, u8)] = &[
    ("http.request.method", HttpMethod, 0),
    ("http.method", HttpMethod, 1),
    ("http.response.status_code", HttpStatus, 0),
    ("http.status_code", HttpStatus, 1),
    ("http.route", HttpRoute, 0),
    ("http.host", HttpHost, 0),
    ("url.full", UrlFull, 0),
    ("http.url", UrlFull, 1),
    ("url.path", UrlPath, 0),
    ("url.query", UrlQuery, 0),
    ("http.target", UrlTarget, 0),
    ("url.scheme", UrlScheme, 0),
    ("http.scheme", UrlScheme, 1),
    ("http.request.body.size", RequestSize, 0),
    ("http.request_content_length", RequestSize, 1),
    ("http.response.body.size", ResponseSize, 0),
    ("http.response_content_length", ResponseSize, 1),
    ("user_agent.original", UserAgent, 0),
    ("http.user_agent", UserAgent, 1),
    ("db.system.name", DbSystem, 0),
    ("db.system", DbSystem, 1),
    ("db.query.text", DbText, 0),
    ("db.statement", DbText, 1),
    ("db.operation.name", DbOperation, 0),
    ("db.operation", DbOperation, 1),
    ("db.collection.name", DbCollection, 0),
    ("db.sql.table", DbCollection, 1),
    ("db.mongodb.collection", DbCollection, 2),
    ("db.cassandra.table", DbCollection, 3),
    ("db.namespace", DbNamespace, 0),
    ("db.name", DbNamespace, 1),
    ("db.response.status_code", DbStatus, 0),
    ("rpc.system.name", RpcSystem, 0),
    ("rpc.system", RpcSystem, 1),
    ("rpc.service", RpcService, 0),
    ("rpc.method", RpcMethod, 0),
    ("rpc.response.status_code", RpcStatus, 0),
    ("rpc.grpc.status_code", RpcStatus, 1),
    ("messaging.system", MessagingSystem, 0),
    ("messaging.destination.name", MessagingDestination, 0),
    ("messaging.destination", MessagingDestination, 1),
    ("messaging.operation.name", MessagingOperation, 0),
    ("messaging.operation.type", MessagingOperation, 1),
    ("messaging.operation", MessagingOperation, 2),
    ("dns.question.name", DnsName, 0),
    ("server.address", ServerAddress, 0),
    ("destination.address", ServerAddress, 1),
    ("server.port", ServerPort, 0),
    ("destination.port", ServerPort, 1),
    ("client.address", ClientAddress, 0),
    ("source.address", ClientAddress, 1),
    ("http.client_ip", ClientAddress, 2),
    ("client.port", ClientPort, 0),
    ("source.port", ClientPort, 1),
    ("network.peer.address", PeerAddress, 0),
    ("net.sock.peer.addr", PeerAddress, 1),
    ("net.peer.ip", PeerAddress, 2),
    ("net.peer.name", PeerAddress, 3),
    ("network.peer.port", PeerPort, 0),
    ("net.sock.peer.port", PeerPort, 1),
    ("net.peer.port", PeerPort, 2),
    ("network.local.address", LocalAddress, 0),
    ("net.sock.host.addr", LocalAddress, 1),
    ("net.host.ip", LocalAddress, 2),
    ("net.host.name", LocalAddress, 3),
    ("network.local.port", LocalPort, 0),
    ("net.sock.host.port", LocalPort, 1),
    ("net.host.port", LocalPort, 2),
    ("network.transport", Transport, 0),
    ("net.transport", Transport, 1),
    ("network.protocol.name", ProtocolName, 0),
    ("net.protocol.name", ProtocolName, 1),
    ("net.app.protocol.name", ProtocolName, 2),
    ("network.protocol.version", ProtocolVersion, 0),
    ("net.protocol.version", ProtocolVersion, 1),
    ("http.flavor", ProtocolVersion, 2),
    ("error.type", ErrorType, 0),
    ("exception.message", ExceptionMessage, 0),
];

/// Which conventions a request goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    Http,
    Db,
    Rpc,
    Messaging,
    Dns,
    Other,
}

impl Family {
    /// By `l7_protocol`.
    pub fn of(l7_protocol: u8) -> Family {
        match l7_protocol {
            20 | 21 => Family::Http,
            40..=49 => Family::Rpc,
            60..=62 | 80..=83 => Family::Db,
            100..=107 => Family::Messaging,
            120 => Family::Dns,
            _ => Family::Other,
        }
    }
}

/// What the attribute `key` says, and its rank.
pub fn meaning(key: &[u8]) -> Option<(Fact, u8)> {
    // Asked once for each key of a block, so a walk is quick enough.
    CONVENTIONS
        .iter()
        .find(|(name, ..)| name.as_bytes() == key)
        .map(|(_, fact, rank)| (*fact, *rank))
}

/// `l7_protocol` and `l7_protocol_str` of what `rpc.system`, `db.system`, `messaging.system` or `network.protocol.name` names.
pub fn protocol(system: &str) -> Option<(u8, &'static str)> {
    Some(match system {
        "http" => (20, "HTTP"),
        "dubbo" | "apache_dubbo" => (40, "Dubbo"),
        "grpc" => (41, "gRPC"),
        "thrift" | "apache_thrift" => (42, "Thrift"),
        "sofarpc" => (43, "SofaRPC"),
        "fastcgi" => (44, "FastCGI"),
        "brpc" => (45, "bRPC"),
        "tars" => (46, "Tars"),
        "some/ip" => (47, "SOME/IP"),
        "triple" => (49, "Triple"),
        "mysql" | "mariadb" => (60, "MySQL"),
        "postgresql" => (61, "PostgreSQL"),
        "oracle" | "oracle.db" => (62, "Oracle"),
        "redis" => (80, "Redis"),
        "mongodb" => (81, "MongoDB"),
        "memcached" => (82, "Memcached"),
        "cassandra" => (83, "Cassandra"),
        "kafka" => (100, "Kafka"),
        "mqtt" => (101, "MQTT"),
        "amqp" | "rabbitmq" => (102, "AMQP"),
        "activemq" | "openwire" => (103, "OpenWire"),
        "nats" => (104, "NATS"),
        "pulsar" => (105, "Pulsar"),
        "zmtp" => (106, "ZMTP"),
        "rocketmq" => (107, "RocketMQ"),
        "dns" => (120, "DNS"),
        "tls" | "ssl" => (121, "TLS"),
        "ftp" => (123, "FTP"),
        "ldap" => (124, "LDAP"),
        "smtp" => (125, "SMTP"),
        "ssh" => (126, "SSH"),
        "sip" => (128, "SIP"),
        "ntp" => (129, "NTP"),
        "dhcp" => (130, "DHCP"),
        "quic" => (131, "QUIC"),
        "websocket" => (22, "WebSocket"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::l7::table::PROTOCOLS;

    #[test]
    fn what_is_read_from_packets_is_known_by_the_name_that_its_spans_have() {
        let named = |id| matches!(Family::of(id), Family::Db | Family::Rpc | Family::Messaging);
        for read in PROTOCOLS.iter().filter(|read| named(read.id)) {
            assert_eq!(protocol(&read.name.to_ascii_lowercase()), Some((read.id, read.name)));
        }
    }
}
