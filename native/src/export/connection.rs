//! What became of a connection, in the words of other programs, from the flags that its ends sent.

use crate::packet::{TCP, UDP, flag};

/// What is known of a flow at its end.
#[derive(Clone, Copy, Debug)]
pub struct Connection {
    pub protocol: u8,
    /// Every TCP flag, client's and server's.
    pub flags: [u8; 2],
    pub packets: [u64; 2],
}

impl Connection {
    fn sent(&self, way: usize, flag: u8) -> bool {
        self.flags[way] & flag != 0
    }

    /// Zeek's `conn_state` (<https://docs.zeek.org/en/master/scripts/base/protocols/conn/main.zeek.html>). A connection that both ends
    /// finished was finished, whatever they reset later; where both reset it, the server did.
    pub fn zeek(&self) -> &'static str {
        match self.protocol {
            TCP => self.zeek_tcp(),
            UDP => match self.packets {
                [0, 0] => "OTH",
                [_, 0] => "S0",
                [0, _] => "SHR",
                _ => "SF",
            },
            _ => "OTH",
        }
    }

    fn zeek_tcp(&self) -> &'static str {
        let (asked, answered) = (self.sent(0, flag::SYN), self.sent(1, flag::SYN));
        match [0, 1].map(|way| (self.sent(way, flag::FIN), self.sent(way, flag::RST))) {
            [(true, _), (true, _)] => "SF",
            [_, (_, true)] if asked && !answered => "REJ",
            [_, (_, true)] if asked => "RSTR",
            [_, (_, true)] => "RSTRH",
            [(_, true), _] if answered => "RSTO",
            [(_, true), _] => "RSTOS0",
            [(true, _), _] if answered => "S2",
            [(true, _), _] => "SH",
            [_, (true, _)] if asked => "S3",
            [_, (true, _)] => "SHR",
            _ if asked && answered && self.sent(0, flag::ACK) => "S1",
            _ if asked && self.packets[1] == 0 => "S0",
            _ => "OTH",
        }
    }

    /// `tcp.state` of Suricata's flow events.
    pub fn eve_tcp(&self) -> &'static str {
        let (asked, answered) = (self.sent(0, flag::SYN), self.sent(1, flag::SYN));
        let is_reset = self.sent(0, flag::RST) || self.sent(1, flag::RST);
        match (self.sent(0, flag::FIN), self.sent(1, flag::FIN)) {
            _ if asked && !answered => "syn_sent",
            _ if is_reset => "closed",
            (true, true) => "closed",
            (true, false) => "close_wait",
            (false, true) => "fin_wait2",
            _ if asked && !self.sent(0, flag::ACK) => "syn_recv",
            _ if asked || self.packets[0] > 0 && self.packets[1] > 0 => "established",
            _ => "none",
        }
    }

    /// `flow.state` of the same.
    pub fn eve(&self) -> &'static str {
        if self.protocol == TCP {
            return match self.eve_tcp() {
                "closed" => "closed",
                "syn_sent" | "syn_recv" | "none" => "new",
                _ => "established",
            };
        }
        if self.packets[0] > 0 && self.packets[1] > 0 {
            "established"
        } else {
            "new"
        }
    }
}

/// What both call an application protocol; nothing for one that is not known.
pub fn service(l7_protocol: u8) -> &'static str {
    match l7_protocol {
        20 | 22 => "http",
        21 => "http2",
        41 | 49 => "grpc",
        60 => "mysql",
        61 => "postgresql",
        80 => "redis",
        81 => "mongodb",
        82 => "memcached",
        83 => "cassandra",
        100 => "kafka",
        101 => "mqtt",
        102 => "amqp",
        104 => "nats",
        120 => "dns",
        121 => "ssl",
        123 => "ftp",
        124 => "ldap",
        125 => "smtp",
        126 => "ssh",
        128 => "sip",
        129 => "ntp",
        130 => "dhcp",
        131 => "quic",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_those_of_zeeks_table() {
        let (s, sa, a, fa, r) = (flag::SYN, 18, flag::ACK, 17, flag::RST);
        let cases = [
            ("S0", s, 0),
            ("S1", s | a, sa),
            ("SF", s | fa, sa | fa),
            ("SF", s | fa | r, sa | fa),
            ("REJ", s, r | a),
            ("S2", s | fa, sa),
            ("S3", s | a, sa | fa),
            ("RSTO", s | a | r, sa),
            ("RSTR", s | a, sa | r),
            ("RSTOS0", s | r, 0),
            ("RSTRH", 0, sa | r),
            ("SH", s | fa, 0),
            ("SHR", 0, sa | fa),
            ("OTH", a, a),
        ];
        for (state, client, server) in cases {
            let packets = [u64::from(client != 0), u64::from(server != 0)];
            let flags = [client, server];
            let connection = Connection {
                protocol: TCP,
                flags,
                packets,
            };
            assert_eq!(connection.zeek(), state, "{flags:?}");
        }
    }
}
