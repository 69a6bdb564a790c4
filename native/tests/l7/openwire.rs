//! OpenWire, behaviour by behaviour; most of what commands say is in the recorded captures.

use crate::cases::case;
use crate::flow::{CLIENT, Flow, SERVER};

fn frame(command: &[u8]) -> Vec<u8> {
    [&(command.len() as u32).to_be_bytes()[..], command].concat()
}

fn short(text: &[u8]) -> Vec<u8> {
    [&(text.len() as u16).to_be_bytes()[..], text].concat()
}

/// What an end can: its version, and whether tight, cached and without sizes.
fn info(version: u8, tight: bool, cached: bool, unsized_frames: bool) -> Vec<u8> {
    let truth = |name: &[u8], truth: bool| [short(name), vec![1, u8::from(truth)]].concat();
    let map = [
        &[0, 0, 0, 4][..],
        &truth(b"TightEncodingEnabled", tight),
        &truth(b"CacheEnabled", cached),
        &truth(b"SizePrefixDisabled", unsized_frames),
        &[short(b"ProviderName"), vec![9], short(b"ActiveMQ")].concat(),
    ]
    .concat();
    frame(&[b"\x01ActiveMQ\0\0\0", &[version, 1][..], &(map.len() as u32).to_be_bytes(), &map].concat())
}

/// A flow whose ends agreed upon version 12, loose, with or without numbers for objects.
fn loose(cached: bool) -> Flow {
    let mut flow = Flow::new(6, 61616);
    flow.send(SERVER, &info(12, true, true, false))
        .send(CLIENT, &info(12, false, cached, false));
    flow
}

/// Creates a producer, loosely; `queue` are the bytes of its destination.
fn producer(command: u8, is_required: bool, queue: &[u8]) -> Vec<u8> {
    let id = [&[1, 123, 1][..], &short(b"ID:1"), &[0; 16]].concat();
    frame(&[&[6, 0, 0, 0, command, u8::from(is_required)][..], &id, queue, &[0, 0, 0, 0, 0, 0]].concat())
}

fn queue(name: &[u8]) -> Vec<u8> {
    [&[1, 100, 1][..], &short(name)].concat()
}

fn response(command: u8) -> Vec<u8> {
    frame(&[30, 0, 0, 0, 0, 0, 0, 0, 0, command])
}

fn refused(command: u8, class: &[u8], why: &[u8]) -> Vec<u8> {
    frame(&[&[31, 0, 0, 0, 0, 0, 0, 0, 0, command, 1, 1][..], &short(class), &[1], &short(why)].concat())
}

#[test]
fn both_ends_say_what_they_can_and_go_on_with_what_both_can() {
    let mut flow = Flow::new(6, 61616);
    flow.drip(CLIENT, &info(11, false, false, false))
        .drip(SERVER, &info(12, true, true, false))
        .drip(CLIENT, &producer(1, true, &queue(b"ORDERS")))
        .drip(SERVER, &response(1));
    let rows = flow.close();
    assert_eq!(rows.column("request_type"), ["WireFormatInfo", "WireFormatInfo", "ProducerInfo"]);
    assert_eq!(rows.column("version"), ["11", "12", "11"]);
    assert_eq!(rows.column("type"), ["0", "0", "2"]);
    assert_eq!(rows.get(0, "user_agent"), "ActiveMQ");
    let fields = "request_id request_resource endpoint request_length response_length response_status";
    assert_eq!(rows.pick(2, fields), "1 queue://ORDERS ORDERS 48 10 0");
}

#[test]
fn a_destination_that_was_numbered_is_known_by_its_number_until_something_is_lost() {
    let numbered = [&[1, 0, 7][..], &queue(b"ORDERS")].concat();
    let id = [&[1, 0, 6][..]].concat();
    let cached = |command, destination: &[u8]| {
        let plain = producer(command, false, destination);
        // The producer's id is an object that is numbered too.
        let body = [&plain[4..10], &id, &plain[10..]].concat();
        frame(&body)
    };
    let mut flow = loose(true);
    flow.send(CLIENT, &cached(1, &numbered)).send(CLIENT, &cached(2, &[0, 0, 7]));
    flow.gap(CLIENT, 100).send(CLIENT, &cached(3, &[0, 0, 7]));
    let rows = flow.close();
    assert_eq!(rows.column("endpoint"), ["", "", "ORDERS", "ORDERS", ""]);
    assert_eq!(rows.column("request_type")[4], "ProducerInfo");
}

#[test]
fn errors_say_whose_they_are() {
    for (class, why, expected) in [
        (
            &b"java.lang.SecurityException"[..],
            &b"bad password"[..],
            "4 bad password java.lang.SecurityException",
        ),
        (
            b"javax.jms.InvalidSelectorException",
            b"a ==",
            "4 a == javax.jms.InvalidSelectorException",
        ),
        (
            b"java.lang.NullPointerException",
            b"",
            "3 java.lang.NullPointerException java.lang.NullPointerException",
        ),
    ] {
        let mut flow = loose(false);
        flow.send(CLIENT, &producer(1, true, &queue(b"ORDERS")))
            .send(SERVER, &refused(1, class, why));
        let fields = "response_status response_exception exception.type";
        assert_eq!(flow.close().pick(2, fields), expected);
    }
}

#[test]
fn what_wants_no_answer_is_a_row_without_one() {
    let mut flow = loose(false);
    flow.send(CLIENT, &producer(1, false, &queue(b"ORDERS")))
        .send(CLIENT, &frame(&[10, 0, 0, 0, 2, 1]))
        .send(SERVER, &frame(&[10, 0, 0, 0, 2, 0]))
        .send(CLIENT, &frame(&[11, 0, 0, 0, 3, 0]));
    let rows = flow.close();
    assert_eq!(
        rows.column("request_type")[2..],
        ["ProducerInfo", "KeepAliveInfo", "KeepAliveInfo", "ShutdownInfo"]
    );
    assert_eq!(rows.types, [6, 0, 0]);
}

#[test]
fn a_flow_is_picked_up_in_the_middle_where_a_command_fits_one_form_exactly() {
    for (first, second) in [
        (response(1), producer(2, true, &queue(b"ORDERS"))),
        (
            frame(&[30, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
            frame(&[22, 1, 0, 0, 0, 0, 2, 0, 7, 0, 6, 0, 5, 2, 0, 0, 0, 1]),
        ),
    ] {
        let mut flow = Flow::new(6, 61616);
        flow.send(CLIENT, &first);
        assert!(flow.l7.is_reversed());
        flow.send(SERVER, &second);
        assert_eq!(flow.close().lines.len(), 2);
    }
}

#[test]
fn a_loss_costs_what_it_hid() {
    let long = producer(2, false, &queue(&[b'x'; 1000]));
    let mut flow = loose(false);
    flow.send(CLIENT, &long[..300])
        .gap(CLIENT, 200)
        .send(CLIENT, &long[500..])
        .send(CLIENT, &producer(3, true, &queue(b"ORDERS")))
        .send(SERVER, &response(3));
    let rows = flow.close();
    assert_eq!(rows.column("request_id"), ["", "", "3"]);
}

#[test]
fn connections_without_sizes_of_frames_are_left_alone() {
    let mut flow = Flow::new(6, 61616);
    flow.send(CLIENT, &info(12, true, true, true))
        .send(SERVER, &info(12, true, true, true))
        .send(CLIENT, &[6, 0, 0, 0]);
    let rows = flow.close();
    assert_eq!((rows.lines.len(), flow.seen.parse_failed), (1, 0));
}

#[test]
fn what_only_resembles_openwire_is_left_alone() {
    for bytes in [
        &frame(b"\x01ActiveMX\0\0\0\x0c\0")[..],
        &frame(&[30, 0, 0, 0, 0, 2, 0, 0, 0, 1]),
        &frame(&[13, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        &frame(&[30, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0]),
        &frame(&[10, 0, 0, 0, 0, 0]),
        &frame(&[b'a'; 40]),
    ] {
        let mut flow = Flow::new(6, 61616);
        flow.send(CLIENT, bytes);
        assert_eq!(flow.l7.protocol(), 0, "{bytes:?}");
    }
}

#[test]
fn a_short_command_between_strange_ports_is_more_likely_something_else() {
    // A piece that is asked for: size, kind, and three numbers; read as OpenWire it creates a producer.
    let asked = frame(&[6, 0, 0, 3, 0x30, 0, 0, 0x40, 0, 0, 0, 0x40, 0]);
    let mut flow = Flow::new(6, 52_915);
    flow.send(CLIENT, &asked.repeat(4));
    assert_eq!(flow.l7.protocol(), 0);
    let mut flow = Flow::new(6, 52_915);
    flow.send(CLIENT, &producer(1, false, &[0]));
    assert_ne!(flow.l7.protocol(), 0);
}

#[test]
fn objects_in_objects_and_numbers_for_ever_hold_no_memory() {
    let mut flow = loose(true);
    for number in 0..20_000u16 {
        let [high, low] = number.to_be_bytes();
        let queue = [&[1, high, low][..], &queue(&[b'x'; 250])].concat();
        let plain = producer(1, false, &queue);
        flow.send(CLIENT, &frame(&[&plain[4..10], &[1, 255, 255], &plain[10..]].concat()));
        flow.rows.lines.clear();
        assert!(flow.l7.heap_bytes() < 256 * 1024);
    }
    let mut flow = loose(false);
    flow.send(
        SERVER,
        &frame(&[&[32, 0, 0, 0, 0, 0, 0, 0, 0, 1][..], &[1, 32].repeat(4000)].concat()),
    )
    .send(
        SERVER,
        &frame(&[&[33, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 255, 255][..], &[0; 9000]].concat()),
    );
    flow.close();
}

#[test]
fn commands_that_nobody_here_recorded() {
    let Some((rows, _)) = case("openwire/openwire_tight_producer.pcap") else {
        return;
    };
    let count = |name: &str| rows.column("request_type").iter().filter(|found| *found == name).count();
    assert_eq!(
        (count("ActiveMQTextMessage"), count("ProducerInfo"), count("RemoveInfo")),
        (20, 1, 2)
    );
    let at = rows
        .column("request_type")
        .iter()
        .position(|found| found == "ProducerInfo")
        .unwrap();
    assert_eq!(rows.pick(at, "type request_id version endpoint"), "2 4 11 TEST.FOO");
    let Some((rows, _)) = case("openwire/openwire_exception.pcap") else {
        return;
    };
    let refused = "User name [null] or password is invalid.";
    assert_eq!(rows.column("response_exception").iter().filter(|text| *text == refused).count(), 3);
}
