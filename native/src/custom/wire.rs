//! What the engine asks and what the process of a protocol answers. Both ends are the same build, so there is no version.

use super::cursor::{Cursor, Frame, Malformed};
use crate::l7::{Attributes, Facts, L7Packet, L7Row, L7Seen, L7Settings, RowType, Status};

/// Longest frame: a packet of 64 KiB, or a row with all its texts, with room.
pub const MAX_FRAME: usize = 256 * 1024;

const SETTINGS: u8 = 1;
const PACKET: u8 = 2;
const GAP: u8 = 3;
const TICK: u8 = 4;
const CLOSE: u8 = 5;

const HELLO: u8 = 1;
const ROW: u8 = 2;
const SEEN: u8 = 3;
const REFUSED: u8 = 4;
const DONE: u8 = 5;

/// From the engine. Each is dealt with in turn, and counted in an [`Answer::Done`].
#[derive(Debug)]
pub enum Question<'a> {
    Settings(L7Settings),
    Packet {
        flow: u64,
        packet: L7Packet<'a>,
    },
    Gap {
        flow: u64,
        from_client: bool,
        missing: u32,
        now_us: i64,
    },
    /// For every flow.
    Tick {
        now_us: i64,
    },
    Close {
        flow: u64,
        now_us: i64,
    },
}

impl<'a> Question<'a> {
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Question::Settings(settings) => Frame::begin(out, SETTINGS)
                .i64(settings.tcp_request_timeout_us)
                .i64(settings.udp_request_timeout_us)
                .u8(u8::from(settings.obfuscate))
                .u32(settings.max_pending_requests as u32)
                .end(),
            Question::Packet { flow, packet } => Frame::begin(out, PACKET)
                .u64(*flow)
                .i64(packet.time_us)
                .u8(u8::from(packet.from_client))
                .u32(packet.wire_len)
                .u32(packet.tcp_seq)
                .u32(packet.tcp_ack)
                .u8(packet.protocol)
                .u16(packet.client_port)
                .u16(packet.server_port)
                .rest(packet.payload)
                .end(),
            Question::Gap {
                flow,
                from_client,
                missing,
                now_us,
            } => Frame::begin(out, GAP)
                .u64(*flow)
                .u8(u8::from(*from_client))
                .u32(*missing)
                .i64(*now_us)
                .end(),
            Question::Tick { now_us } => Frame::begin(out, TICK).i64(*now_us).end(),
            Question::Close { flow, now_us } => Frame::begin(out, CLOSE).u64(*flow).i64(*now_us).end(),
        }
    }

    pub fn read(frame: &'a [u8]) -> Result<Question<'a>, Malformed> {
        let mut from = Cursor(frame);
        Ok(match from.u8()? {
            SETTINGS => Question::Settings(L7Settings {
                tcp_request_timeout_us: from.i64()?,
                udp_request_timeout_us: from.i64()?,
                obfuscate: from.bool()?,
                max_pending_requests: from.u32()? as usize,
                ..L7Settings::default()
            }),
            PACKET => Question::Packet {
                flow: from.u64()?,
                packet: L7Packet {
                    time_us: from.i64()?,
                    from_client: from.bool()?,
                    wire_len: from.u32()?,
                    tcp_seq: from.u32()?,
                    tcp_ack: from.u32()?,
                    protocol: from.u8()?,
                    client_port: from.u16()?,
                    server_port: from.u16()?,
                    payload: from.0,
                },
            },
            GAP => Question::Gap {
                flow: from.u64()?,
                from_client: from.bool()?,
                missing: from.u32()?,
                now_us: from.i64()?,
            },
            TICK => Question::Tick { now_us: from.i64()? },
            CLOSE => Question::Close {
                flow: from.u64()?,
                now_us: from.i64()?,
            },
            _ => return Err(Malformed),
        })
    }
}

/// From the process of a protocol.
#[derive(Debug)]
pub enum Answer<'a> {
    /// Once, before anything else.
    Hello {
        name: &'a str,
        /// IP protocols that carry it, as bits: 1 TCP, 2 UDP.
        transports: u8,
    },
    Row {
        flow: u64,
        row: Box<Row<'a>>,
    },
    /// What was recognised, and as what.
    Seen {
        flow: u64,
        protocol: u8,
        seen: L7Seen,
    },
    /// These bytes are none of this protocol; the flow is forgotten.
    Refused {
        flow: u64,
    },
    /// So many questions more are dealt with.
    Done {
        questions: u32,
    },
}

/// A row whose texts lie in the frame.
#[derive(Debug, Default)]
pub struct Row<'a> {
    pub row: L7Row<'a>,
    pub protocol_name: &'a str,
    attributes: Facts,
}

impl Row<'_> {
    /// The row as the engine has its own, under this name.
    pub fn named(&self, protocol_name: &'static str) -> L7Row<'_> {
        L7Row {
            protocol_name,
            attributes: Attributes::of(Some(&self.attributes), None),
            ..self.row
        }
    }
}

/// The texts of a row, in the order in which they travel.
macro_rules! texts {
    ($do:ident) => {
        $do!(
            version,
            request_type,
            request_domain,
            request_resource,
            endpoint,
            response_exception,
            response_result,
            trace_id,
            span_id,
            parent_span_id,
            x_request_id_0,
            x_request_id_1,
            http_proxy_client,
            user_agent,
            referer
        )
    };
}

impl<'a> Answer<'a> {
    pub fn hello(out: &mut Vec<u8>, name: &str, transports: u8) {
        Frame::begin(out, HELLO).u8(transports).text(name).end();
    }

    pub fn row(out: &mut Vec<u8>, flow: u64, row: &L7Row<'_>) {
        let mut frame = Frame::begin(out, ROW);
        frame
            .u64(flow)
            .u8(row.protocol)
            .text(row.protocol_name)
            .u8(row.row_type as u8)
            .u8(u8::from(row.is_tls))
            .u8(u8::from(row.is_async))
            .u64(row.request_id)
            .u8(row.response_status as u8)
            .u32(row.response_code as u32)
            .u64(row.response_duration_us)
            .i64(row.request_length)
            .i64(row.response_length)
            .u32(row.captured_request_byte)
            .u32(row.captured_response_byte)
            .u64(row.sql_affected_rows)
            .u32(row.req_tcp_seq)
            .u32(row.resp_tcp_seq)
            .i64(row.start_us)
            .i64(row.end_us);
        macro_rules! write {
            ($($text:ident),+) => { $( frame.text(row.$text); )+ };
        }
        texts!(write);
        for (key, value) in row.attributes.iter() {
            frame.text(key).text(value);
        }
        frame.end();
    }

    pub fn seen(out: &mut Vec<u8>, flow: u64, protocol: u8, seen: L7Seen) {
        Frame::begin(out, SEEN)
            .u64(flow)
            .u8(protocol)
            .u32(seen.requests)
            .u32(seen.responses)
            .u32(seen.client_errors)
            .u32(seen.server_errors)
            .u32(seen.timeouts)
            .u32(seen.parse_failed)
            .u32(seen.evicted)
            .end();
    }

    pub fn refused(out: &mut Vec<u8>, flow: u64) {
        Frame::begin(out, REFUSED).u64(flow).end();
    }

    pub fn done(out: &mut Vec<u8>, questions: u32) {
        Frame::begin(out, DONE).u32(questions).end();
    }

    pub fn read(frame: &'a [u8]) -> Result<Answer<'a>, Malformed> {
        let mut from = Cursor(frame);
        Ok(match from.u8()? {
            HELLO => Answer::Hello {
                transports: from.u8()?,
                name: from.text()?,
            },
            ROW => Answer::Row {
                flow: from.u64()?,
                row: Box::new(read_row(&mut from)?),
            },
            SEEN => Answer::Seen {
                flow: from.u64()?,
                protocol: from.u8()?,
                seen: L7Seen {
                    requests: from.u32()?,
                    responses: from.u32()?,
                    client_errors: from.u32()?,
                    server_errors: from.u32()?,
                    timeouts: from.u32()?,
                    parse_failed: from.u32()?,
                    evicted: from.u32()?,
                },
            },
            REFUSED => Answer::Refused { flow: from.u64()? },
            DONE => Answer::Done { questions: from.u32()? },
            _ => return Err(Malformed),
        })
    }
}

fn read_row<'a>(from: &mut Cursor<'a>) -> Result<Row<'a>, Malformed> {
    let mut read = Row::default();
    let row = &mut read.row;
    row.protocol = from.u8()?;
    read.protocol_name = from.text()?;
    row.row_type = match from.u8()? {
        0 => RowType::Request,
        1 => RowType::Response,
        2 => RowType::Session,
        _ => return Err(Malformed),
    };
    row.is_tls = from.bool()?;
    row.is_async = from.bool()?;
    row.request_id = from.u64()?;
    row.response_status = match from.u8()? {
        0 => Status::Ok,
        2 => Status::Timeout,
        3 => Status::ServerError,
        4 => Status::ClientError,
        5 => Status::Unknown,
        6 => Status::ParseFailed,
        _ => return Err(Malformed),
    };
    row.response_code = from.u32()? as i32;
    row.response_duration_us = from.u64()?;
    row.request_length = from.i64()?;
    row.response_length = from.i64()?;
    row.captured_request_byte = from.u32()?;
    row.captured_response_byte = from.u32()?;
    row.sql_affected_rows = from.u64()?;
    row.req_tcp_seq = from.u32()?;
    row.resp_tcp_seq = from.u32()?;
    row.start_us = from.i64()?;
    row.end_us = from.i64()?;
    macro_rules! read {
        ($($text:ident),+) => { $( row.$text = from.text()?; )+ };
    }
    texts!(read);
    while !from.0.is_empty() {
        let (key, value) = (from.text()?, from.text()?);
        read.attributes.attribute(key, value.as_bytes());
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::super::cursor::split;
    use super::*;
    use proptest::prelude::*;

    fn only(bytes: &[u8]) -> &[u8] {
        let (frame, taken) = split(bytes, MAX_FRAME).unwrap().unwrap();
        assert_eq!(taken, bytes.len());
        frame
    }

    #[test]
    fn a_row_comes_back_as_it_was() {
        let mut facts = Facts::default();
        facts.attribute("tally.shelf", "häuser".as_bytes());
        facts.attribute("tally.empty", b"");
        let row = L7Row {
            protocol: 127,
            protocol_name: "Tally",
            row_type: RowType::Session,
            request_type: "ADD",
            response_exception: "full",
            response_status: Status::ServerError,
            response_code: -7,
            request_length: -1,
            response_length: 12,
            start_us: -5,
            end_us: 1 << 50,
            referer: "last",
            attributes: Attributes::of(Some(&facts), None),
            ..L7Row::default()
        };
        let mut out = Vec::new();
        Answer::row(&mut out, 77, &row);
        let Ok(Answer::Row { flow: 77, row: back }) = Answer::read(only(&out)) else {
            panic!()
        };
        let mut again = Vec::new();
        Answer::row(&mut again, 77, &back.named("Tally"));
        assert_eq!(out, again);
    }

    #[test]
    fn a_packet_comes_over_with_its_payload() {
        let packet = L7Packet {
            time_us: 1,
            from_client: true,
            payload: b"hello",
            wire_len: 9,
            tcp_seq: 3,
            tcp_ack: 6,
            protocol: 6,
            client_port: 4,
            server_port: 5,
        };
        let mut out = Vec::new();
        Question::Packet { flow: 8, packet }.write(&mut out);
        let Ok(Question::Packet { flow: 8, packet: back }) = Question::read(only(&out)) else {
            panic!()
        };
        assert_eq!(format!("{packet:?}"), format!("{back:?}"));
    }

    proptest! {
        #[test]
        fn what_nobody_wrote_is_refused_and_not_believed(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = Answer::read(&bytes);
            let _ = Question::read(&bytes);
            let _ = split(&bytes, MAX_FRAME);
        }
    }
}
