//! Little-endian numbers and texts, in and out of a frame.

/// Appends to a frame that [`Frame::end`] gives its length.
pub struct Frame<'a> {
    out: &'a mut Vec<u8>,
    begin: usize,
}

impl<'a> Frame<'a> {
    pub fn begin(out: &'a mut Vec<u8>, kind: u8) -> Frame<'a> {
        let begin = out.len();
        out.extend_from_slice(&[0; 4]);
        out.push(kind);
        Frame { out, begin }
    }

    pub fn u8(&mut self, value: u8) -> &mut Self {
        self.out.push(value);
        self
    }

    pub fn u16(&mut self, value: u16) -> &mut Self {
        self.out.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub fn u32(&mut self, value: u32) -> &mut Self {
        self.out.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub fn u64(&mut self, value: u64) -> &mut Self {
        self.out.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub fn i64(&mut self, value: i64) -> &mut Self {
        self.u64(value as u64)
    }

    /// A text of up to 64 KiB; what is longer is cut at a character.
    pub fn text(&mut self, text: &str) -> &mut Self {
        let text = &text[..text.floor_char_boundary(usize::from(u16::MAX))];
        self.u16(text.len() as u16);
        self.out.extend_from_slice(text.as_bytes());
        self
    }

    /// Bytes up to the end of the frame.
    pub fn rest(&mut self, bytes: &[u8]) -> &mut Self {
        self.out.extend_from_slice(bytes);
        self
    }

    pub fn end(&mut self) {
        let len = (self.out.len() - self.begin - 4) as u32;
        self.out[self.begin..self.begin + 4].copy_from_slice(&len.to_le_bytes());
    }
}

/// The first whole frame of `bytes` without its length, and how many bytes it takes.
///
/// # Errors
/// It claims more than `limit` bytes, or none.
pub fn split(bytes: &[u8], limit: usize) -> Result<Option<(&[u8], usize)>, Malformed> {
    let Some(head) = bytes.first_chunk::<4>() else { return Ok(None) };
    let len = u32::from_le_bytes(*head) as usize;
    if len == 0 || len > limit {
        return Err(Malformed);
    }
    Ok(bytes.get(4..4 + len).map(|frame| (frame, 4 + len)))
}

/// A frame that the other side cannot have written.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed;

/// Reads what [`Frame`] wrote.
pub struct Cursor<'a>(pub &'a [u8]);

impl<'a> Cursor<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*head)
    }

    pub fn u8(&mut self) -> Result<u8, Malformed> {
        self.take::<1>().map(|[byte]| byte)
    }

    pub fn bool(&mut self) -> Result<bool, Malformed> {
        self.u8().map(|byte| byte != 0)
    }

    pub fn u16(&mut self) -> Result<u16, Malformed> {
        self.take().map(u16::from_le_bytes)
    }

    pub fn u32(&mut self) -> Result<u32, Malformed> {
        self.take().map(u32::from_le_bytes)
    }

    pub fn u64(&mut self) -> Result<u64, Malformed> {
        self.take().map(u64::from_le_bytes)
    }

    pub fn i64(&mut self) -> Result<i64, Malformed> {
        self.take().map(i64::from_le_bytes)
    }

    pub fn text(&mut self) -> Result<&'a str, Malformed> {
        let len = usize::from(self.u16()?);
        let (text, rest) = self.0.split_at_checked(len).ok_or(Malformed)?;
        self.0 = rest;
        std::str::from_utf8(text).map_err(|_| Malformed)
    }
}
