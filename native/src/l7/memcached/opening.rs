//! What Memcached looks like at the start of a flow.

use super::{binary, text};
use crate::l7::parser::{Guess, Opening};

const PORT: u16 = 11211;

/// A whole command with what it needs, or a sound binary header; on a strange port commands that other protocols have too are not enough.
pub fn guess(opening: &Opening<'_>) -> Guess {
    let expected = [opening.client_port, opening.server_port].contains(&PORT);
    if matches!(opening.bytes.first(), Some(0x80 | 0x81)) {
        return binary::guess(opening.bytes, opening.from_client);
    }
    if !opening.from_client {
        return if expected && text::is_answer(opening.bytes) {
            Guess::Yes
        } else {
            Guess::No
        };
    }
    match text::is_command(opening.bytes) {
        Guess::Yes => {
            // A line of HTTP in small letters has a path for a key.
            let is_telling = text::find(opening.bytes).is_some_and(|command| command.has_key)
                && memchr::memmem::find(opening.bytes, b" HTTP/").is_none();
            if expected || is_telling { Guess::Yes } else { Guess::No }
        }
        guess => guess,
    }
}
