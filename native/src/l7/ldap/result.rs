//! Result codes (RFC 4511, appendix A), and whose fault they are; names of extended operations.

use super::ber::Ber;
use crate::l7::Status;
use crate::l7::facts::{Facts, Slot};

/// Says how an operation ended.
pub fn put(content: &[u8], facts: &mut Facts) {
    let mut content = Ber(content);
    let code = content.number().unwrap_or_default();
    let _matched = content.next();
    let text = content.next().map_or(&b""[..], |(_, text)| text);
    facts.code = i32::try_from(code).unwrap_or(i32::MAX);
    facts.status = status(code);
    let slot = if facts.status == Status::Ok {
        Slot::Result
    } else {
        Slot::Exception
    };
    if !text.is_empty() {
        facts.put(slot, text);
    } else if code != 0 {
        facts.put(slot, name(code).as_bytes());
    }
}

fn status(code: u32) -> Status {
    match code {
        // Success, the two answers of a comparison, a referral, the next step of a bind.
        0 | 5 | 6 | 10 | 14 => Status::Ok,
        // What the server could not do, or had no time for.
        1 | 3 | 11 | 51..=54 | 80 => Status::ServerError,
        _ => Status::ClientError,
    }
}

fn name(code: u32) -> &'static str {
    match code {
        1 => "operationsError",
        2 => "protocolError",
        3 => "timeLimitExceeded",
        4 => "sizeLimitExceeded",
        5 => "compareFalse",
        6 => "compareTrue",
        7 => "authMethodNotSupported",
        8 => "strongerAuthRequired",
        10 => "referral",
        11 => "adminLimitExceeded",
        12 => "unavailableCriticalExtension",
        13 => "confidentialityRequired",
        14 => "saslBindInProgress",
        16 => "noSuchAttribute",
        17 => "undefinedAttributeType",
        18 => "inappropriateMatching",
        19 => "constraintViolation",
        20 => "attributeOrValueExists",
        21 => "invalidAttributeSyntax",
        32 => "noSuchObject",
        33 => "aliasProblem",
        34 => "invalidDNSyntax",
        36 => "aliasDereferencingProblem",
        48 => "inappropriateAuthentication",
        49 => "invalidCredentials",
        50 => "insufficientAccessRights",
        51 => "busy",
        52 => "unavailable",
        53 => "unwillingToPerform",
        54 => "loopDetect",
        64 => "namingViolation",
        65 => "objectClassViolation",
        66 => "notAllowedOnNonLeaf",
        67 => "notAllowedOnRDN",
        68 => "entryAlreadyExists",
        69 => "objectClassModsProhibited",
        71 => "affectsMultipleDSAs",
        80 => "other",
        118 => "canceled",
        _ => "unknown",
    }
}

/// The name of an extended operation.
pub fn extension(name: &[u8]) -> Option<&'static str> {
    Some(match name {
        b"1.3.6.1.4.1.1466.20037" => "StartTLS",
        b"1.3.6.1.4.1.4203.1.11.1" => "PasswordModify",
        b"1.3.6.1.4.1.4203.1.11.3" => "WhoAmI",
        b"1.3.6.1.1.8" => "Cancel",
        _ => return None,
    })
}
