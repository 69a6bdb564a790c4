//! QUIC with packets that are sealed here: versions, and sequences, that no program at hand sends.

use crate::flow::{CLIENT, Flow, SERVER};
use crate::tls::{client_body, extension, message, server_body, server_hello};
use aes::Aes128;
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
use aes_gcm::Aes128Gcm;
use aes_gcm::aead::{Aead, Payload};
use hkdf::Hkdf;
use sha2::Sha256;

/// Salts as the drafts and RFC 9001 write them.
const FROM_23: u128 = 0xc3ee_f712_c72e_bb5a_11a7_d243_2bb4_6365;
const FROM_29: u128 = 0xafbf_ec28_9993_d24c_9e97_86f1_9c61_11e0;
const FROM_33: u128 = 0x3876_2cf7_f559_34b3_4d17_9ae6_a4c8_0cad;
const TARGET: &[u8] = b"made up!";
const SOURCE: &[u8] = b"mine";
/// A long header, and a number of one byte.
const INITIAL: u8 = 0xc0;

fn salt(front: u128) -> Vec<u8> {
    let rest: u32 = match front {
        FROM_23 => 0xbef9_f502,
        FROM_29 => 0x4390_a899,
        _ => 0xccbb_7f0a,
    };
    [&front.to_be_bytes()[..], &rest.to_be_bytes()].concat()
}

fn expand(secret: &Hkdf<Sha256>, label: &str, size: usize) -> Vec<u8> {
    let label = format!("tls13 {label}");
    let info = [&(size as u16).to_be_bytes()[..], &[label.len() as u8], label.as_bytes(), &[0]].concat();
    let mut output = vec![0; size];
    secret.expand(&info, &mut output).unwrap();
    output
}

/// An Initial packet of a connection that began with `TARGET`.
fn sealed(version: u32, front: u128, from_client: bool, first: u8, number: u8, frames: &[u8]) -> Vec<u8> {
    let (_, initial) = Hkdf::<Sha256>::extract(Some(&salt(front)), TARGET);
    let secret = expand(&initial, if from_client { "client in" } else { "server in" }, 32);
    let secret = Hkdf::<Sha256>::from_prk(&secret).unwrap();
    let mut plain = frames.to_vec();
    plain.resize(1200, 0);
    let [to, from] = if from_client { [TARGET, SOURCE] } else { [SOURCE, b"other"] };
    let mut packet = [
        &[first][..],
        &version.to_be_bytes(),
        &[to.len() as u8],
        to,
        &[from.len() as u8],
        from,
        &[0],
    ]
    .concat();
    // The number, what is sealed, and its tag.
    packet.extend((0x4000 | (1 + plain.len() as u16 + 16)).to_be_bytes());
    let at = packet.len();
    packet.push(number);
    let mut nonce: [u8; 12] = expand(&secret, "quic iv", 12).try_into().unwrap();
    nonce[11] ^= number;
    let key: [u8; 16] = expand(&secret, "quic key", 16).try_into().unwrap();
    let payload = Payload { msg: &plain, aad: &packet };
    let secret_part = Aes128Gcm::new(&Array::from(key)).encrypt(&Array::from(nonce), payload).unwrap();
    packet.extend(secret_part);
    let sample: [u8; 16] = packet[at + 4..at + 20].try_into().unwrap();
    let mut mask = Array::from(sample);
    let key: [u8; 16] = expand(&secret, "quic hp", 16).try_into().unwrap();
    Aes128::new(&Array::from(key)).encrypt_block(&mut mask);
    packet[0] ^= mask[0] & 0x0f;
    packet[at] ^= mask[1];
    packet
}

fn crypto(offset: u8, data: &[u8]) -> Vec<u8> {
    [&[6, 0x40, offset], &(0x4000 | data.len() as u16).to_be_bytes()[..], data].concat()
}

fn client() -> Vec<u8> {
    message(1, &client_body(&extension(0, b"\0\x0c\0\0\x09a.example")))
}

fn server() -> Vec<u8> {
    server_hello(0x1301, &extension(43, &[3, 4]))
}

#[test]
fn drafts_have_the_keys_of_their_time() {
    for (version, front, name) in [
        (0xff00_0017, FROM_23, "draft-23"),
        (0xff00_001c, FROM_23, "draft-28"),
        (0xff00_001d, FROM_29, "draft-29"),
        (0xff00_0020, FROM_29, "draft-32"),
        (0xff00_0021, FROM_33, "draft-33"),
        (0xff00_0022, FROM_33, "draft-34"),
        (0x0000_0001, FROM_33, "1"),
        (0xface_b002, FROM_23, "mvfst"),
    ] {
        let mut flow = Flow::new(17, 443);
        flow.send(CLIENT, &sealed(version, front, CLIENT, INITIAL, 0, &crypto(0, &client())));
        flow.send(SERVER, &sealed(version, front, SERVER, INITIAL, 0, &crypto(0, &server())));
        assert_eq!(
            flow.close().pick(0, "type version request_domain response_result"),
            format!("2 {name} a.example TLS_AES_128_GCM_SHA256")
        );
    }
    for (version, front) in [(0xff00_0016, FROM_23), (0xff00_0023, FROM_33), (0xff00_0117, FROM_23)] {
        let mut flow = Flow::new(17, 443);
        flow.send(CLIENT, &sealed(version, front, CLIENT, INITIAL, 0, &crypto(0, &client())));
        assert_eq!(flow.close().lines.len(), 0, "nobody knows version {version:x}");
    }
}

#[test]
fn a_second_hello_that_the_server_asks_for_is_answered_behind_the_first_answer() {
    let sealed = |from_client, number, frames: &[u8]| sealed(1, FROM_33, from_client, INITIAL, number, frames);
    let mut again = server_body(0x1301, &extension(43, &[3, 4]));
    again[2..34].copy_from_slice(&[
        0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
        0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
    ]);
    let again = message(2, &again);
    let (asked, behind) = (client(), again.len() as u8);
    let mut flow = Flow::new(17, 443);
    flow.send(CLIENT, &sealed(CLIENT, 0, &crypto(0, &asked)));
    flow.send(SERVER, &sealed(SERVER, 0, &crypto(0, &again)));
    flow.send(CLIENT, &sealed(CLIENT, 1, &crypto(asked.len() as u8, &asked)));
    // The first answer comes once more, and the second one in two parts.
    flow.send(SERVER, &sealed(SERVER, 1, &crypto(0, &again)));
    assert_eq!(flow.rows.lines.len(), 0);
    let answer = server();
    flow.send(SERVER, &sealed(SERVER, 2, &crypto(behind + 20, &answer[20..])));
    flow.send(SERVER, &sealed(SERVER, 3, &crypto(behind, &answer[..20])));
    assert_eq!(
        flow.rows
            .pick(0, "type request_domain response_result tls.hello_retry response_duration"),
        "2 a.example TLS_AES_128_GCM_SHA256 true 5000"
    );
    assert_eq!(flow.close().types, [0, 0, 1]);
}

#[test]
fn a_server_may_clear_the_bit_that_is_always_set_but_no_connection_begins_so() {
    let first = INITIAL & !0x40;
    let hello = |first| sealed(1, FROM_33, CLIENT, first, 0, &crypto(0, &client()));
    let answer = sealed(1, FROM_33, SERVER, first, 0, &crypto(0, &server()));
    let mut flow = Flow::new(17, 443);
    flow.send(CLIENT, &hello(INITIAL)).send(SERVER, &answer);
    assert_eq!(flow.close().pick(0, "type version request_domain"), "2 1 a.example");
    let mut flow = Flow::new(17, 443);
    flow.send(CLIENT, &hello(first));
    assert_eq!(flow.close().lines.len(), 0);
}
