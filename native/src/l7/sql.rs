//! What SQL text tells without being parsed: verb and table, trace context in comments, and the text without its literals.

use super::L7Settings;
use super::facts::{Facts, MAX_TEXT, Slot};
use memchr::{memchr, memchr2_iter, memmem};

/// Sets resource, endpoint and trace context. What is longer than a text may be is cut.
pub(super) fn put(text: &[u8], facts: &mut Facts, settings: &L7Settings) {
    let text = &text[..text.len().min(MAX_TEXT)];
    if settings.obfuscate {
        facts.put(Slot::Resource, &without_literals(text));
    } else {
        facts.put(Slot::Resource, text);
    }
    endpoint(text, facts);
    trace(text, facts);
}

/// `VERB table`, where both are plain to see.
fn endpoint(text: &[u8], facts: &mut Facts) {
    let mut tokens = Tokens { text, at: 0 };
    let Some(Token::Word(verb)) = tokens.next() else { return };
    let is = |word: &str| verb.eq_ignore_ascii_case(word.as_bytes());
    let table = if is("SELECT") || is("DELETE") {
        tokens.after("FROM")
    } else if is("INSERT") || is("REPLACE") {
        tokens.after("INTO")
    } else if is("UPDATE") {
        tokens.name_but(&["LOW_PRIORITY", "IGNORE", "ONLY"])
    } else if is("CREATE") || is("DROP") || is("ALTER") || is("TRUNCATE") {
        tokens.after_within("TABLE", 4, &["IF", "NOT", "EXISTS", "ONLY"])
    } else if is("COPY") {
        tokens.name_but(&[])
    } else {
        None
    };
    let Some(table) = table else { return };
    // The verb is one of those above.
    let mut name = [b' '; 256];
    let mut len = verb.len() + 1;
    for (free, byte) in name.iter_mut().zip(verb) {
        *free = byte.to_ascii_uppercase();
    }
    for byte in table.iter().filter(|byte| !matches!(byte, b'`' | b'"')) {
        let Some(free) = name.get_mut(len) else { break };
        *free = *byte;
        len += 1;
    }
    facts.put(Slot::Endpoint, &name[..len]);
}

/// Trace context that a client wrote into a comment (sqlcommenter: `traceparent='00-…-…-01'`, values may be percent-encoded).
fn trace(text: &[u8], facts: &mut Facts) {
    // Most statements have no comment, and are gone through once.
    let is_comment = |at: usize| text[at..].starts_with(b"/*") || text[at..].starts_with(b"--");
    if !memchr2_iter(b'/', b'-', text).any(is_comment) {
        return;
    }
    let Some(at) = memmem::find(text, b"traceparent=") else { return };
    let value = &text[at + b"traceparent=".len()..];
    traceparent(value.strip_prefix(b"'").or(value.strip_prefix(b"\"")).unwrap_or(value), facts);
}

/// W3C: `version-trace-parent-flags`, and whatever follows it.
pub(super) fn traceparent(value: &[u8], facts: &mut Facts) {
    let mut parts = value[..value.len().min(55)].split(|byte| *byte == b'-').skip(1);
    let is_hex = |part: &&[u8]| part.iter().all(u8::is_ascii_hexdigit);
    let (trace, span) = (parts.next().filter(is_hex), parts.next().filter(is_hex));
    if let (Some(trace), Some(span)) = (trace, span)
        && (trace.len(), span.len()) == (32, 16)
    {
        facts.put(Slot::TraceId, trace);
        facts.put(Slot::SpanId, span);
    }
}

/// The text with `?` for each string and number.
pub(super) fn without_literals(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let taken = match rest[0] {
            b'\'' => {
                plain.push(b'?');
                quoted(rest)
            }
            b'"' | b'`' => {
                let size = quoted(rest);
                plain.extend_from_slice(&rest[..size]);
                size
            }
            b'$' => match dollar_quoted(rest) {
                Some(size) => {
                    plain.push(b'?');
                    size
                }
                None => {
                    // A parameter such as $1.
                    let size = 1 + rest[1..].iter().take_while(|byte| is_word(**byte)).count();
                    plain.extend_from_slice(&rest[..size]);
                    size
                }
            },
            b'0'..=b'9' => {
                plain.push(b'?');
                rest.iter().take_while(|byte| is_word(**byte) || **byte == b'.').count()
            }
            byte if is_word(byte) => {
                let size = rest.iter().take_while(|byte| is_word(**byte)).count();
                // A prefix of a string (N'..', x'..', E'..', _utf8'..') belongs to it.
                plain.extend_from_slice(&rest[..size]);
                size
            }
            byte => {
                plain.push(byte);
                1
            }
        };
        at += taken.max(1);
    }
    plain
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// What a name is made of, its quotes among it.
#[inline]
fn is_name(byte: u8) -> bool {
    const NAME: [bool; 256] = {
        let mut name = [true; 256];
        let mut byte = 0;
        while byte < 128 {
            name[byte] = (byte as u8).is_ascii_alphanumeric() || matches!(byte as u8, b'_' | b'`' | b'"' | b'$');
            byte += 1;
        }
        name
    };
    NAME[usize::from(byte)]
}

/// What a name is made of behind its first byte, but for quotes.
#[inline]
fn is_plain(byte: u8) -> bool {
    const PLAIN: [bool; 256] = {
        let mut plain = [true; 256];
        let mut byte = 0;
        while byte < 128 {
            plain[byte] = (byte as u8).is_ascii_alphanumeric() || matches!(byte as u8, b'_' | b'$' | b'.');
            byte += 1;
        }
        plain
    };
    PLAIN[usize::from(byte)]
}

/// Bytes of the quoted text at the front, with its quotes; a doubled quote and what follows a backslash are inside.
fn quoted(text: &[u8]) -> usize {
    let quote = text[0];
    let mut at = 1;
    while at < text.len() {
        match text[at] {
            b'\\' if quote != b'`' => at += 2,
            byte if byte == quote && text.get(at + 1) == Some(&quote) => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// Bytes of `$tag$ … $tag$` at the front.
fn dollar_quoted(text: &[u8]) -> Option<usize> {
    let end = 1 + memchr(b'$', &text[1..])?;
    let tag = &text[..=end];
    let is_tag = tag[1..end].iter().all(|byte| is_word(*byte)) && !tag[1].is_ascii_digit();
    if !is_tag {
        return None;
    }
    let close = memmem::find(&text[tag.len()..], tag);
    Some(close.map_or(text.len(), |at| at + 2 * tag.len()))
}

enum Token<'a> {
    Word(&'a [u8]),
    Open,
    Close,
    Other,
}

/// Words of a text, without its comments and strings.
struct Tokens<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let rest = &self.text[self.at.min(self.text.len())..];
            let first = *rest.first()?;
            match first {
                b'/' if rest.starts_with(b"/*") => self.at += memmem::find(rest, b"*/").map_or(rest.len(), |end| end + 2),
                b'-' if rest.starts_with(b"--") => self.at += memchr(b'\n', rest).unwrap_or(rest.len()),
                b'#' => self.at += memchr(b'\n', rest).unwrap_or(rest.len()),
                b'\'' => {
                    self.at += quoted(rest);
                    return Some(Token::Other);
                }
                b';' => {
                    // Another statement.
                    self.at = self.text.len();
                    return None;
                }
                b'(' | b')' | b',' | b'=' | b'*' => {
                    self.at += 1;
                    return Some(match first {
                        b'(' => Token::Open,
                        b')' => Token::Close,
                        _ => Token::Other,
                    });
                }
                byte if is_name(byte) => {
                    let mut size = 0;
                    loop {
                        size += rest[size..].iter().take_while(|byte| is_plain(**byte)).count();
                        match rest.get(size) {
                            Some(b'`' | b'"') => size += quoted(&rest[size..]),
                            _ => break,
                        }
                    }
                    self.at += size;
                    return Some(Token::Word(&rest[..size]));
                }
                _ => self.at += 1,
            }
        }
    }
}

impl<'a> Tokens<'a> {
    /// The word behind `keyword`, which is not looked for inside parentheses; behind `FROM (` the first table inside.
    fn after(&mut self, keyword: &str) -> Option<&'a [u8]> {
        let mut depth = 0_i32;
        while let Some(token) = self.next() {
            match token {
                Token::Open => depth += 1,
                Token::Close => depth -= 1,
                Token::Word(word) if depth <= 0 && word.eq_ignore_ascii_case(keyword.as_bytes()) => match self.next()? {
                    Token::Word(name) => return Some(name),
                    Token::Open => depth = 0,
                    _ => return None,
                },
                _ => {}
            }
        }
        None
    }

    /// The same where `keyword` is one of the first `within` words, passing by some noise.
    fn after_within(&mut self, keyword: &str, within: usize, noise: &[&str]) -> Option<&'a [u8]> {
        for _ in 0..within {
            match self.next()? {
                Token::Word(word) if word.eq_ignore_ascii_case(keyword.as_bytes()) => return self.name_but(noise),
                Token::Word(_) => {}
                _ => return None,
            }
        }
        None
    }

    /// The first word that is not noise.
    fn name_but(&mut self, noise: &[&str]) -> Option<&'a [u8]> {
        loop {
            match self.next()? {
                Token::Word(word) if noise.iter().any(|skip| word.eq_ignore_ascii_case(skip.as_bytes())) => {}
                Token::Word(word) => return Some(word),
                _ => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint_of(text: &str) -> String {
        let mut facts = Facts::default();
        endpoint(text.as_bytes(), &mut facts);
        facts.get(Slot::Endpoint).to_owned()
    }

    #[test]
    fn an_endpoint_is_the_verb_and_the_table() {
        for (text, wanted) in [
            ("select * from `controller` where a = 'from x'", "SELECT controller"),
            ("/* c */ SELECT extract(year from d), (select 1 from a) FROM s.\"b\"", "SELECT s.b"),
            ("select * from (select 1 from t) x", "SELECT t"),
            ("insert into tmp (id) values (1)", "INSERT tmp"),
            ("create table if not exists `t2`(id int)", "CREATE t2"),
            ("update ignore t set a = 1", "UPDATE t"),
            ("delete  from test;", "DELETE test"),
            ("TRUNCATE TABLE x", "TRUNCATE x"),
            ("COPY t FROM STDIN", "COPY t"),
            ("select @@version_comment limit 1", ""),
            ("select 1; select 2 from t", ""),
            ("SHOW WARNINGS", ""),
            ("", ""),
        ] {
            assert_eq!(endpoint_of(text), wanted, "{text}");
        }
    }

    #[test]
    fn literals_are_left_out_and_names_stay() {
        for (text, wanted) in [
            (
                "select a1, `b 2` from t where x = 'it''s' and y=1.5e3",
                "select a1, `b 2` from t where x = ? and y=?",
            ),
            ("set p = 'a\\'b', q = $1 -- 7", "set p = ?, q = $1 -- ?"),
            ("select $x$ secret $x$, \"C\"", "select ?, \"C\""),
            ("insert into t values (0xff,'open", "insert into t values (?,?"),
        ] {
            assert_eq!(String::from_utf8(without_literals(text.as_bytes())).unwrap(), wanted);
        }
    }
}
