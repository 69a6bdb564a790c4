//! The process's side: questions in, rows out, with the parser that the operator brought.

use super::cursor::{Malformed, split};
use super::link::Socket;
use super::wire::{Answer, MAX_FRAME, Question};
use crate::l7::table::{Protocol, TCP};
use crate::l7::{FlowL7, L7Row, L7Seen, L7Settings, L7Sink};
use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::sync::Arc;

const READ: usize = 64 * 1024;
/// Payload packets that are none of this protocol before a flow is given back.
const GUESSES: u8 = 4;

/// One engine thread on the other side.
struct Peer {
    socket: Socket,
    inbox: Vec<u8>,
    out: Vec<u8>,
    flows: HashMap<u64, FlowL7>,
    settings: Arc<L7Settings>,
    protocol: &'static Protocol,
    is_gone: bool,
}

/// Reads `protocol` for the engine at the other end of each socket, until all of them have closed theirs.
///
/// # Errors
/// Waiting for the sockets failed, or the engine sent what no engine of this build sends.
pub fn serve(protocol: &'static Protocol, sockets: Vec<Socket>) -> io::Result<()> {
    let mut peers = Vec::with_capacity(sockets.len());
    for socket in sockets {
        socket.set_nonblocking(false)?;
        let mut peer = Peer::new(socket, protocol);
        let transports = u8::from(protocol.transports.contains(&TCP)) | u8::from(protocol.transports.iter().any(|at| *at != TCP)) << 1;
        Answer::hello(&mut peer.out, protocol.name, transports);
        peer.send();
        peers.push(peer);
    }
    while !peers.is_empty() {
        let mut polled: Vec<_> = peers.iter().map(|peer| readable(&peer.socket)).collect();
        // SAFETY: the pointer and the length describe `polled`.
        let found = unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, -1) };
        if found < 0 {
            let error = io::Error::last_os_error();
            if error.kind() == ErrorKind::Interrupted {
                continue;
            }
            return Err(error);
        }
        for (peer, polled) in peers.iter_mut().zip(&polled) {
            if polled.revents != 0 {
                peer.read().map_err(|Malformed| io::Error::from(ErrorKind::InvalidData))?;
            }
        }
        peers.retain(|peer| !peer.is_gone);
    }
    Ok(())
}

fn readable(socket: &Socket) -> libc::pollfd {
    libc::pollfd {
        fd: socket.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    }
}

/// Writes rows as answers.
struct Rows<'a> {
    out: &'a mut Vec<u8>,
    flow: u64,
}

impl L7Sink for Rows<'_> {
    fn row(&mut self, row: &L7Row<'_>) {
        Answer::row(self.out, self.flow, row);
    }
}

impl Peer {
    fn new(socket: Socket, protocol: &'static Protocol) -> Peer {
        Peer {
            socket,
            inbox: Vec::new(),
            out: Vec::new(),
            flows: HashMap::new(),
            settings: own(L7Settings::default(), protocol),
            protocol,
            is_gone: false,
        }
    }

    fn send(&mut self) {
        // Whoever does not listen any more is not waited for: the next read says so.
        self.is_gone |= self.socket.write_all(&self.out).is_err();
        self.out.clear();
    }

    /// Deals with what one read brings.
    fn read(&mut self) -> Result<(), Malformed> {
        let mut inbox = std::mem::take(&mut self.inbox);
        let begin = inbox.len();
        inbox.resize(begin + READ, 0);
        let size = match self.socket.read(&mut inbox[begin..]) {
            Ok(size) => size,
            Err(error) if error.kind() == ErrorKind::Interrupted => 0,
            Err(_) => {
                self.is_gone = true;
                return Ok(());
            }
        };
        self.is_gone |= size == 0;
        inbox.truncate(begin + size);
        let (mut at, mut questions) = (0, 0);
        while let Some((frame, taken)) = split(&inbox[at..], MAX_FRAME)? {
            self.answer(Question::read(frame)?);
            at += taken;
            questions += 1;
            if self.out.len() > READ {
                Answer::done(&mut self.out, questions);
                questions = 0;
                self.send();
            }
        }
        if questions > 0 {
            Answer::done(&mut self.out, questions);
        }
        self.send();
        inbox.drain(..at);
        self.inbox = inbox;
        Ok(())
    }

    fn answer(&mut self, question: Question<'_>) {
        match question {
            Question::Settings(settings) => {
                self.settings = own(settings, self.protocol);
                for (flow, l7) in &mut self.flows {
                    let mut sink = Rows {
                        out: &mut self.out,
                        flow: *flow,
                    };
                    l7.configure(&self.settings, 0, &mut sink);
                }
            }
            Question::Packet { flow, packet } => {
                let l7 = self.flows.entry(flow).or_insert_with(|| FlowL7::new(&self.settings));
                let mut sink = Rows { out: &mut self.out, flow };
                let seen = l7.packet(&packet, &mut sink);
                if l7.rests(packet.time_us) {
                    Answer::refused(&mut self.out, flow);
                    self.flows.remove(&flow);
                } else {
                    tell(&mut self.out, flow, l7.protocol(), seen);
                }
            }
            Question::Gap {
                flow,
                from_client,
                missing,
                now_us,
            } => {
                if let Some(l7) = self.flows.get_mut(&flow) {
                    let mut sink = Rows { out: &mut self.out, flow };
                    let seen = l7.gap(from_client, missing, now_us, &mut sink);
                    tell(&mut self.out, flow, l7.protocol(), seen);
                }
            }
            Question::Tick { now_us } => {
                for (flow, l7) in self.flows.iter_mut().filter(|(_, l7)| !l7.is_idle()) {
                    let mut sink = Rows {
                        out: &mut self.out,
                        flow: *flow,
                    };
                    let seen = l7.tick(now_us, &mut sink);
                    tell(&mut self.out, *flow, l7.protocol(), seen);
                }
            }
            Question::Close { flow, now_us } => {
                if let Some(mut l7) = self.flows.remove(&flow) {
                    let mut sink = Rows { out: &mut self.out, flow };
                    let seen = l7.close(now_us, &mut sink);
                    tell(&mut self.out, flow, l7.protocol(), seen);
                }
            }
        }
    }
}

fn own(settings: L7Settings, protocol: &'static Protocol) -> Arc<L7Settings> {
    Arc::new(L7Settings {
        only: Some(protocol),
        max_guesses: GUESSES,
        ..settings
    })
}

fn tell(out: &mut Vec<u8>, flow: u64, protocol: u8, seen: L7Seen) {
    if seen != L7Seen::default() {
        Answer::seen(out, flow, protocol, seen);
    }
}
