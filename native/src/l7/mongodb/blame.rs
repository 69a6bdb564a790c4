//! Whose fault an error is. Codes: <https://www.mongodb.com/docs/manual/reference/error-codes/>.

use crate::l7::{Status, sql};
use memchr::memmem;

/// Errors with names that blame what was asked, or who asked it.
const CLIENT: [i32; 46] = [
    2, 4, 9, 11, 13, 14, 15, 16, 17, 18, 19, 20, 22, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 40, 43, 48, 51, 52, 53, 54, 55, 56, 57, 59,
    61, 66, 67, 68, 69, 72, 73, 85, 86, 115, 121, 251,
];
/// Errors with high codes that are the server's: sockets, who is the primary, interruptions, stale routing.
const SERVER: [i32; 9] = [9001, 10058, 10107, 11600, 11601, 11602, 13388, 13435, 13436];

/// Errors without a name of their own have numbers of places in the server's source, where it checks what it was asked.
pub fn blame(code: i32) -> Status {
    let is_clients = CLIENT.contains(&code) || code >= 8000 && !SERVER.contains(&code);
    if is_clients { Status::ClientError } else { Status::ServerError }
}

/// A message without what it cites of documents.
pub fn without_values(message: &[u8]) -> Vec<u8> {
    match memmem::find(message, b"dup key: ") {
        Some(at) => [&message[..at], b"dup key: ?"].concat(),
        None => sql::without_literals(message),
    }
}
