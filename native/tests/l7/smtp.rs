//! SMTP and FTP: commands, and replies of three digits.

use crate::flow::{CLIENT, Flow, SERVER};

fn smtp() -> Flow {
    let mut flow = Flow::new(6, 10025);
    flow.send(SERVER, b"220 mail.example.org ESMTP ready\r\n");
    flow
}

fn ftp() -> Flow {
    let mut flow = Flow::new(6, 21);
    flow.send(SERVER, b"220-Welcome\r\n to this\r\n220 server\r\n");
    flow
}

#[test]
fn a_mail_is_one_row_that_lasts_until_it_was_taken() {
    let mut flow = smtp();
    flow.send(CLIENT, b"EHLO a\r\n")
        .send(SERVER, b"250-hi\r\n250-SIZE\r\n250 PIPELINING\r\n");
    flow.send(CLIENT, b"MAIL FROM:<a@b.org> SIZE=12\r\nRCPT TO:<c@d.org>\r\nDATA\r\n");
    flow.send(SERVER, b"250 ok\r\n250 ok\r\n").send(SERVER, b"354 go\r\n");
    flow.send(CLIENT, b"Subject: x\r\n\r\n.")
        .send(CLIENT, b".\r\n.\r")
        .send(CLIENT, b"\nQUIT\r\n");
    flow.send(SERVER, b"250 2.0.0 queued\r\n221 bye\r\n");
    let rows = flow.close();
    assert_eq!(rows.column("request_type"), ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"]);
    assert_eq!(rows.pick(1, "request_resource request_domain"), "a@b.org b.org");
    let fields = "request_length response_code response_result response_duration smtp.enhanced_status";
    assert_eq!(rows.pick(3, fields), "18 250 2.0.0 queued 6000 2.0.0");
    assert_eq!((rows.types, flow.seen.parse_failed), ([0, 0, 5], 0));
}

#[test]
fn a_mail_that_is_not_wanted_is_a_row_too() {
    let mut flow = smtp();
    flow.send(CLIENT, b"HELO a\r\n").send(SERVER, b"250 hi\r\n");
    flow.send(CLIENT, b"DATA\r\n").send(SERVER, b"503 5.5.1 need RCPT\r\n");
    flow.send(CLIENT, b"QUIT\r\n").send(SERVER, b"221 bye\r\n");
    let rows = flow.close();
    assert_eq!(rows.column("request_type"), ["HELO", "DATA", "QUIT"]);
    assert_eq!(rows.pick(1, "type response_status response_exception"), "2 4 5.5.1 need RCPT");
    assert_eq!(rows.pick(2, "type response_code"), "2 221");
}

#[test]
fn what_may_work_later_is_the_servers_trouble() {
    let mut flow = smtp();
    flow.send(CLIENT, b"EHLO a\r\n").send(SERVER, b"421 4.3.2 shutting down\r\n");
    assert_eq!(flow.close().pick(0, "response_status response_code"), "3 421");
    assert_eq!(flow.seen.server_errors, 1);
}

#[test]
fn secrets_are_not_told() {
    let mut flow = smtp();
    flow.send(CLIENT, b"EHLO a\r\n").send(SERVER, b"250 hi\r\n");
    flow.send(CLIENT, b"AUTH LOGIN\r\n")
        .send(SERVER, b"334 VXNlcm5hbWU6\r\n")
        .send(CLIENT, b"YW5u\r\n");
    flow.send(SERVER, b"334 UGFzc3dvcmQ6\r\n")
        .send(CLIENT, b"c2VjcmV0\r\n")
        .send(SERVER, b"535 no\r\n");
    flow.send(CLIENT, b"AUTH PLAIN AGFubgBzZWNyZXQ=\r\n").send(SERVER, b"235 ok\r\n");
    let rows = flow.close();
    assert_eq!(rows.column("request_resource"), ["a", "LOGIN", "PLAIN"]);
    assert!(rows.lines.iter().all(|line| !line.contains("YW5u") && !line.contains("AGFu")));
    let mut flow = ftp();
    flow.send(CLIENT, b"USER ann\r\n").send(SERVER, b"331 password\r\n");
    flow.send(CLIENT, b"PASS secret\r\n").send(SERVER, b"530 no\r\n");
    let rows = flow.close();
    assert_eq!(rows.column("request_resource"), ["ann", "?"]);
    assert_eq!(rows.pick(1, "response_status response_code"), "4 530");
}

#[test]
fn tls_is_read_where_it_was_agreed_on() {
    let hello = [22, 3, 1, 0, 4, 1, 0, 0, 0, 3, 3];
    let mut flow = smtp();
    flow.send(CLIENT, b"EHLO a\r\n").send(SERVER, b"250 hi\r\n");
    flow.send(CLIENT, b"STARTTLS\r\n").send(SERVER, b"454 not now\r\n");
    flow.send(CLIENT, b"STARTTLS\r\n").send(SERVER, b"220 go\r\n").send(CLIENT, &hello);
    assert_eq!(flow.l7.protocol(), 121);
    assert_eq!(flow.close().column("response_code"), ["250", "454", "220"]);
    let mut flow = ftp();
    flow.send(CLIENT, b"AUTH TLS\r\n").send(SERVER, b"234 go\r\n").send(CLIENT, &hello);
    assert_eq!(flow.l7.protocol(), 121);
}

#[test]
fn a_file_lasts_until_the_server_is_through_with_it() {
    let mut flow = ftp();
    flow.send(CLIENT, b"RETR a b.txt\r\n")
        .send(SERVER, b"150 opening\r\n")
        .send(SERVER, b"226 done\r\n");
    flow.send(CLIENT, b"FEAT\r\n")
        .send(SERVER, b"211-Features:\r\n MDTM\r\n 211 is no end\r\n211 End\r\n");
    let rows = flow.close();
    assert_eq!(
        rows.pick(0, "request_type request_resource response_code response_duration"),
        "RETR a b.txt 226 2000"
    );
    assert_eq!(rows.pick(1, "request_type response_result"), "FEAT End");
    assert_eq!((rows.lines.len(), flow.seen.parse_failed), (2, 0));
}

#[test]
fn endless_lines_and_mails_hold_no_memory() {
    let mut flow = smtp();
    flow.send(CLIENT, b"EHLO a\r\n")
        .send(SERVER, b"250 hi\r\n")
        .send(CLIENT, b"DATA\r\n")
        .send(SERVER, b"354 go\r\n");
    for _ in 0..200 {
        flow.send(CLIENT, &[b'x'; 60_000]);
        assert!(flow.l7.heap_bytes() < 64 * 1024);
    }
    flow.gap(CLIENT, 1000)
        .send(CLIENT, b"quit smoking\r\n.\r\n")
        .send(SERVER, b"250 ok\r\n");
    flow.send(CLIENT, b"QUIT\r\n").send(SERVER, b"221 bye\r\n");
    for _ in 0..200 {
        flow.send(SERVER, &[b'2'; 60_000]);
        assert!(flow.l7.heap_bytes() < 64 * 1024);
    }
    let rows = flow.close();
    assert_eq!(
        rows.pick(1, "type request_type request_length"),
        "2 DATA -1",
        "a mail with a hole has no length"
    );
    assert_eq!(rows.pick(2, "type request_type response_code"), "2 QUIT 221");
}

#[test]
fn greetings_of_others_are_not_taken() {
    for greeting in ["220 something\r\n", "+OK POP3 ready\r\n", "* OK IMAP\r\n", "221 SMTP\r\n"] {
        let mut flow = Flow::new(6, 7777);
        flow.send(SERVER, greeting.as_bytes());
        assert_eq!(flow.l7.protocol(), 0, "{greeting}");
    }
}
