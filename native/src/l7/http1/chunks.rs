//! Chunked bodies (RFC 9112, 7.1).

use super::{Line, Side, State, line};
use crate::l7::parser::Step;

impl Side {
    /// Reads as much of a chunked body as there is.
    pub(super) fn chunks(&mut self, bytes: &[u8]) -> Step {
        let (mut at, mut content) = (0, 0);
        while at < bytes.len() {
            if let State::ChunkData(left) = self.state {
                let taken = left.min((bytes.len() - at) as u64);
                at += taken as usize;
                content += taken as usize;
                self.state = if taken == left {
                    State::ChunkEnd
                } else {
                    State::ChunkData(left - taken)
                };
                continue;
            }
            let (text, size) = match line(&bytes[at..]) {
                Line::Whole(text, size) => (text, size),
                Line::Long(text) => {
                    self.long_line = true;
                    (text, text.len())
                }
                Line::Partial if at == 0 => return Step::More,
                Line::Partial => break,
            };
            at += size;
            match self.state {
                State::ChunkEnd if text.is_empty() => self.state = State::ChunkSize,
                State::ChunkSize => match chunk_size(text) {
                    Some(0) => self.state = State::Trailers,
                    Some(length) => self.state = State::ChunkData(length),
                    None => return Step::Lost { size: at },
                },
                State::Trailers if text.is_empty() => {
                    self.state = State::Start;
                    return Step::Part {
                        size: at,
                        content,
                        key: 0,
                        end: true,
                    };
                }
                State::Trailers => {}
                _ => return Step::Lost { size: at },
            }
            if self.long_line {
                break;
            }
        }
        Step::Part {
            size: at,
            content,
            key: 0,
            end: false,
        }
    }
}

/// The hexadecimal number at the front; what follows it are extensions.
fn chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    if digits == 0 || digits > 15 || !matches!(line.get(digits), None | Some(b';' | b' ' | b'\t')) {
        return None;
    }
    let digit = |byte: &u8| u64::from((*byte as char).to_digit(16).unwrap_or(0));
    Some(line[..digits].iter().fold(0, |value, byte| value << 4 | digit(byte)))
}
