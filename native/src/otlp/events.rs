//! Events and links of a span, as the text that is kept of them.

use super::bad::Bad;
use super::traces::attribute;
use super::value::{Value, hex, print_pairs, quote};
use super::wire::{BYTES, Broken, FIXED64, Reader, tag};

/// What a row wants to know beside the text itself.
pub struct Printed<'a> {
    /// The message of the first exception.
    pub exception: Option<Value<'a>>,
    /// Why the row cannot be kept.
    pub sound: Result<(), Bad>,
}

/// Prints events, then links, as one JSON array into `out`, which is emptied first. What is printed is not proven to be UTF-8.
pub fn print<'a>(events: &[Reader<'a>], links: &[Reader<'a>], out: &mut Vec<u8>) -> Result<Printed<'a>, Broken> {
    out.clear();
    out.push(b'[');
    let (mut exception, mut sound) = (None, Ok(()));
    for event in events {
        let (name, told) = print_event(*event, out)?;
        sound = sound.and(told);
        if name == b"exception" && exception.is_none() {
            exception = attribute(*event, tag(3, BYTES), b"exception.message")?;
        }
    }
    for link in links {
        sound = sound.and(print_link(*link, out)?);
    }
    if out.last() == Some(&b',') {
        out.pop();
    }
    out.push(b']');
    Ok(Printed { exception, sound })
}

fn print_event<'a>(mut event: Reader<'a>, out: &mut Vec<u8>) -> Result<(&'a [u8], Result<(), Bad>), Broken> {
    let (whole, mut name, mut time) = (event, &[][..], 0);
    while let Some(field) = event.tag()? {
        match field {
            EVENT_TIME => time = event.fixed64()?,
            EVENT_NAME => name = event.bytes()?,
            other => event.skip(other)?,
        }
    }
    out.extend_from_slice(b"{\"name\":");
    quote(name, out);
    out.extend_from_slice(b",\"time_unix_nano\":");
    out.extend_from_slice(itoa::Buffer::new().format(time).as_bytes());
    out.extend_from_slice(b",\"attributes\":{");
    let printed = print_pairs(whole, tag(3, BYTES), out, 0)?;
    out.extend_from_slice(b"}},");
    Ok((name, printed))
}

const EVENT_TIME: u32 = tag(1, FIXED64);
const EVENT_NAME: u32 = tag(2, BYTES);

fn print_link(mut link: Reader<'_>, out: &mut Vec<u8>) -> Result<Result<(), Bad>, Broken> {
    let (whole, mut trace_id, mut span_id) = (link, &[][..], &[][..]);
    while let Some(field) = link.tag()? {
        match field {
            LINK_TRACE_ID => trace_id = link.bytes()?,
            LINK_SPAN_ID => span_id = link.bytes()?,
            other => link.skip(other)?,
        }
    }
    if trace_id.len() > 32 || span_id.len() > 32 {
        return Ok(Err(Bad::InvalidId));
    }
    out.extend_from_slice(b"{\"link\":{\"trace_id\":\"");
    out.extend_from_slice(&hex::<64>(trace_id)[..trace_id.len() * 2]);
    out.extend_from_slice(b"\",\"span_id\":\"");
    out.extend_from_slice(&hex::<64>(span_id)[..span_id.len() * 2]);
    out.extend_from_slice(b"\",\"attributes\":{");
    let printed = print_pairs(whole, tag(4, BYTES), out, 0)?;
    out.extend_from_slice(b"}}},");
    Ok(printed)
}

const LINK_TRACE_ID: u32 = tag(1, BYTES);
const LINK_SPAN_ID: u32 = tag(2, BYTES);
