//! The parts of a URL that a row wants.

/// The path and query of a URL.
pub fn path_of(url: &str) -> &str {
    let Some((_, rest)) = url.split_once("://") else { return url };
    let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
    rest.find(['/', '?']).map_or("/", |at| &rest[at..])
}

/// The host of a URL, without user and port.
pub fn authority_of(url: &str) -> &str {
    let Some((_, rest)) = url.split_once("://") else { return "" };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    match host.strip_prefix('[') {
        Some(literal) => literal.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_come_apart() {
        assert_eq!(path_of("https://u:p@h.example:8443/a/b?c=d#e"), "/a/b?c=d");
        assert_eq!(path_of("http://h"), "/");
        assert_eq!(path_of("/already/a/path"), "/already/a/path");
        assert_eq!(authority_of("https://u:p@h.example:8443/a"), "h.example");
        assert_eq!(authority_of("http://[2001:db8::1]:80/"), "2001:db8::1");
    }
}
