//! Zeek's ASCII form: a header that names and types the fields, then a line a record.

use crate::block::calendar::Civil;
use crate::export::logs::Lines;
use crate::export::view::{Address, Ends, put_int, put_seconds};
use crate::packet::{ICMP, ICMP6, TCP, UDP};
use std::io::Write;

/// A kind of log.
pub struct Schema {
    pub file: &'static str,
    pub path: &'static str,
    /// Name and type of each field behind those that every log begins with.
    pub fields: &'static [(&'static str, &'static str)],
}

const FIRST: [(&str, &str); 6] = [
    ("ts", "time"),
    ("uid", "string"),
    ("id.orig_h", "addr"),
    ("id.orig_p", "port"),
    ("id.resp_h", "addr"),
    ("id.resp_p", "port"),
];

/// Lines of one log that are still to be written out.
pub struct Log {
    pub schema: &'static Schema,
    text: Vec<u8>,
    records: usize,
}

impl Log {
    pub fn open(schema: &'static Schema, now_s: i64) -> Log {
        let mut text = Vec::new();
        let _ = write!(
            text,
            "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\t{}\n",
            schema.path
        );
        stamp("open", now_s, &mut text);
        let fields = || FIRST.iter().chain(schema.fields);
        for (title, which) in [("#fields", 0), ("#types", 1)] {
            text.extend_from_slice(title.as_bytes());
            for (name, kind) in fields() {
                text.push(b'\t');
                text.extend_from_slice([name, kind][which].as_bytes());
            }
            text.push(b'\n');
        }
        Log { schema, text, records: 0 }
    }

    pub fn close(&mut self, now_s: i64) {
        stamp("close", now_s, &mut self.text);
    }

    /// What was written since.
    pub fn take(&mut self) -> Option<Lines> {
        (!self.text.is_empty()).then(|| Lines {
            file: self.schema.file,
            text: std::mem::take(&mut self.text),
            records: std::mem::take(&mut self.records),
        })
    }

    /// Begins a record with the fields that every log begins with.
    pub fn start(&mut self, time_us: i64, flow_id: u64, ends: &Ends) {
        put_seconds(time_us, &mut self.text);
        self.text.extend_from_slice(b"\tC");
        put_base62(flow_id, &mut self.text);
        for (address, port) in ends.addresses.iter().zip(ends.ports) {
            self.text.push(b'\t');
            let _ = match address {
                Address::V4(ip) => write!(self.text, "{ip}"),
                Address::V6(ip) => write!(self.text, "{ip}"),
            };
            self.text.push(b'\t');
            put_int(port, &mut self.text);
        }
    }

    pub fn end_line(&mut self) {
        self.text.push(b'\n');
        self.records += 1;
    }

    pub fn protocol(&mut self, protocol: u8) {
        self.word(match protocol {
            TCP => "tcp",
            UDP => "udp",
            ICMP | ICMP6 => "icmp",
            _ => "unknown_transport",
        });
    }

    /// Something that needs no escapes.
    pub fn word(&mut self, word: &str) {
        self.text.push(b'\t');
        self.text.extend_from_slice(if word.is_empty() { b"-" } else { word.as_bytes() });
    }

    /// A text, unset where it is empty.
    pub fn text(&mut self, text: &str) {
        self.text.push(b'\t');
        match text {
            "" => self.text.push(b'-'),
            // They would read as unset and as empty.
            "-" => self.text.extend_from_slice(b"\\x2d"),
            "(empty)" => self.text.extend_from_slice(b"\\x28empty)"),
            text => put_escaped(text, b'\t', &mut self.text),
        }
    }

    /// A vector, unset where there is nothing in it.
    pub fn vector<'a>(&mut self, items: impl Iterator<Item = &'a str>) {
        self.text.push(b'\t');
        let begin = self.text.len();
        for item in items {
            if self.text.len() > begin {
                self.text.push(b',');
            }
            match item {
                "" => self.text.extend_from_slice(b"(empty)"),
                item => put_escaped(item, b',', &mut self.text),
            }
        }
        if self.text.len() == begin {
            self.text.push(b'-');
        }
    }

    pub fn count(&mut self, count: Option<u64>) {
        self.text.push(b'\t');
        match count {
            Some(count) => put_int(count, &mut self.text),
            None => self.text.push(b'-'),
        }
    }

    /// An interval from µs.
    pub fn interval(&mut self, us: Option<i64>) {
        self.text.push(b'\t');
        match us {
            Some(us) => put_seconds(us, &mut self.text),
            None => self.text.push(b'-'),
        }
    }

    pub fn boolean(&mut self, boolean: Option<bool>) {
        self.word(match boolean {
            Some(true) => "T",
            Some(false) => "F",
            None => "",
        });
    }

    /// Fields that we know nothing of.
    pub fn unset(&mut self, fields: usize) {
        (0..fields).for_each(|_| self.text.extend_from_slice(b"\t-"));
    }
}

fn stamp(what: &str, now_s: i64, text: &mut Vec<u8>) {
    let date = Civil::of(now_s);
    let (hour, minute, second) = (date.second / 3600, date.second / 60 % 60, date.second % 60);
    let _ = writeln!(
        text,
        "#{what}\t{:04}-{:02}-{:02}-{hour:02}-{minute:02}-{second:02}",
        date.year, date.month, date.day
    );
}

/// Writes what is no printable ASCII, the separator and the backslash as `\xHH`.
fn put_escaped(text: &str, separator: u8, out: &mut Vec<u8>) {
    for &byte in text.as_bytes() {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            byte if byte == separator || !(0x20..0x7f).contains(&byte) => {
                let _ = write!(out, "\\x{byte:02x}");
            }
            byte => out.push(byte),
        }
    }
}

fn put_base62(mut number: u64, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut digits = [b'0'; 11];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(number % 62) as usize];
        number /= 62;
    }
    out.extend_from_slice(&digits);
}
