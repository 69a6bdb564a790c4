//! ExportTraceServiceRequest → rows of `flow_log.l7_flow_log`.
//!
//! Source: opentelemetry-proto 1.x, `trace/v1/trace.proto`; field numbers below are its.

use super::bad::{Bad, Rejected};
use super::columns::Columns;
use super::resource::{Dictionaries, Resource};
use super::span::{Foreign, Head};
use super::value::read_pair;
use super::wire::{BYTES, Broken, FIXED64, Reader, VARINT, tag};
use crate::table::Layout;
use crate::table::generated::L7FlowLog;

/// What one body brings along for all of its rows.
#[derive(Clone, Copy)]
pub struct Body {
    pub now_us: i64,
    /// How many resource attributes all rows together may repeat: a small body must not unfold into a large block.
    pub max_pairs: usize,
}

const RESOURCE_SPANS: u32 = tag(1, BYTES);
const RESOURCE: u32 = tag(1, BYTES);
const SCOPE_SPANS: u32 = tag(2, BYTES);
const SCOPE: u32 = tag(1, BYTES);
const SPANS: u32 = tag(2, BYTES);

/// How a span becomes a row: by OpenTelemetry's conventions, or by Weir's own columns.
pub trait Dialect<'a> {
    /// Takes as many attributes as come in a row in the form that costs least. The reader stands behind the tag of the first one; says
    /// whether it stands behind the tag of one that is left for `attribute`.
    #[inline(always)]
    fn usual(&mut self, _rows: &mut L7FlowLog, _span: &mut Reader<'a>) -> bool {
        true
    }
    /// One attribute, in the order they come.
    fn attribute(&mut self, rows: &mut L7FlowLog, pair: Reader<'a>) -> Result<(), Broken>;
    /// The row is complete: fills what follows from the rest. What is written may still be taken back.
    fn finish(&mut self, rows: &mut L7FlowLog, head: &Head<'a>, context: &Context<'_>) -> Result<Result<(), Bad>, Broken>;
    /// The group is complete: fills what all of its rows, those from `context.first` on, have in common.
    fn close(&mut self, _rows: &mut L7FlowLog, _context: &Context<'_>) {}
}

/// What surrounds a span.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub body: &'a Body,
    pub resource: &'a Resource,
    /// Position of the scope's name in the dictionary of `scope_name`.
    pub scope: u32,
    /// The first row of the group of spans.
    pub first: usize,
}

/// Appends every span of the body: those of Weir's agents by `own`, all others by `foreign`. Where the body is broken the rows
/// appended so far stay for the caller to take back. `done` is called with each row that stays.
pub fn read<'a>(
    body: &'a [u8],
    about: &Body,
    rows: &mut L7FlowLog,
    foreign: &mut Foreign<'a>,
    own: &mut Columns<'a>,
    rejected: &mut Rejected,
    done: &mut impl FnMut(&mut L7FlowLog, usize, &Resource),
) -> Result<(), Broken> {
    let mut request = Reader::new(body);
    while let Some(field) = request.tag()? {
        if field != RESOURCE_SPANS {
            request.skip(field)?;
            continue;
        }
        let group = request.message()?;
        let resource = match find(group, RESOURCE)? {
            Some(message) => Resource::read(message, Some(dictionaries(rows)))?,
            None => Resource::default(),
        };
        let context = Context {
            body: about,
            resource: &resource,
            scope: 0,
            first: 0,
        };
        if resource.is_weir {
            read_group(group, rows, own, context, rejected, done)?
        } else {
            read_group(group, rows, foreign, context, rejected, done)?
        }
    }
    Ok(())
}

fn read_group<'a>(
    mut group: Reader<'a>,
    rows: &mut L7FlowLog,
    dialect: &mut impl Dialect<'a>,
    mut context: Context<'_>,
    rejected: &mut Rejected,
    done: &mut impl FnMut(&mut L7FlowLog, usize, &Resource),
) -> Result<(), Broken> {
    while let Some(field) = group.tag()? {
        if field != SCOPE_SPANS {
            group.skip(field)?;
            continue;
        }
        let mut spans = group.message()?;
        let scope = rows.scope_name.intern_bytes(scope_name(spans)?);
        context.scope = scope.unwrap_or_default();
        context.first = rows.rows();
        let bad = context.resource.bad.or(scope.is_none().then_some(Bad::InvalidUtf8));
        while let Some(field) = spans.tag()? {
            if field != SPANS {
                spans.skip(field)?;
                continue;
            }
            match (bad, read_span(spans.message()?, rows, dialect, &context)?) {
                (None, Ok(())) => {
                    rows.commit();
                    done(rows, rows.rows() - 1, context.resource);
                }
                (Some(bad), _) | (None, Err(bad)) => {
                    rejected.count(bad);
                    rows.rollback(rows.rows());
                }
            }
        }
        dialect.close(rows, &context);
    }
    Ok(())
}

/// Counts every span of the body as refused, because they belong to another decoder.
pub fn refuse(body: &[u8], rejected: &mut Rejected) -> Result<(), Broken> {
    let mut request = Reader::new(body);
    while let Some(mut group) = next(&mut request, RESOURCE_SPANS)? {
        while let Some(mut spans) = next(&mut group, SCOPE_SPANS)? {
            while let Some(span) = next(&mut spans, SPANS)? {
                span.check()?;
                rejected.count(Bad::OtherDecoder);
            }
        }
    }
    Ok(())
}

/// The next field `wanted` of a message.
fn next<'a>(message: &mut Reader<'a>, wanted: u32) -> Result<Option<Reader<'a>>, Broken> {
    while let Some(field) = message.tag()? {
        if field == wanted {
            return message.message().map(Some);
        }
        message.skip(field)?;
    }
    Ok(None)
}

fn dictionaries(rows: &mut L7FlowLog) -> Dictionaries<'_> {
    Dictionaries {
        resource: &mut rows.resource,
        app_service: &mut rows.app_service,
        app_instance: &mut rows.app_instance,
    }
}

/// The first field `wanted` of a message. Writers put it first, but may put it anywhere.
pub fn find<'a>(mut message: Reader<'a>, wanted: u32) -> Result<Option<Reader<'a>>, Broken> {
    next(&mut message, wanted)
}

/// `InstrumentationScope.name` of a group of spans or log records.
pub fn scope_name(group: Reader<'_>) -> Result<&[u8], Broken> {
    match find(group, SCOPE)? {
        None => Ok(&[]),
        Some(scope) => Ok(find(scope, tag(1, BYTES))?.map_or(&[], |name| name.rest())),
    }
}

fn read_span<'a>(
    mut span: Reader<'a>,
    rows: &mut L7FlowLog,
    dialect: &mut impl Dialect<'a>,
    context: &Context<'_>,
) -> Result<Result<(), Bad>, Broken> {
    let mut head = Head::default();
    usual_head(&mut span, &mut head);
    while let Some(field) = span.tag()? {
        match field {
            ATTRIBUTE => {
                // Attributes come in a row: another one needs no second look at what it could be.
                while dialect.usual(rows, &mut span) {
                    dialect.attribute(rows, span.message()?)?;
                    if span.rest().first() != Some(&(ATTRIBUTE as u8)) {
                        break;
                    }
                    span.at += 1;
                }
            }
            TRACE_ID => head.trace_id = span.bytes()?,
            SPAN_ID => head.span_id = span.bytes()?,
            PARENT_ID => head.parent_span_id = span.bytes()?,
            NAME => head.name = span.bytes()?,
            KIND => head.kind = span.varint()?,
            START => head.start_ns = span.fixed64()?,
            END => head.end_ns = span.fixed64()?,
            EVENT => head.events.push(span.message()?),
            LINK => head.links.push(span.message()?),
            STATUS => read_status(span.message()?, &mut head)?,
            other => span.skip(other)?,
        }
    }
    dialect.finish(rows, &head, context)
}

/// Reads what nearly every span begins with, as far as it comes in the order and the form that every writer gives it; whatever
/// differs is left for the reader of any field.
#[inline(always)]
fn usual_head<'a>(span: &mut Reader<'a>, head: &mut Head<'a>) {
    const IDS: [u8; 4] = [TRACE_ID as u8, 16, SPAN_ID as u8, 8];
    let whole = span.rest();
    let mut rest = whole;
    if let Some((ids, behind)) = rest.split_first_chunk::<28>()
        && [ids[0], ids[1], ids[18], ids[19]] == IDS
    {
        (head.trace_id, head.span_id) = (&ids[2..18], &ids[20..28]);
        rest = behind;
    }
    if let Some((parent, behind)) = rest.split_first_chunk::<10>()
        && parent[..2] == [PARENT_ID as u8, 8]
    {
        head.parent_span_id = &parent[2..];
        rest = behind;
    }
    if let [NAME_BYTE, length @ 0..0x80, behind @ ..] = rest
        && let Some((name, behind)) = behind.split_at_checked(usize::from(*length))
    {
        head.name = name;
        rest = behind;
    }
    if let Some((times, behind)) = rest.split_first_chunk::<20>()
        && [times[0], times[2], times[11]] == [KIND as u8, START as u8, END as u8]
        && let (kind @ 0..0x80, Some(start), Some(end)) = (times[1], times[3..].first_chunk(), times[12..].first_chunk())
    {
        head.kind = u64::from(kind);
        (head.start_ns, head.end_ns) = (u64::from_le_bytes(*start), u64::from_le_bytes(*end));
        rest = behind;
    }
    span.at += whole.len() - rest.len();
}

const NAME_BYTE: u8 = NAME as u8;
const TRACE_ID: u32 = tag(1, BYTES);
const SPAN_ID: u32 = tag(2, BYTES);
const PARENT_ID: u32 = tag(4, BYTES);
const NAME: u32 = tag(5, BYTES);
const KIND: u32 = tag(6, VARINT);
const START: u32 = tag(7, FIXED64);
const END: u32 = tag(8, FIXED64);
pub const ATTRIBUTE: u32 = tag(9, BYTES);
const EVENT: u32 = tag(11, BYTES);
const LINK: u32 = tag(13, BYTES);
const STATUS: u32 = tag(15, BYTES);

fn read_status<'a>(mut status: Reader<'a>, head: &mut Head<'a>) -> Result<(), Broken> {
    while let Some(field) = status.tag()? {
        match field {
            STATUS_MESSAGE => head.status_message = status.bytes()?,
            STATUS_CODE => head.status_code = status.varint()?,
            other => status.skip(other)?,
        }
    }
    Ok(())
}

const STATUS_MESSAGE: u32 = tag(2, BYTES);
const STATUS_CODE: u32 = tag(3, VARINT);

/// The value of the first attribute `key` among the KeyValue messages that are the `field` of `message`.
pub fn attribute<'a>(mut message: Reader<'a>, field: u32, key: &[u8]) -> Result<Option<super::value::Value<'a>>, Broken> {
    while let Some(found) = message.tag()? {
        if found != field {
            message.skip(found)?;
            continue;
        }
        let (name, value) = read_pair(message.message()?)?;
        if name == key {
            return Ok(Some(value));
        }
    }
    Ok(None)
}
