//! Capture files in every form that is read, from one that was recorded.

use super::MAX_INPUT;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use std::path::Path;
use weir_native::packet::Link;

/// The file as it is, gzipped, with the bytes of its numbers the other way round, and as pcapng.
pub fn written(path: &Path, frames: &[(Link, Vec<u8>)]) -> Vec<Vec<u8>> {
    let Ok(file) = std::fs::read(path) else { return Vec::new() };
    let link = |link| if link == Link::Ethernet { 1 } else { 101 };
    let fewer: Vec<_> = frames
        .iter()
        .map(|(kind, frame)| (link(*kind), frame.as_slice()))
        .take(12)
        .collect();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    let zipped = gzip.write_all(&file).and_then(|()| gzip.finish()).unwrap_or_default();
    let files = [file, zipped, big_endian(&fewer), next_generation(&fewer)];
    files.into_iter().filter(|file| file.len() < MAX_INPUT).collect()
}

/// Nanoseconds, big endian.
fn big_endian(frames: &[(u16, &[u8])]) -> Vec<u8> {
    let link = frames.first().map_or(1, |(link, _)| u32::from(*link));
    let mut file: Vec<u8> = [0xa1b2_3c4d, 0x0002_0004, 0, 0, 65535, link].map(u32::to_be_bytes).concat();
    for (number, (_, frame)) in frames.iter().enumerate() {
        let length = frame.len() as u32;
        file.extend([1_700_000_000, number as u32, length, length].map(u32::to_be_bytes).concat());
        file.extend_from_slice(frame);
    }
    file
}

/// A section, an interface with a resolution of its own, one packet of each kind of block.
fn next_generation(frames: &[(u16, &[u8])]) -> Vec<u8> {
    let mut file = block(0x0a0d_0d0a, &[&0x1a2b_3c4d_u32.to_le_bytes(), &[1, 0, 0, 0], &[255; 8]]);
    let link = frames.first().map_or(1, |(link, _)| *link).to_le_bytes();
    file.extend(block(1, &[&link, &[0, 0], &[0, 0, 4, 0], &[9, 0, 1, 0, 9, 0, 0, 0], &[0; 4]]));
    file.extend(block(5, &[&[0; 12]]));
    for (number, (_, frame)) in frames.iter().enumerate() {
        let length = (frame.len() as u32).to_le_bytes();
        let head = [0, 0, number as u32].map(u32::to_le_bytes).concat();
        match number % 3 {
            0 => file.extend(block(3, &[&length, frame])),
            1 => file.extend(block(2, &[&head, &length, &length, frame])),
            _ => file.extend(block(6, &[&head, &length, &length, frame])),
        }
    }
    file
}

fn block(kind: u32, parts: &[&[u8]]) -> Vec<u8> {
    let mut body = parts.concat();
    body.resize(body.len().next_multiple_of(4), 0);
    let length = (12 + body.len() as u32).to_le_bytes();
    [&kind.to_le_bytes(), &length, body.as_slice(), &length].concat()
}
