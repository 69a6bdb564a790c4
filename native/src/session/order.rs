//! What TCP's numbers prove about which response answers which request.
//!
//! Whoever asks has acknowledged every response to what was asked before, if it waits for them; whoever answers has acknowledged the question. As long
//! as nothing is lost the order alone is enough, and the numbers only speak against it. Behind a loss they have to speak for it.

use crate::l7::facts::Facts;

/// Whether a position in a stream is at or behind another one.
fn reaches(position: u32, other: u32) -> bool {
    position.wrapping_sub(other) as i32 >= 0
}

/// One direction of a flow.
#[derive(Default)]
struct Side {
    /// Behind the last byte that was seen, and what was acknowledged with it.
    end: (u32, u32),
    has_end: bool,
    has_from: bool,
    /// Its next message is the first one behind a loss.
    lost: bool,
    /// Its bytes were seen from here on, behind the last loss.
    from: u32,
}

impl Side {
    fn end(&self) -> Option<(u32, u32)> {
        self.has_end.then_some(self.end)
    }

    fn from(&self) -> Option<u32> {
        self.has_from.then_some(self.from)
    }
}

/// What was seen and lost of both directions of a flow. Without acknowledgements (0) nothing is proved, and nothing contradicted.
#[derive(Default)]
pub(super) struct Order {
    /// Requests or responses were lost, nobody knows how many: those that follow cannot be counted off against each other.
    pub unsure: bool,
    /// The client's, the server's.
    sides: [Side; 2],
}

impl Order {
    fn side(&self, from_client: bool) -> &Side {
        &self.sides[usize::from(!from_client)]
    }

    fn side_mut(&mut self, from_client: bool) -> &mut Side {
        &mut self.sides[usize::from(!from_client)]
    }

    /// Bytes of this direction were seen up to here, with what was acknowledged then.
    #[inline]
    pub fn saw(&mut self, from_client: bool, end: u32, ack: u32) {
        let side = self.side_mut(from_client);
        (side.end, side.has_end) = ((end, ack), true);
    }

    /// So many bytes behind these were not captured.
    pub fn skipped(&mut self, from_client: bool, missing: u32) {
        let (end, _) = &mut self.side_mut(from_client).end;
        *end = end.wrapping_add(missing);
    }

    /// Bytes of this direction were lost.
    pub fn lost(&mut self, from_client: bool) {
        self.unsure = true;
        self.side_mut(from_client).lost = true;
    }

    /// A message begins here.
    #[inline]
    pub fn began(&mut self, message: &Facts) {
        let side = self.side_mut(message.from_client);
        if std::mem::take(&mut side.lost) {
            (side.from, side.has_from) = (message.tcp_seq, true);
        }
    }

    /// Whether nothing was under way when this was asked: the server had the whole of what was asked before, has answered since, and its answer was there.
    /// While its messages cannot be told apart nobody knows which answer comes next.
    pub fn is_quiet(&self, request: &Facts) -> bool {
        let other = self.side(!request.from_client);
        request.tcp_ack != 0
            && !other.lost
            && other
                .end()
                .is_some_and(|(end, ack)| end == request.tcp_ack && ack != 0 && reaches(ack, request.tcp_seq))
    }

    /// Whether the client asked twice without a byte of an answer between.
    #[inline]
    pub fn is_pipelined(first: &Facts, second: &Facts) -> bool {
        first.tcp_ack == second.tcp_ack
    }

    /// Whether the numbers allow that this answers that: neither was sent before the other could be known.
    #[inline]
    pub fn allows(&self, request: &Facts, response: &Facts) -> bool {
        // A handshake's answer can begin before the question; there is one to a connection.
        if response.until_end {
            return true;
        }
        let was_asked = response.tcp_ack == 0 || !reaches(request.tcp_seq, response.tcp_ack);
        let comes_after = request.tcp_ack == 0 || reaches(response.tcp_seq, request.tcp_ack);
        was_asked && comes_after
    }

    /// Whether this is the first response that the server sent after that was asked, by a client that had waited for all before.
    pub fn proves(&self, request: &Facts, response: &Facts) -> bool {
        request.tcp_ack != 0 && response.tcp_ack != 0 && self.allows(request, response) && !self.lost_answer(request, response)
    }

    /// Whether the numbers leave room for another exchange with the same key between the two, of which nothing was seen.
    pub fn hides(&self, request: &Facts, response: &Facts) -> bool {
        // What answers anything proves nothing by its key.
        let lost_request = response.loose_key || self.lost_request(request, response);
        !self.allows(request, response) || (lost_request && self.lost_answer(request, response))
    }

    /// Whether a request behind this one, known to who answered, was not seen.
    pub fn lost_request(&self, request: &Facts, response: &Facts) -> bool {
        let side = self.side(request.from_client);
        // What was acknowledged and not seen was lost, though nothing has come behind it yet.
        let is_unseen = response.tcp_ack != 0 && side.end().is_some_and(|(end, _)| !reaches(end, response.tcp_ack));
        is_unseen || side.lost || side.from().is_some_and(|from| !reaches(request.tcp_seq, from))
    }

    /// Whether no loss was noticed so far.
    pub fn is_whole(&self) -> bool {
        self.sides.iter().all(|side| !side.lost && side.from().is_none())
    }

    /// Whether the answer to this may be among what was lost.
    pub fn may_have_lost_answer(&self, request: &Facts) -> bool {
        let other = self.side(!request.from_client);
        other.lost || other.from().is_some_and(|from| !reaches(request.tcp_ack, from))
    }

    /// Whether bytes of the side that answers were lost between the two.
    pub fn lost_answer(&self, request: &Facts, response: &Facts) -> bool {
        if response.until_end {
            return false;
        }
        let other = self.side(!request.from_client);
        let from = if other.lost { Some(response.tcp_seq) } else { other.from() };
        response.tcp_seq != request.tcp_ack && from.is_some_and(|from| !reaches(request.tcp_ack, from))
    }
}
