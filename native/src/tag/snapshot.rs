//! Reads `weir.v1.PlatformTable` (libs/wire/proto/weir/v1/platform.proto); field numbers below are its.

use super::table::{Builder, Ids, Ip};
use crate::otlp::wire::{BYTES, Broken, Reader, VARINT, tag};

const IDS: usize = 13;

/// Hands every fact of the snapshot to the builder; says which version it is.
pub fn read(snapshot: &[u8], builder: &mut Builder) -> Result<u64, Broken> {
    let mut version = 0;
    let mut table = Reader::new(snapshot);
    while let Some(field) = table.tag()? {
        match field {
            VERSION => version = table.varint()?,
            INTERFACE => interface(table.message()?, builder)?,
            CIDR => cidr(table.message()?, builder)?,
            AGENT => agent(table.message()?, builder)?,
            PROCESS => process(table.message()?, builder)?,
            SERVICE => service(table.message()?, builder)?,
            other => table.skip(other)?,
        }
    }
    Ok(version)
}

const VERSION: u32 = tag(1, VARINT);
const INTERFACE: u32 = tag(2, BYTES);
const CIDR: u32 = tag(3, BYTES);
const AGENT: u32 = tag(4, BYTES);
const PROCESS: u32 = tag(5, BYTES);
const SERVICE: u32 = tag(6, BYTES);

/// The fields of a small message: numbers by field number, and the first `PlatformIds` among them.
#[derive(Default)]
struct Fields<'a> {
    numbers: [u64; 8],
    ids: Ids,
    /// Byte fields with their numbers, as they come.
    bytes: Vec<(u32, Reader<'a>)>,
}

fn fields<'a>(mut message: Reader<'a>, ids_field: u32) -> Result<Fields<'a>, Broken> {
    let mut fields = Fields::default();
    while let Some(field) = message.tag()? {
        let number = field >> 3;
        match field & 7 {
            VARINT if number < 8 => fields.numbers[number as usize] = message.varint()?,
            BYTES if number == ids_field => fields.ids = ids(message.message()?)?,
            BYTES => fields.bytes.push((number, message.message()?)),
            _ => message.skip(field)?,
        }
    }
    Ok(fields)
}

fn ids(mut message: Reader<'_>) -> Result<Ids, Broken> {
    let mut ids = [0u32; IDS];
    while let Some(field) = message.tag()? {
        let number = (field >> 3) as usize;
        if field & 7 == VARINT && (1..=IDS).contains(&number) {
            ids[number - 1] = message.varint()? as u32;
        } else {
            message.skip(field)?;
        }
    }
    Ok(Ids::from_fields(ids))
}

fn interface(message: Reader<'_>, builder: &mut Builder) -> Result<(), Broken> {
    let found = fields(message, 4)?;
    let ips = found
        .bytes
        .iter()
        .filter(|(number, _)| *number == 3)
        .filter_map(|(_, ip)| Ip::from_bytes(ip.rest()));
    builder.interface(found.ids, found.numbers[2], ips, found.numbers[5] as u32, found.numbers[6] != 0);
    Ok(())
}

fn cidr(message: Reader<'_>, builder: &mut Builder) -> Result<(), Broken> {
    let found = fields(message, 4)?;
    if let Some((_, prefix)) = found.bytes.iter().find(|(number, _)| *number == 2) {
        builder.cidr(found.numbers[1] as u32, prefix.rest(), found.numbers[3] as u32, found.ids);
    }
    Ok(())
}

fn agent(message: Reader<'_>, builder: &mut Builder) -> Result<(), Broken> {
    let found = fields(message, 3)?;
    builder.agent(found.numbers[1] as u32, found.numbers[2] as u32, found.ids);
    Ok(())
}

fn process(message: Reader<'_>, builder: &mut Builder) -> Result<(), Broken> {
    let found = fields(message, 4)?;
    let gprocess_id = found.numbers[1] as u32;
    let mut listeners = Vec::new();
    for (number, listener) in found.bytes {
        if number == 5 {
            let listener = fields(listener, 0)?;
            let ip = listener
                .bytes
                .iter()
                .find(|(number, _)| *number == 1)
                .and_then(|(_, ip)| Ip::from_bytes(ip.rest()));
            listeners.push((
                ip.filter(|ip| !ip.is_unspecified()),
                listener.numbers[2] as u16,
                listener.numbers[3] as u8,
            ));
        }
    }
    builder.process(gprocess_id, found.numbers[2] as u32, found.numbers[3] as u32, found.ids, listeners);
    Ok(())
}

fn service(message: Reader<'_>, builder: &mut Builder) -> Result<(), Broken> {
    let found = fields(message, 0)?;
    let ip = found
        .bytes
        .iter()
        .find(|(number, _)| *number == 3)
        .and_then(|(_, ip)| Ip::from_bytes(ip.rest()));
    if let Some(ip) = ip {
        let place = (found.numbers[2] as u32, ip, found.numbers[4] as u16, found.numbers[5] as u8);
        builder.service(place, found.numbers[1] as u32, found.numbers[6] as u32);
    }
    Ok(())
}
