//! What TCP's numbers prove about which response answers which request.
//!
//! Whoever asks has acknowledged every response to what was asked before, if it waits for them; whoever answers has acknowledged the question. As long
//! as nothing is lost the order alone is enough, and the numbers only speak against it. Behind a loss they have to speak for it.

use crate::l7::facts::Facts;

/// Whether a position in a stream is at or behind another one.
fn reaches(position: u32, other: u32) -> bool {
    position.wrapping_sub(other) as i32 >= 0
}

/// What was seen and lost of both directions of a flow. Without acknowledgements (0) nothing is proved, and nothing contradicted.
#[derive(Default)]
pub(super) struct Order {
    /// Requests or responses were lost, nobody knows how many: those that follow cannot be counted off against each other.
    pub unsure: bool,
    /// Behind the last byte of the server's that was seen, and what was acknowledged with it.
    server: Option<(u32, u32)>,
    /// The server's bytes were seen from here on, behind the last loss.
    server_from: Option<u32>,
    /// The server's next message is the first one behind a loss.
    server_lost: bool,
    /// Behind the last byte of the client's that was seen.
    client: Option<u32>,
    /// The client's bytes were seen from here on, behind the last loss.
    client_from: Option<u32>,
    client_lost: bool,
}

impl Order {
    /// Bytes of this direction were seen up to here, with what was acknowledged then.
    #[inline]
    pub fn saw(&mut self, from_client: bool, end: u32, ack: u32) {
        if from_client {
            self.client = Some(end);
        } else {
            self.server = Some((end, ack));
        }
    }

    /// So many bytes behind these were not captured.
    pub fn skipped(&mut self, from_client: bool, missing: u32) {
        let end = if from_client {
            self.client.as_mut()
        } else {
            self.server.as_mut().map(|(end, _)| end)
        };
        if let Some(end) = end {
            *end = end.wrapping_add(missing);
        }
    }

    /// Bytes of this direction were lost.
    pub fn lost(&mut self, from_client: bool) {
        self.unsure = true;
        *(if from_client {
            &mut self.client_lost
        } else {
            &mut self.server_lost
        }) = true;
    }

    /// A request begins here.
    #[inline]
    pub fn asked(&mut self, request: &Facts) {
        if std::mem::take(&mut self.client_lost) {
            self.client_from = Some(request.tcp_seq);
        }
    }

    /// A response begins here.
    #[inline]
    pub fn answered(&mut self, response: &Facts) {
        if std::mem::take(&mut self.server_lost) {
            self.server_from = Some(response.tcp_seq);
        }
    }

    /// Whether nothing was under way when this was asked: the server had the whole of what was asked before, has answered since, and its answer was there.
    /// While its messages cannot be told apart nobody knows which answer comes next.
    pub fn is_quiet(&self, request: &Facts) -> bool {
        request.tcp_ack != 0
            && !self.server_lost
            && self
                .server
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
        // The server has acknowledged what nobody saw: it was lost, though nothing has come behind it yet.
        let is_unseen = response.tcp_ack != 0 && self.client.is_some_and(|end| !reaches(end, response.tcp_ack));
        // What answers anything proves nothing by its key.
        let lost_request =
            response.loose_key || is_unseen || self.client_lost || self.client_from.is_some_and(|from| !reaches(request.tcp_seq, from));
        !self.allows(request, response) || (lost_request && self.lost_answer(request, response))
    }

    /// Whether the answer to this may be among what was lost.
    pub fn may_have_lost_answer(&self, request: &Facts) -> bool {
        self.server_lost || self.server_from.is_some_and(|from| !reaches(request.tcp_ack, from))
    }

    /// Whether bytes of the server were lost between the two.
    fn lost_answer(&self, request: &Facts, response: &Facts) -> bool {
        if response.until_end {
            return false;
        }
        let from = if self.server_lost {
            Some(response.tcp_seq)
        } else {
            self.server_from
        };
        response.tcp_seq != request.tcp_ack && from.is_some_and(|from| !reaches(request.tcp_ack, from))
    }
}
