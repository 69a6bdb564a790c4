//! Which interfaces are looked at: names or globs, in every network namespace or in some.

use std::str::FromStr;

/// `interface`, or `namespace/interface`; both may have `*` and `?`. The agent's own namespace has the empty name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// `None`: whatever the namespace.
    namespace: Option<String>,
    interface: String,
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Pattern, String> {
        let (namespace, interface) = match text.split_once('/') {
            Some((namespace, interface)) => (Some(namespace.to_owned()), interface),
            None => (None, text),
        };
        if interface.is_empty() || interface.contains('/') {
            return Err(format!("not an interface: {text:?}"));
        }
        Ok(Pattern {
            namespace,
            interface: interface.to_owned(),
        })
    }
}

impl Pattern {
    fn fits(&self, namespace: &str, interface: &str) -> bool {
        let is_there = self
            .namespace
            .as_ref()
            .is_none_or(|glob| fits(glob.as_bytes(), namespace.as_bytes()));
        is_there && fits(self.interface.as_bytes(), interface.as_bytes())
    }
}

/// What a person asked to be looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Empty: everything.
    pub only: Vec<Pattern>,
    pub except: Vec<Pattern>,
}

impl Selection {
    pub fn leaves_out(&self, namespace: &str, interface: &str) -> bool {
        let any = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.fits(namespace, interface));
        (!self.only.is_empty() && !any(&self.only)) || any(&self.except)
    }
}

/// `*` is any run of bytes, `?` any one. Goes back to the last `*` only, so it takes no longer than the product of both lengths.
fn fits(glob: &[u8], text: &[u8]) -> bool {
    let (mut at, mut from) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while from < text.len() {
        match glob.get(at) {
            Some(b'*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(&letter) if letter == b'?' || letter == text[from] => {
                at += 1;
                from += 1;
            }
            _ => {
                let Some((back, taken)) = star else { return false };
                star = Some((back, taken + 1));
                (at, from) = (back + 1, taken + 1);
            }
        }
    }
    glob[at..].iter().all(|letter| *letter == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(only: &[&str], except: &[&str]) -> Selection {
        let patterns = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        Selection {
            only: patterns(only),
            except: patterns(except),
        }
    }

    #[test]
    fn a_glob_fits_as_in_a_shell() {
        for (glob, text, expected) in [
            ("eth0", "eth0", true),
            ("eth0", "eth01", false),
            ("eth*", "eth", true),
            ("*", "", true),
            ("?", "", false),
            ("v?th*a", "veth12a", true),
            ("v?th*a", "veth12ab", false),
            ("*a*b*", "xxayyabz", true),
            ("*aaab", "aaaaaaaaaaab", true),
            ("", "x", false),
        ] {
            assert_eq!(fits(glob.as_bytes(), text.as_bytes()), expected, "{glob} {text}");
        }
    }

    #[test]
    fn without_a_namespace_it_is_meant_everywhere() {
        let found = selection(&["eth*", "blue/lo"], &["/eth1"]);
        let left_out = [
            ("", "eth0"),
            ("", "eth1"),
            ("red", "eth1"),
            ("blue", "lo"),
            ("", "lo"),
            ("red", "lo"),
        ];
        assert_eq!(
            left_out.map(|(namespace, interface)| found.leaves_out(namespace, interface)),
            [false, true, false, false, true, true]
        );
        assert!(!Selection::default().leaves_out("", ""));
    }

    #[test]
    fn what_names_no_interface_is_refused() {
        for text in ["", "blue/", "a/b/c"] {
            assert!(text.parse::<Pattern>().is_err(), "{text}");
        }
    }
}
