//! Values of the basic encoding (X.690), as LDAP uses it (RFC 4511, 5.1): lengths are definite.

/// What stands in front of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub tag: u8,
    /// Bytes of tag and length.
    pub size: usize,
    pub length: usize,
}

impl Head {
    /// `Ok(None)` where more bytes are needed, `Err` where no value begins.
    pub fn read(bytes: &[u8]) -> Result<Option<Head>, ()> {
        let [tag, first, rest @ ..] = bytes else { return Ok(None) };
        if *first < 0x80 {
            return Ok(Some(Head {
                tag: *tag,
                size: 2,
                length: usize::from(*first),
            }));
        }
        let count = usize::from(first & 0x7f);
        if !(1..=4).contains(&count) {
            return Err(());
        }
        let Some(digits) = rest.get(..count) else { return Ok(None) };
        let length = digits.iter().fold(0_usize, |length, digit| length << 8 | usize::from(*digit));
        Ok(Some(Head {
            tag: *tag,
            size: 2 + count,
            length,
        }))
    }
}

/// Values one after the other; one that is cut gives its front.
#[derive(Clone, Copy, Debug)]
pub struct Ber<'a>(pub &'a [u8]);

impl<'a> Ber<'a> {
    pub fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let head = Head::read(self.0).ok()??;
        let content = &self.0[head.size..];
        let (content, rest) = content.split_at_checked(head.length).unwrap_or((content, &[]));
        self.0 = rest;
        Some((head.tag, content))
    }

    /// The next value, a small number.
    pub fn number(&mut self) -> Option<u32> {
        let (_, content) = self.next()?;
        (content.len() <= 5).then(|| content.iter().fold(0, |value: u32, byte| value << 8 | u32::from(*byte)))
    }
}
