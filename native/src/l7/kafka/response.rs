//! What responses say: error codes, offsets, names of topics.

use super::api::{self, API_VERSIONS, FETCH, PRODUCE, SASL_HANDSHAKE};
use super::request::place;
use super::wire::Wire;
use super::{Asked, Kafka};
use crate::l7::Status;
use crate::l7::facts::{Facts, Slot};

/// Elements of one list that are walked over.
const MAX_ELEMENTS: usize = 4096;

/// The first error of a response, and whether any code was read.
#[derive(Default)]
struct Verdict {
    code: Option<i16>,
}

impl Verdict {
    fn code(&mut self, code: i16) {
        if self.code.is_none_or(|first| first == 0) {
            self.code = Some(code);
        }
    }

    fn message(&self, text: &[u8], facts: &mut Facts) {
        if self.code.is_some_and(|code| code != 0) && !text.is_empty() {
            facts.put_first(Slot::Exception, text);
        }
    }
}

impl Kafka {
    /// Reads the body of a response as far as it is there.
    pub(super) fn response(&mut self, asked: Asked, wire: &mut Wire<'_>, facts: &mut Facts) {
        let mut verdict = Verdict::default();
        let version = asked.version;
        let _cut = match asked.api {
            PRODUCE => self.produced(version, wire, &mut verdict, facts),
            FETCH => self.fetched(version, wire, &mut verdict, facts),
            3 => self.described(version, wire, &mut verdict),
            2 | 8 | 9 | 28 => partitions(asked, wire, &mut verdict, facts),
            _ => plain(asked, wire, &mut verdict, facts),
        };
        if let Some(code) = verdict.code {
            let (text, status) = api::error(code);
            (facts.code, facts.status) = (i32::from(code), status);
            if code == 0 {
                return;
            }
            let said = facts.get(Slot::Exception).is_empty();
            if said {
                facts.put(Slot::Exception, text.as_bytes());
            }
        } else if asked.api == FETCH || facts.status == Status::Unknown && is_silent(asked.api) {
            // A list of topics or partitions without any in it.
            facts.status = Status::Ok;
        }
    }

    fn produced(&mut self, version: i16, wire: &mut Wire<'_>, verdict: &mut Verdict, facts: &mut Facts) -> Option<()> {
        for at in 0..wire.list()?.min(MAX_ELEMENTS) {
            let topic = self.topic(version >= 13, wire)?;
            for part in 0..wire.list()?.min(MAX_ELEMENTS) {
                let (partition, code, offset) = (wire.i32()?, wire.i16()?, wire.i64()?);
                verdict.code(code);
                if at == 0 && part == 0 {
                    place(&topic, partition, (offset >= 0).then_some(offset), facts);
                }
                wire.skip(if version >= 2 { 8 } else { 0 } + if version >= 5 { 8 } else { 0 })?;
                if version >= 8 {
                    for _ in 0..wire.list()?.min(MAX_ELEMENTS) {
                        wire.skip(4)?;
                        let text = wire.text()?;
                        verdict.message(text, facts);
                        wire.tags()?;
                    }
                    let text = wire.text()?;
                    verdict.message(text, facts);
                }
                wire.tags()?;
            }
            wire.tags()?;
        }
        Some(())
    }

    fn fetched(&mut self, version: i16, wire: &mut Wire<'_>, verdict: &mut Verdict, facts: &mut Facts) -> Option<()> {
        wire.skip(if version >= 1 { 4 } else { 0 })?;
        if version >= 7 {
            verdict.code(wire.i16()?);
            wire.skip(4)?;
        }
        for at in 0..wire.list()?.min(MAX_ELEMENTS) {
            let topic = self.topic(version >= 13, wire)?;
            for part in 0..wire.list()?.min(MAX_ELEMENTS) {
                let partition = wire.i32()?;
                if at == 0 && part == 0 {
                    // Told where the request only went on with what was asked before.
                    place(&topic, partition, None, facts);
                }
                verdict.code(wire.i16()?);
                wire.skip(8 + if version >= 4 { 8 } else { 0 } + if version >= 5 { 8 } else { 0 })?;
                if version >= 4 {
                    for _ in 0..wire.list()?.min(MAX_ELEMENTS) {
                        wire.skip(16)?;
                        wire.tags()?;
                    }
                }
                wire.skip(if version >= 11 { 4 } else { 0 })?;
                let size = wire.blob()?;
                wire.skip(size)?;
                wire.tags()?;
            }
            wire.tags()?;
        }
        Some(())
    }

    /// Metadata: which topics there are, and their identifiers for later.
    fn described(&mut self, version: i16, wire: &mut Wire<'_>, verdict: &mut Verdict) -> Option<()> {
        wire.skip(if version >= 3 { 4 } else { 0 })?;
        for _ in 0..wire.list()?.min(MAX_ELEMENTS) {
            wire.skip(4)?;
            wire.text()?;
            wire.skip(4)?;
            if version >= 1 {
                wire.text()?;
            }
            wire.tags()?;
        }
        if version >= 2 {
            wire.text()?;
        }
        wire.skip(if version >= 1 { 4 } else { 0 })?;
        let topics = wire.list()?;
        if topics == 0 {
            verdict.code(0);
        }
        for _ in 0..topics.min(MAX_ELEMENTS) {
            verdict.code(wire.i16()?);
            let name = wire.text()?;
            if version >= 10 {
                let id = wire.uuid()?;
                self.learn(id, name);
            }
            wire.skip(if version >= 1 { 1 } else { 0 })?;
            for _ in 0..wire.list()?.min(MAX_ELEMENTS) {
                wire.skip(10 + if version >= 7 { 4 } else { 0 })?;
                wire.skip_list(4)?;
                wire.skip_list(4)?;
                if version >= 5 {
                    wire.skip_list(4)?;
                }
                wire.tags()?;
            }
            wire.skip(if version >= 8 { 4 } else { 0 })?;
            wire.tags()?;
        }
        Some(())
    }
}

/// Whether a response without any code is in order: it lists what there is.
fn is_silent(api: i16) -> bool {
    matches!(api, 2 | 3 | 8 | 9 | 15 | 19 | 20 | 28 | 42)
}

/// Responses that list topics with partitions, each with a code.
fn partitions(asked: Asked, wire: &mut Wire<'_>, verdict: &mut Verdict, facts: &mut Facts) -> Option<()> {
    let version = asked.version;
    let throttled = match asked.api {
        2 => version >= 2,
        28 => true,
        _ => version >= 3,
    };
    wire.skip(if throttled { 4 } else { 0 })?;
    if asked.api == 9 && version >= 8 {
        for _ in 0..wire.list()?.min(MAX_ELEMENTS) {
            wire.text()?;
            topics(asked, wire, verdict, facts)?;
            verdict.code(wire.i16()?);
            wire.tags()?;
        }
        return Some(());
    }
    topics(asked, wire, verdict, facts)?;
    if asked.api == 9 && version >= 2 {
        verdict.code(wire.i16()?);
    }
    Some(())
}

fn topics(asked: Asked, wire: &mut Wire<'_>, verdict: &mut Verdict, facts: &mut Facts) -> Option<()> {
    let version = asked.version;
    for _ in 0..wire.list()?.min(MAX_ELEMENTS) {
        if version >= 10 && asked.api != 2 {
            wire.skip(16)?;
        } else {
            wire.text()?;
        }
        for _ in 0..wire.list()?.min(MAX_ELEMENTS) {
            wire.skip(4)?;
            match asked.api {
                2 => {
                    verdict.code(wire.i16()?);
                    if version == 0 {
                        wire.skip_list(8)?;
                    } else {
                        wire.skip(8)?;
                        let offset = wire.i64()?;
                        facts.put_first(Slot::Result, itoa::Buffer::new().format(offset).as_bytes());
                        wire.skip(if version >= 4 { 4 } else { 0 })?;
                    }
                }
                9 => {
                    let offset = wire.i64()?;
                    facts.put_first(Slot::Result, itoa::Buffer::new().format(offset).as_bytes());
                    wire.skip(if version >= 5 { 4 } else { 0 })?;
                    wire.text()?;
                    verdict.code(wire.i16()?);
                }
                _ => verdict.code(wire.i16()?),
            }
            wire.tags()?;
        }
        wire.tags()?;
    }
    Some(())
}

/// Responses with one code near their front.
fn plain(asked: Asked, wire: &mut Wire<'_>, verdict: &mut Verdict, facts: &mut Facts) -> Option<()> {
    let version = asked.version;
    // From which version on a response begins with the time that its client has to wait.
    let throttled = match asked.api {
        SASL_HANDSHAKE | API_VERSIONS | 36 | 47 | 55 => i16::MAX,
        11 | 19 => 2,
        10 | 12..=16 | 20 => 1,
        _ => 0,
    };
    wire.skip(if version >= throttled { 4 } else { 0 })?;
    match asked.api {
        // A list of what was found.
        10 if version >= 4 => {
            for _ in 0..wire.list()?.min(MAX_ELEMENTS) {
                wire.text()?;
                wire.skip(4)?;
                wire.text()?;
                wire.skip(4)?;
                verdict.code(wire.i16()?);
                let text = wire.text()?;
                verdict.message(text, facts);
                wire.tags()?;
            }
        }
        // A code for each group, or each topic, of which the first is told.
        15 | 42 | 19 | 20 => named(asked, wire, verdict, facts)?,
        // What was done for each topic of a transaction.
        24 if version < 4 => topics(Asked { api: 28, ..asked }, wire, verdict, facts)?,
        // The code comes first.
        0..=42 | 44 | 46..=50 | 55 | 57 | 60 | 66 | 68 | 71 | 72 | 76 | 78 | 79 | 88 if !matches!(asked.api, 4..=7 | 21 | 23 | 27 | 30..=35 | 37 | 44) =>
        {
            verdict.code(wire.i16()?);
            let has_message =
                matches!(asked.api, 10 if version >= 1) || matches!(asked.api, 29 | 36 | 46 | 48 | 50 | 57 | 60 | 68 | 76 | 88);
            if has_message {
                let text = wire.text()?;
                verdict.message(text, facts);
            }
        }
        _ => {}
    }
    Some(())
}

/// Responses with a list of groups or topics: the first of them.
fn named(asked: Asked, wire: &mut Wire<'_>, verdict: &mut Verdict, facts: &mut Facts) -> Option<()> {
    let place = (asked.api, asked.version);
    if wire.list()? == 0 {
        return Some(());
    }
    if asked.api != 15 {
        wire.text()?;
    }
    wire.skip(if matches!(place, (19, 7..) | (20, 6..)) { 16 } else { 0 })?;
    verdict.code(wire.i16()?);
    if matches!(place, (19, 1..) | (20, 5..) | (15, 6..)) {
        let text = wire.text()?;
        verdict.message(text, facts);
    }
    Some(())
}
