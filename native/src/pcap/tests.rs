use super::*;
use proptest::prelude::*;
use std::io::Cursor;

/// Time, length on the wire, bytes.
type Seen = Vec<(i64, u32, Vec<u8>)>;

fn all(bytes: Vec<u8>) -> io::Result<(Seen, Counts)> {
    let mut capture = Capture::from_reader(Box::new(Cursor::new(bytes)))?;
    let (mut records, mut out) = (Vec::new(), Vec::new());
    loop {
        capture.read(&mut records, 3)?;
        if records.is_empty() {
            return Ok((out, capture.counts));
        }
        for record in &records {
            out.push((
                record.time_us,
                record.wire,
                capture.bytes()[record.at..record.at + record.len as usize].to_vec(),
            ));
        }
    }
}

fn classic(magic: u32, big: bool, extra: usize, frames: &[&[u8]]) -> Vec<u8> {
    let word = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    let mut out: Vec<u8> = [magic, 0x0004_0002, 0, 0, 65535, 1].iter().flat_map(|value| word(*value)).collect();
    for (at, frame) in frames.iter().enumerate() {
        out.extend(
            [100 + at as u32, 5000, frame.len() as u32, frame.len() as u32 + 16]
                .iter()
                .flat_map(|value| word(*value)),
        );
        out.extend(vec![0; extra]);
        out.extend(*frame);
    }
    out
}

fn ng_block(kind: u32, body: &[u8]) -> Vec<u8> {
    let body = [body, &vec![0; body.len().next_multiple_of(4) - body.len()]].concat();
    let length = (body.len() as u32 + 12).to_le_bytes();
    [&kind.to_le_bytes(), &length[..], &body, &length].concat()
}

fn ng(frames: &[&[u8]]) -> Vec<u8> {
    let mut out = ng_block(
        0x0a0d_0d0a,
        &[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255],
    );
    out.extend(ng_block(1, &[1, 0, 0, 0, 0, 0, 4, 0, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0]));
    out.extend(ng_block(5, &[0; 12]));
    for (at, frame) in frames.iter().enumerate() {
        let ns = (100 + at as u64) * 1_000_000_000 + 5_000_000;
        let head = [0, (ns >> 32) as u32, ns as u32, frame.len() as u32, frame.len() as u32 + 16];
        out.extend(ng_block(
            6,
            &[&head.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>(), *frame].concat(),
        ));
    }
    out
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

const FRAMES: [&[u8]; 5] = [b"one", b"twotwo", b"", b"four", b"fivefivefive"];

fn expected(step_us: i64) -> Vec<(i64, u32, Vec<u8>)> {
    FRAMES
        .iter()
        .enumerate()
        .map(|(at, frame)| ((100 + at as i64) * 1_000_000 + step_us, frame.len() as u32 + 16, frame.to_vec()))
        .collect()
}

#[test]
fn every_form_gives_the_same_records() {
    for (name, bytes, fraction) in [
        ("little", classic(0xa1b2_c3d4, false, 0, &FRAMES), 5000),
        ("big", classic(0xa1b2_c3d4, true, 0, &FRAMES), 5000),
        ("nanoseconds", classic(0xa1b2_3c4d, false, 0, &FRAMES), 5),
        ("modified", classic(0xa1b2_cd34, false, 8, &FRAMES), 5000),
        ("pcapng", ng(&FRAMES), 5000),
    ] {
        for bytes in [gzip(&bytes), bytes] {
            let (records, counts) = all(bytes).unwrap();
            assert_eq!(records, expected(fraction), "{name}");
            assert_eq!(
                counts,
                Counts {
                    records: 5,
                    cut: 0,
                    corrupt: 0
                },
                "{name}"
            );
        }
    }
}

#[test]
fn a_file_cut_anywhere_gives_its_whole_records() {
    for whole in [classic(0xa1b2_c3d4, false, 0, &FRAMES), ng(&FRAMES)] {
        for length in 28..whole.len() {
            let (records, counts) = all(whole[..length].to_vec()).unwrap();
            assert!(records.len() < 5 && records == expected(5000)[..records.len()]);
            assert!(counts.cut <= 1);
        }
    }
    let (records, counts) = all(classic(0xa1b2_c3d4, false, 0, &FRAMES)[..60].to_vec()).unwrap();
    assert_eq!((records.len(), counts.cut), (1, 1));
}

#[test]
fn a_cut_gzip_gives_what_could_be_unpacked() {
    let frames: Vec<Vec<u8>> = (0..500u32)
        .map(|seed| {
            (0..200u32)
                .map(|at| (seed.wrapping_mul(2_654_435_761).wrapping_add(at * at * 7) >> 5) as u8)
                .collect()
        })
        .collect();
    let frames: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
    let packed = gzip(&classic(0xa1b2_c3d4, false, 0, &frames));
    let (records, counts) = all(packed[..packed.len() / 2].to_vec()).unwrap();
    assert!(!records.is_empty() && records.len() < 500);
    assert_eq!(counts.corrupt, 1);
}

#[test]
fn a_length_that_cannot_be_ends_the_file() {
    let mut bytes = classic(0xa1b2_c3d4, false, 0, &FRAMES);
    bytes[24 + 16 + 3 + 8..][..4].copy_from_slice(&[255; 4]);
    let (records, counts) = all(bytes).unwrap();
    assert_eq!((records.len(), counts.corrupt), (1, 1));
}

#[test]
fn something_else_is_refused() {
    for bytes in [b"".to_vec(), b"GIF89a".to_vec(), vec![0; 100]] {
        assert_eq!(all(bytes).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), form in 0usize..3) {
        let head = [classic(0xa1b2_c3d4, false, 0, &[]), classic(0xa1b2_cd34, true, 0, &[]), ng(&[])][form].clone();
        let _ = all([head, bytes].concat());
    }
}
