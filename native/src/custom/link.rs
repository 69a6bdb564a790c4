//! The engine's end of the socket to one process.

use super::cursor::{Malformed, split};
use super::wire::{Answer, MAX_FRAME, Question};
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// Bytes of questions that wait for the process; beyond that packets are dropped.
const MAX_WAITING: usize = 1 << 20;
/// A process that deals with no question for so long is given up.
const STUCK: Duration = Duration::from_secs(10);
/// Questions are sent when so many bytes of them have gathered, and at the end of each round of reading.
const GATHERED: usize = 32 * 1024;
const READ: usize = 64 * 1024;

/// A connected stream socket.
pub type Socket = UnixStream;

/// Takes over a descriptor.
///
/// # Safety
/// `descriptor` is an open stream socket that nobody else owns.
pub unsafe fn own(descriptor: RawFd) -> Socket {
    // SAFETY: promised by the caller.
    UnixStream::from(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// Why a link is of no use any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dead {
    /// The process closed its end, or ended.
    Gone,
    /// It answered nothing for ten seconds.
    Stuck,
    /// It answered what no process of this build answers.
    Nonsense,
}

/// One process.
pub struct Link {
    socket: Socket,
    out: Vec<u8>,
    /// Of `out`, already sent.
    sent: usize,
    inbox: Vec<u8>,
    /// Questions that were asked and not dealt with.
    asked: u64,
    moved_at: Instant,
    waits: bool,
}

impl Link {
    /// With `waits`, asking blocks until everything asked has been answered.
    pub fn new(socket: Socket, waits: bool) -> std::io::Result<Link> {
        socket.set_nonblocking(!waits)?;
        if waits {
            socket.set_read_timeout(Some(STUCK))?;
            socket.set_write_timeout(Some(STUCK))?;
        }
        Ok(Link {
            socket,
            out: Vec::new(),
            sent: 0,
            inbox: Vec::new(),
            asked: 0,
            moved_at: Instant::now(),
            waits,
        })
    }

    /// From now on asking blocks: for the end of a live capture.
    pub fn wait_from_now_on(&mut self, at_most: Duration) -> Result<(), Dead> {
        self.waits = true;
        let socket = &self.socket;
        let set = socket.set_nonblocking(false);
        set.and_then(|()| socket.set_read_timeout(Some(at_most)))
            .and_then(|()| socket.set_write_timeout(Some(at_most)))
            .map_err(|_| Dead::Gone)
    }

    /// Whether there is room for a question with so much payload.
    pub fn has_room(&self, payload: usize) -> bool {
        self.waits || self.out.len() - self.sent + payload <= MAX_WAITING
    }

    /// Asks, perhaps a little later.
    pub fn ask(&mut self, question: &Question<'_>) -> Result<(), Dead> {
        if self.asked == 0 {
            self.moved_at = Instant::now();
        }
        question.write(&mut self.out);
        self.asked += 1;
        if self.waits || self.out.len() - self.sent >= GATHERED {
            self.send()
        } else {
            Ok(())
        }
    }

    /// Sends what can be sent now.
    pub fn send(&mut self) -> Result<(), Dead> {
        while self.sent < self.out.len() {
            match self.socket.write(&self.out[self.sent..]) {
                Ok(0) => return Err(Dead::Gone),
                Ok(size) => self.sent += size,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    return if self.waits { Err(Dead::Stuck) } else { Ok(()) };
                }
                Err(_) => return Err(Dead::Gone),
            }
        }
        self.out.clear();
        self.sent = 0;
        Ok(())
    }

    /// Reads answers: those that are there, or where this link waits, until every question is dealt with.
    pub fn answers(&mut self, mut each: impl FnMut(Answer<'_>)) -> Result<(), Dead> {
        while !self.waits || self.asked > 0 {
            if !self.read_some()? {
                return self.check();
            }
            self.take(&mut each)?;
        }
        Ok(())
    }

    /// Reads answers until the process has said who it is.
    pub fn greet(&mut self, mut each: impl FnMut(Answer<'_>)) -> Result<(), Dead> {
        let mut greeted = false;
        while !greeted {
            if !self.read_some()? {
                return self.check();
            }
            self.take(&mut |answer| {
                greeted |= matches!(answer, Answer::Hello { .. });
                each(answer);
            })?;
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Dead> {
        let is_late = self.asked > 0 && self.moved_at.elapsed() > STUCK;
        if is_late { Err(Dead::Stuck) } else { Ok(()) }
    }

    /// Whether anything came.
    fn read_some(&mut self) -> Result<bool, Dead> {
        let begin = self.inbox.len();
        self.inbox.resize(begin + READ, 0);
        let read = loop {
            match self.socket.read(&mut self.inbox[begin..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        let size = match read {
            Ok(0) => Err(Dead::Gone),
            Ok(size) => Ok(size),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                if self.waits {
                    Err(Dead::Stuck)
                } else {
                    Ok(0)
                }
            }
            Err(_) => Err(Dead::Gone),
        };
        self.inbox.truncate(begin + *size.as_ref().unwrap_or(&0));
        size.map(|size| size > 0)
    }

    /// Hands on whole answers.
    fn take(&mut self, each: &mut impl FnMut(Answer<'_>)) -> Result<(), Dead> {
        let mut at = 0;
        while let Some((frame, taken)) = split(&self.inbox[at..], MAX_FRAME).map_err(|Malformed| Dead::Nonsense)? {
            let answer = Answer::read(frame).map_err(|Malformed| Dead::Nonsense)?;
            if let Answer::Done { questions } = answer {
                self.asked = self.asked.saturating_sub(u64::from(questions));
                self.moved_at = Instant::now();
            }
            each(answer);
            at += taken;
        }
        self.inbox.drain(..at);
        Ok(())
    }
}
