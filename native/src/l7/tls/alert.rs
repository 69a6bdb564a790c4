//! Alerts (IANA registry "TLS Alerts"), and whose fault they are.

use crate::l7::Status;
use crate::l7::facts::{Facts, Slot};

const INTERNAL_ERROR: u8 = 80;
pub const CLOSE_NOTIFY: u8 = 0;
pub const USER_CANCELED: u8 = 90;

fn name(code: u8) -> Option<&'static str> {
    Some(match code {
        CLOSE_NOTIFY => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        52 => "too_many_cids_requested",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        INTERNAL_ERROR => "internal_error",
        86 => "inappropriate_fallback",
        USER_CANCELED => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        111 => "certificate_unobtainable",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        114 => "bad_certificate_hash_value",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        121 => "ech_required",
        _ => return None,
    })
}

/// Whose fault it is: an alert is a complaint about the other side, but for those that say "it is me".
pub fn status(code: u8, from_client: bool) -> Status {
    let is_own = matches!(code, CLOSE_NOTIFY | USER_CANCELED | INTERNAL_ERROR);
    if from_client == is_own {
        Status::ClientError
    } else {
        Status::ServerError
    }
}

/// Says that the handshake ended with this alert.
pub fn put(code: u8, from_client: bool, facts: &mut Facts) {
    facts.status = status(code, from_client);
    facts.code = i32::from(code);
    match name(code) {
        Some(name) => facts.put(Slot::Exception, name.as_bytes()),
        None => facts.put(Slot::Exception, format!("alert {code}").as_bytes()),
    }
}

/// Says what it warns of.
pub fn warn(code: u8, facts: &mut Facts) {
    facts.attribute("tls.warning", name(code).unwrap_or("unknown").as_bytes());
}
