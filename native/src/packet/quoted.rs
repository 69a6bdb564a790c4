//! ICMP errors (RFC 792, RFC 4443): what went wrong, and the packet that they quote.

use super::{ICMP, Ip, Packet, TCP, UDP, be16, be32, be64};

/// Why a packet did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// With the code, as that version of ICMP numbers it.
    Unreachable(u8),
    TimeExceeded,
    /// It must not be fragmented and does not fit into this many bytes; 0 where that is not said.
    TooBig(u32),
    /// Header problems, redirects, source quench.
    Other,
}

/// Bytes of an ICMP error before what it quotes.
const HEADER: usize = 8;

/// Reads an ICMP message: the trouble, and addresses, ports and protocol of the packet that had it. None for what is no error.
pub fn quoted(protocol: u8, message: &[u8]) -> Option<(Trouble, Packet)> {
    let (&[kind, code], rest) = (message.first_chunk()?, message.get(HEADER..)?);
    let trouble = if protocol == ICMP {
        match kind {
            // The old meaning of the word with the MTU was "unused".
            3 if code == 4 => Trouble::TooBig(be16(message, 6)?.into()),
            3 => Trouble::Unreachable(code),
            11 => Trouble::TimeExceeded,
            4 | 5 | 12 => Trouble::Other,
            _ => return None,
        }
    } else {
        match kind {
            1 => Trouble::Unreachable(code),
            2 => Trouble::TooBig(be32(message, 4)?),
            3 => Trouble::TimeExceeded,
            4 | 137 => Trouble::Other,
            _ => return None,
        }
    };
    // A redirect for IPv6 has two addresses before its options.
    let packet = if protocol != ICMP && kind == 137 { None } else { inner(rest) };
    Some((trouble, packet?))
}

/// The start of an IP packet; at least eight bytes behind its header are quoted.
fn inner(bytes: &[u8]) -> Option<Packet> {
    let mut packet = Packet::default();
    let transport = match bytes.first()? >> 4 {
        4 => {
            packet.protocol = *bytes.get(9)?;
            packet.src = [0, be32(bytes, 12)?.into()];
            packet.dst = [0, be32(bytes, 16)?.into()];
            usize::from(bytes[0] & 15) * 4
        }
        6 => {
            packet.is_ipv6 = true;
            packet.protocol = *bytes.get(6)?;
            packet.src = address(bytes, 8)?;
            packet.dst = address(bytes, 24)?;
            40
        }
        _ => return None,
    };
    if matches!(packet.protocol, TCP | UDP | 132 | 136) {
        packet.src_port = be16(bytes, transport)?;
        packet.dst_port = be16(bytes, transport + 2)?;
    }
    Some(packet)
}

fn address(bytes: &[u8], at: usize) -> Option<Ip> {
    Some([be64(bytes, at)?, be64(bytes, at + 8)?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_message_is_too_odd(protocol in prop_oneof![Just(1u8), Just(58)], bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            quoted(protocol, &bytes);
        }
    }
}
