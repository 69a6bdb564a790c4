//! The two hellos (RFC 8446, 4.1; RFC 5246, 7.4.1).

use super::extension::{self, Reader};
use super::fingerprint::{self, is_grease, numbers};
use super::{Version, cipher};
use crate::l7::facts::{Facts, Slot};

/// `random` of a server's hello that asks for another hello of the client (RFC 8446, 4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
    0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// High bytes of the numbers that drafts of 1.3 have, and Facebook's of them.
const DRAFTS: [u16; 2] = [0x7f, 0xfb];
/// Drafts, up to the 21st, whose server's hello names neither a session nor a compression.
const BARE: std::ops::RangeInclusive<u16> = 0x7f00..=0x7f15;

/// What a hello travels over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    Tcp,
    Quic,
    /// DTLS.
    Datagrams,
}

/// A client's hello, taken apart.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClientHello<'a> {
    /// The version it names where older servers look for it.
    pub version: u16,
    pub ciphers: &'a [u8],
    pub groups: &'a [u8],
    pub point_formats: &'a [u8],
    pub signature_algorithms: &'a [u8],
    versions: &'a [u8],
    name: &'a [u8],
    protocols: &'a [u8],
    block: &'a [u8],
    /// Data may follow before the server has said anything.
    pub has_early_data: bool,
    has_encrypted_hello: bool,
}

impl<'a> ClientHello<'a> {
    /// Reads the body of the handshake message.
    pub fn read(body: &'a [u8], over: Over) -> Option<ClientHello<'a>> {
        let mut reader = Reader(body);
        let mut hello = ClientHello {
            version: reader.u16()?,
            ..ClientHello::default()
        };
        reader.take(32)?;
        reader.short()?;
        if over == Over::Datagrams {
            // A cookie.
            reader.short()?;
        }
        hello.ciphers = reader.long()?;
        reader.short()?;
        // None of the oldest clients has extensions.
        hello.block = reader.long().unwrap_or_default();
        for (kind, data) in extension::each(hello.block) {
            let mut data = Reader(data);
            match kind {
                extension::SNI => hello.name = server_name(data).unwrap_or_default(),
                extension::GROUPS => hello.groups = data.long().unwrap_or_default(),
                extension::POINT_FORMATS => hello.point_formats = data.short().unwrap_or_default(),
                extension::SIGNATURE_ALGORITHMS => hello.signature_algorithms = data.long().unwrap_or_default(),
                extension::ALPN => hello.protocols = data.long().unwrap_or_default(),
                extension::SUPPORTED_VERSIONS => hello.versions = data.short().unwrap_or_default(),
                extension::EARLY_DATA => hello.has_early_data = true,
                extension::ENCRYPTED_HELLO => hello.has_encrypted_hello = true,
                _ => {}
            }
        }
        Some(hello)
    }

    /// Types of the extensions, without GREASE.
    pub fn extensions(&self) -> impl Iterator<Item = u16> + 'a {
        extension::each(self.block).map(|(kind, _)| kind).filter(|kind| !is_grease(*kind))
    }

    /// The highest version it would speak: DTLS counts down.
    pub fn highest_version(&self) -> u16 {
        let highest = if self.version >= 0xfe00 {
            numbers(self.versions).min()
        } else {
            numbers(self.versions).max()
        };
        highest.unwrap_or(self.version)
    }

    /// The protocol it would speak first.
    pub fn first_protocol(&self) -> &'a [u8] {
        Reader(self.protocols).short().unwrap_or_default()
    }

    /// Says what the row tells of it.
    pub fn put(&self, over: Over, facts: &mut Facts) {
        facts.is_tls = true;
        facts.put(Slot::RequestType, b"ClientHello");
        if !self.name.is_empty() {
            facts.put(Slot::Domain, self.name);
            facts.put_same(Slot::Resource, Slot::Domain);
            facts.put_same(Slot::Endpoint, Slot::Domain);
        }
        let mut protocols = Reader(self.protocols);
        let mut offered = Vec::new();
        while let Some(protocol) = protocols.short() {
            if !offered.is_empty() {
                offered.push(b',');
            }
            offered.extend_from_slice(protocol);
        }
        if !offered.is_empty() {
            facts.attribute("tls.client.alpn", &offered);
        }
        if over == Over::Tcp {
            facts.attribute("tls.client.ja3", &fingerprint::ja3(self));
        }
        facts.attribute("tls.client.ja4", &fingerprint::ja4(self, over));
        if self.has_encrypted_hello {
            // Or something that looks like one, sent so that those that are do not stand out.
            facts.attribute("tls.client.ech", b"true");
        }
    }
}

fn server_name(mut data: Reader<'_>) -> Option<&[u8]> {
    let mut list = Reader(data.long()?);
    let kind = list.u8()?;
    list.long().filter(|_| kind == 0)
}

/// A server's hello, taken apart.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServerHello<'a> {
    /// The version chosen, wherever it is said.
    pub version: Version,
    legacy: u16,
    cipher: u16,
    block: &'a [u8],
    /// The client is to say hello again.
    pub is_retry: bool,
}

impl<'a> ServerHello<'a> {
    /// Reads the body of the handshake message.
    pub fn read(body: &'a [u8]) -> Option<ServerHello<'a>> {
        let mut reader = Reader(body);
        let legacy = reader.u16()?;
        let is_retry = reader.take(32)? == RETRY;
        let is_bare = BARE.contains(&legacy);
        if !is_bare {
            reader.short()?;
        }
        let cipher = reader.u16()?;
        if !is_bare {
            reader.u8()?;
        }
        let block = reader.long().unwrap_or_default();
        let chosen = extension::each(block).find(|(kind, _)| *kind == extension::SUPPORTED_VERSIONS);
        let version = chosen.and_then(|(_, data)| Reader(data).u16()).unwrap_or(legacy);
        Some(ServerHello {
            version: if DRAFTS.contains(&(version >> 8)) {
                Version::TLS_1_3
            } else {
                Version(version)
            },
            legacy,
            cipher,
            block,
            is_retry,
        })
    }

    /// Whether it says that an earlier session goes on; before 1.3 that shows only later.
    pub fn is_resumed(&self) -> bool {
        extension::each(self.block).any(|(kind, _)| kind == extension::PRE_SHARED_KEY)
    }

    /// Says what the row tells of it.
    pub fn put(&self, facts: &mut Facts) {
        facts.is_tls = true;
        facts.until_end = true;
        if let Some(text) = self.version.text() {
            facts.put(Slot::Version, text.as_bytes());
        }
        match cipher::name(self.cipher) {
            Some(name) => facts.put(Slot::Result, name.as_bytes()),
            None => facts.put(Slot::Result, format!("0x{:04x}", self.cipher).as_bytes()),
        }
        let protocol = extension::each(self.block).find(|(kind, _)| *kind == extension::ALPN);
        if let Some(chosen) = protocol.and_then(|(_, data)| Reader(Reader(data).long()?).short()) {
            facts.attribute("tls.next_protocol", chosen);
        }
        let extensions = extension::each(self.block).map(|(kind, _)| kind);
        facts.attribute("tls.server.ja3s", &fingerprint::ja3s(self.legacy, self.cipher, extensions));
        if self.is_resumed() {
            facts.attribute("tls.resumed", b"true");
        }
    }
}
