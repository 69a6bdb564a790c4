//! Commands by their first byte.

pub const QUIT: u8 = 0x01;
pub const INIT_DB: u8 = 0x02;
pub const QUERY: u8 = 0x03;
pub const FIELD_LIST: u8 = 0x04;
pub const STATISTICS: u8 = 0x09;
pub const PING: u8 = 0x0e;
pub const CHANGE_USER: u8 = 0x11;
pub const BINLOG_DUMP: u8 = 0x12;
pub const STMT_PREPARE: u8 = 0x16;
pub const STMT_EXECUTE: u8 = 0x17;
pub const STMT_SEND_LONG_DATA: u8 = 0x18;
pub const STMT_CLOSE: u8 = 0x19;
pub const STMT_RESET: u8 = 0x1a;
pub const STMT_FETCH: u8 = 0x1c;
pub const BINLOG_DUMP_GTID: u8 = 0x1e;
pub const STMT_BULK_EXECUTE: u8 = 0xfa;
/// `Facts::note` of a login, which is no command.
pub const LOGIN: u8 = 0xff;

const NAMES: [&str; 32] = [
    "COM_SLEEP",
    "COM_QUIT",
    "COM_INIT_DB",
    "COM_QUERY",
    "COM_FIELD_LIST",
    "COM_CREATE_DB",
    "COM_DROP_DB",
    "COM_REFRESH",
    "COM_SHUTDOWN",
    "COM_STATISTICS",
    "COM_PROCESS_INFO",
    "COM_CONNECT",
    "COM_PROCESS_KILL",
    "COM_DEBUG",
    "COM_PING",
    "COM_TIME",
    "COM_DELAYED_INSERT",
    "COM_CHANGE_USER",
    "COM_BINLOG_DUMP",
    "COM_TABLE_DUMP",
    "COM_CONNECT_OUT",
    "COM_REGISTER_SLAVE",
    "COM_STMT_PREPARE",
    "COM_STMT_EXECUTE",
    "COM_STMT_SEND_LONG_DATA",
    "COM_STMT_CLOSE",
    "COM_STMT_RESET",
    "COM_SET_OPTION",
    "COM_STMT_FETCH",
    "COM_DAEMON",
    "COM_BINLOG_DUMP_GTID",
    "COM_RESET_CONNECTION",
];

/// What `request_type` says, `None` for what is no command.
pub fn name(command: u8) -> Option<&'static str> {
    match command {
        // COM_SLEEP is said by nobody.
        0 => None,
        STMT_BULK_EXECUTE => Some("COM_STMT_BULK_EXECUTE"),
        _ => NAMES.get(usize::from(command)).copied(),
    }
}

/// Whether a request of this length can begin so.
pub fn is_plausible(payload: &[u8], length: usize) -> bool {
    let Some(&command) = payload.first() else { return false };
    match command {
        QUIT | PING | STATISTICS | 0x0d | 0x1f => length == 1,
        STMT_CLOSE | STMT_RESET => length == 5,
        STMT_FETCH => length == 9,
        STMT_EXECUTE => length >= 10,
        0x1b => length == 3,
        QUERY | STMT_PREPARE => length >= 2 && looks_like_text(&payload[1..]),
        INIT_DB => (2..=256).contains(&length) && looks_like_text(&payload[1..]),
        FIELD_LIST => payload.get(1..2).is_some_and(looks_like_text),
        _ => false,
    }
}

/// SQL, perhaps behind the two bytes of an empty list of query attributes.
fn looks_like_text(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"\x00\x01").unwrap_or(text);
    text.iter()
        .take(32)
        .all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n' | 0x80..))
}

/// Whether no response follows.
pub fn is_notice(command: u8) -> bool {
    matches!(command, QUIT | STMT_CLOSE | STMT_SEND_LONG_DATA)
}
