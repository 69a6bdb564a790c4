//! Calls inside of data packets: their codes, the statement that one carries, the error that ends an answer.

use crate::l7::Status;
use memchr::memmem;
use std::borrow::Cow;

const PROTOCOL: u8 = 1;
const DATA_TYPES: u8 = 2;
const FUNCTION: u8 = 3;
/// Calls that are sent along with another one, in front of it.
const PIGGYBACK: u8 = 17;
const FAST_AUTH: u8 = 34;
/// Negotiation of encryption and checksums.
const NEGOTIATION: &[u8] = b"\xde\xad\xbe\xef";
/// Texts up to this length have it in one byte.
const SHORT: u8 = 252;
const CHUNKED: u8 = 254;
/// Bytes of a statement that are put together.
const MAX_STATEMENT: usize = 8 * 1024;
/// The end of a result, which is no error.
const NO_DATA_FOUND: i32 = 1403;

const FUNCTIONS: [(u8, &str); 17] = [
    (0x02, "OPEN"),
    (0x03, "PARSE"),
    (0x04, "REEXECUTE"),
    (0x05, "FETCH"),
    (0x08, "CLOSE"),
    (0x09, "LOGOFF"),
    (0x0e, "COMMIT"),
    (0x0f, "ROLLBACK"),
    (0x14, "CANCEL"),
    (0x3b, "VERSION"),
    (0x47, "EXECUTE"),
    (0x4e, "REEXECUTE_AND_FETCH"),
    (0x5e, "EXECUTE"),
    (0x60, "LOB_OPERATION"),
    (0x73, "AUTH_PHASE_TWO"),
    (0x76, "AUTH_PHASE_ONE"),
    (0x93, "PING"),
];

const VERBS: [&[u8]; 21] = [
    b"SELECT",
    b"INSERT",
    b"UPDATE",
    b"DELETE",
    b"MERGE",
    b"WITH",
    b"BEGIN",
    b"DECLARE",
    b"CREATE",
    b"ALTER",
    b"DROP",
    b"TRUNCATE",
    b"CALL",
    b"GRANT",
    b"REVOKE",
    b"COMMIT",
    b"ROLLBACK",
    b"SET",
    b"LOCK",
    b"EXPLAIN",
    b"SAVEPOINT",
];

fn function(code: u8) -> Option<&'static str> {
    FUNCTIONS.iter().find(|(known, _)| *known == code).map(|(_, name)| *name)
}

/// Whether bytes behind the flags of a data packet are a call that has a code.
pub fn is_call(content: &[u8]) -> bool {
    match content {
        [FUNCTION, code, ..] => function(*code).is_some(),
        [PIGGYBACK, 0x69 | 0x6b | 0x87 | 0x98, ..] => true,
        _ => content.starts_with(NEGOTIATION),
    }
}

/// What a client's data packet asks, `None` for what cannot be told.
pub fn name(content: &[u8]) -> Option<&'static str> {
    match *content {
        [0xde, 0xad, 0xbe, 0xef, ..] => Some("NEGOTIATION"),
        [PROTOCOL, ..] => Some("PROTOCOL"),
        [DATA_TYPES, ..] => Some("DATA_TYPES"),
        [FAST_AUTH, ..] => Some("FAST_AUTH"),
        [FUNCTION, code, ..] => Some(function(code).unwrap_or("FUNCTION")),
        [PIGGYBACK, ..] => {
            // The call behind it: it is not known where that begins.
            let behind = content
                .windows(2)
                .skip(2)
                .find(|pair| pair[0] == FUNCTION && matches!(pair[1], 0x5e | 0x05 | 0x4e | 0x0e | 0x0f | 0x09));
            Some(behind.and_then(|pair| function(pair[1])).unwrap_or("PIGGYBACK"))
        }
        _ => None,
    }
}

/// The statement that a call carries: a text with its length in front that begins with a verb.
pub fn statement(content: &[u8]) -> Option<Cow<'_, [u8]>> {
    if !matches!(content.first(), Some(&FUNCTION | &PIGGYBACK)) {
        return None;
    }
    (2..content.len()).find_map(|at| match content[at - 1] {
        length @ 4..=SHORT => {
            let text = content.get(at..at + usize::from(length))?;
            begins_with_verb(text).then_some(Cow::Borrowed(text))
        }
        CHUNKED => chunks(&content[at..]).map(Cow::Owned),
        _ => None,
    })
}

/// A long text in pieces. Their lengths have one byte, or as many as a byte in front of them says.
fn chunks(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    while let Some((&first, behind)) = rest.split_first() {
        let (length, behind) = match first {
            0 => break,
            size @ 1..=4 => {
                let (length, behind) = behind.split_at_checked(usize::from(size))?;
                (length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), behind)
            }
            length => (usize::from(length), behind),
        };
        let here = length.min(behind.len());
        text.extend_from_slice(&behind[..here.min(MAX_STATEMENT - text.len())]);
        if text.len() >= MAX_STATEMENT || !begins_with_verb(&text) {
            break;
        }
        rest = &behind[here..];
    }
    begins_with_verb(&text).then_some(text)
}

fn begins_with_verb(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    let is_plain = || {
        text.iter()
            .take(64)
            .all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n' | 0x80..))
    };
    if text.starts_with(b"/*") || text.starts_with(b"--") {
        return is_plain();
    }
    let word = text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    VERBS.iter().any(|verb| text[..word].eq_ignore_ascii_case(verb)) && is_plain()
}

/// `ORA-` and five digits, in a text that ends with the answer and has its length in front.
pub fn error(content: &[u8]) -> Option<(i32, &[u8])> {
    let at = memmem::rfind(content, b"ORA-").map(|last| first_of_stack(content, last))?;
    let text = &content[at..];
    let length = usize::from(*content.get(at.checked_sub(1)?)?);
    // Behind it at most what marks the end.
    let is_last = length < usize::from(SHORT) && length <= text.len() && text.len() - length <= 4;
    if !is_last
        && !text
            .iter()
            .rev()
            .skip(4)
            .take(32)
            .all(|byte| matches!(byte, b' '..=b'~' | b'\n' | 0x80..))
    {
        return None;
    }
    let text = &text[..if is_last { length } else { text.len() }];
    let code = std::str::from_utf8(text.get(4..9)?).ok()?.parse().ok()?;
    (code != NO_DATA_FOUND).then_some((code, text.trim_ascii_end()))
}

/// Errors tell their causes line by line; the first one is the error.
fn first_of_stack(content: &[u8], mut at: usize) -> usize {
    while let Some(line) = at.checked_sub(1).filter(|before| content[*before] == b'\n') {
        let Some(earlier) = memmem::rfind(&content[..line], b"ORA-").filter(|earlier| line - earlier < 512) else {
            break;
        };
        at = earlier;
    }
    at
}

/// Whose fault an error is. Codes: <https://docs.oracle.com/en/error-help/db/>.
pub fn blame(code: i32) -> Status {
    match code {
        // Constraints, syntax and names, logins and privileges, values, dates, PL/SQL, what applications raise.
        1
        | 900..=1017
        | 1031
        | 1045
        | 1400..=1499
        | 1700..=1799
        | 1800..=1899
        | 2289..=2299
        | 4043
        | 6500..=6599
        | 12_899
        | 20_000..=20_999
        | 28_000..=28_009 => Status::ClientError,
        _ => Status::ServerError,
    }
}
