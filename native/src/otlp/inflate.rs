//! Bodies as they were before they were compressed, never larger than allowed.

use std::borrow::Cow;
use std::io::Read;

/// How a body was compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Identity,
    Gzip,
    Zstd,
}

/// Why there is no body.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    TooLarge,
    Corrupt(&'static str),
}

/// zstd frames that ask for a larger window than this (as a power of two) are refused: 8 MiB is what senders may assume (RFC 8878, 3.1.1.1.2).
const ZSTD_WINDOW_LOG: u32 = 23;

/// The decompressed body, at most `max_bytes` of it.
pub fn inflate(body: &[u8], encoding: Encoding, max_bytes: usize) -> Result<Cow<'_, [u8]>, Refused> {
    match encoding {
        Encoding::Identity if body.len() > max_bytes => Err(Refused::TooLarge),
        Encoding::Identity => Ok(Cow::Borrowed(body)),
        Encoding::Gzip => bounded(
            flate2::read::MultiGzDecoder::new(body),
            body.len(),
            max_bytes,
            "gzip stream is corrupt or cut short",
        ),
        Encoding::Zstd => {
            const WHAT: &str = "zstd stream is corrupt or cut short";
            let mut decoder = zstd::Decoder::with_buffer(body).map_err(|_| Refused::Corrupt(WHAT))?;
            decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(|_| Refused::Corrupt(WHAT))?;
            bounded(decoder, body.len(), max_bytes, WHAT)
        }
    }
}

fn bounded(stream: impl Read, compressed: usize, max_bytes: usize, what: &'static str) -> Result<Cow<'static, [u8]>, Refused> {
    // Six times is what telemetry usually shrinks by; a small bomb so gets a small buffer, which then grows only as it unfolds.
    let mut out = Vec::with_capacity((compressed.saturating_mul(6)).min(max_bytes).saturating_add(1));
    let limit = u64::try_from(max_bytes).unwrap_or(u64::MAX).saturating_add(1);
    stream.take(limit).read_to_end(&mut out).map_err(|_| Refused::Corrupt(what))?;
    if out.len() > max_bytes {
        Err(Refused::TooLarge)
    } else {
        Ok(Cow::Owned(out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_fits_comes_out_and_what_does_not_is_too_large() {
        let plain = vec![7u8; 100_000];
        for (body, encoding) in [
            (gzip(&plain), Encoding::Gzip),
            (zstd::encode_all(&plain[..], 1).unwrap(), Encoding::Zstd),
        ] {
            assert_eq!(inflate(&body, encoding, 100_000).unwrap(), plain);
            assert_eq!(inflate(&body, encoding, 99_999), Err(Refused::TooLarge));
            assert!(matches!(
                inflate(&body[..body.len() - 3], encoding, 1 << 20),
                Err(Refused::Corrupt(_))
            ));
        }
        assert_eq!(inflate(&plain, Encoding::Identity, 10), Err(Refused::TooLarge));
    }
}
