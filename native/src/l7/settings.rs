//! What an operator can change about reading application protocols.

/// Limits and rules, shared by every flow of an engine. Defaults are those that people know from DeepFlow.
#[derive(Clone, Debug)]
pub struct L7Settings {
    /// A TCP request without a response after this is reported as timed out.
    pub tcp_request_timeout_us: i64,
    /// The same for UDP.
    pub udp_request_timeout_us: i64,
    /// Path segments that make an HTTP endpoint.
    pub http_endpoint_segments: usize,
    /// NXDOMAIN for a name that ends like this is an ordinary answer: resolvers walk their search list through these suffixes.
    pub dns_expected_nxdomain_suffixes: Vec<String>,
    /// Literals in SQL and values in Redis commands are written as `?`.
    pub obfuscate: bool,
    /// Requests of one flow that may wait for their responses; beyond that the oldest is reported unanswered. Eight times as many may where they
    /// are answered in order or numbered, and hold little memory.
    pub max_pending_requests: usize,
    /// Payload packets without a recognised protocol before a flow is left alone for a minute.
    pub max_guesses: u8,
    /// The one protocol that is looked for, where it is not the table's.
    pub only: Option<&'static super::table::Protocol>,
    /// `l7_protocol` of those that are not to be read.
    pub left_out: Vec<u8>,
}

impl Default for L7Settings {
    fn default() -> Self {
        L7Settings {
            tcp_request_timeout_us: 120_000_000,
            udp_request_timeout_us: 15_000_000,
            http_endpoint_segments: 2,
            dns_expected_nxdomain_suffixes: vec![".cluster.local".to_owned()],
            obfuscate: false,
            max_pending_requests: 512,
            max_guesses: 10,
            only: None,
            left_out: Vec::new(),
        }
    }
}

impl L7Settings {
    /// Whether this protocol is to be read.
    pub fn reads(&self, protocol: &super::table::Protocol) -> bool {
        !self.left_out.contains(&protocol.id)
    }
}
