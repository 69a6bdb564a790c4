//! Pairing: which response answers which request, and the row that comes of it.
//!
//! In order (HTTP/1, Redis …): the oldest waiting request is answered. By key (DNS, HTTP/2, Kafka …): the one with the response's key. After a
//! loss the order is mended where TCP's numbers prove it ([`order`]); where they do not, rows stay apart rather than wrongly together.

mod order;
mod recent;
mod row;

use crate::l7::facts::{self, Facts};
use crate::l7::table::{Dialect, Pairing, Protocol, TLS};
use crate::l7::{Kind, L7Seen, L7Settings, L7Sink, Status};
use order::Order;
use recent::Recent;
pub use row::{Finished, Sides, Tells};
use std::collections::VecDeque;

/// Where rows go, and what is counted on the way.
pub(crate) struct Out<'a> {
    pub protocol: &'static Protocol,
    pub settings: &'a L7Settings,
    pub sink: &'a mut dyn L7Sink,
    pub seen: &'a mut L7Seen,
    pub datagram: bool,
    pub now_us: i64,
}

struct Exchange {
    request: Option<Box<Facts>>,
    response: Box<Facts>,
}

/// Responses in progress of one flow; beyond that the oldest is reported as it is.
const MAX_OPEN: usize = 256;
/// So many times as many requests as the settings say may wait where they are found without a search, and hold no more than this.
const MORE: u8 = 7;
const MANY_BYTES: usize = 2 << 20;
/// A datagram flow that ends after this much silence ends because nobody answers: its L4 timeout is about as long.
const SILENCE_US: i64 = 4_000_000;

/// Requests and responses of one flow that are not rows yet.
#[derive(Default)]
pub(crate) struct Session {
    waiting: VecDeque<(u64, Box<Facts>)>,
    open: Vec<Exchange>,
    /// In order: responses still to come for requests that were given up.
    given_up: u32,
    /// A request was seen while another waited, in sound order: the client does not wait for responses.
    pipelined: bool,
    order: Order,
    recent: Recent,
    /// How many times as many as usual may wait besides, and whether that is all.
    more: u8,
    is_crowded: bool,
    /// By key: what waits is not in the order of its keys.
    scattered: bool,
    /// Of the message that began last.
    dialect: Option<&'static Dialect>,
}

impl Session {
    /// The request that this response, in order, would answer.
    #[inline]
    pub fn next_answered(&self, response: &Facts) -> Option<&Facts> {
        if self.given_up > 0 {
            return None;
        }
        self.place_in_order(response).map(|at| &*self.waiting[at].1)
    }

    /// Where in the queue the request is that this response, in order, answers.
    #[inline]
    fn place_in_order(&self, response: &Facts) -> Option<usize> {
        let (_, oldest) = self.waiting.front()?;
        if !oldest.doubtful {
            return self.order.allows(oldest, response).then_some(0);
        }
        self.place_behind_loss(response)
    }

    #[cold]
    #[inline(never)]
    fn place_behind_loss(&self, response: &Facts) -> Option<usize> {
        // With several under way nobody can tell which one this answers.
        if self.pipelined {
            return None;
        }
        // A client that waits for each response has had all but the last of its requests answered.
        let last = self.waiting.iter().rposition(|(_, request)| self.order.allows(request, response))?;
        self.order.proves(&self.waiting[last].1, response).then_some(last)
    }

    /// Bytes of this direction were seen up to `end`, with what was acknowledged then.
    #[inline]
    pub fn saw(&mut self, from_client: bool, end: u32, ack: u32) {
        self.order.saw(from_client, end, ack);
    }

    /// What is spoken over the flow's protocol.
    pub fn dialect(&self) -> Option<&'static Dialect> {
        self.dialect
    }

    /// The requests that wait go by this key from now on. Behind TLS nobody will see their answers.
    pub fn rekey(&mut self, key: u64, protocol: u8, out: &mut Out<'_>) {
        if protocol == TLS {
            self.close(out);
        }
        self.scattered = true;
        for (old, facts) in &mut self.waiting {
            (*old, facts.key) = (key, key);
        }
    }

    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.open.is_empty()
    }

    /// Gives empty queues back.
    pub fn shrink(&mut self) {
        if self.waiting.is_empty() {
            self.waiting = VecDeque::new();
        }
        if self.open.is_empty() {
            self.open = Vec::new();
        }
    }

    pub fn heap_bytes(&self) -> usize {
        let waiting: usize = self.waiting.iter().map(|(_, facts)| facts.heap_bytes()).sum();
        let open = |exchange: &Exchange| exchange.response.heap_bytes() + exchange.request.as_ref().map_or(0, |facts| facts.heap_bytes());
        waiting
            + self.waiting.capacity() * size_of::<(u64, Box<Facts>)>()
            + self.open.capacity() * size_of::<Exchange>()
            + self.open.iter().map(open).sum::<usize>()
    }

    /// A message whose facts are known. It is complete unless `facts.open`.
    #[inline]
    pub fn begin(&mut self, kind: Kind, facts: Box<Facts>, out: &mut Out<'_>) {
        self.begin_asked(kind, facts, false, out);
    }

    /// The same. With `answers` it is a response of which [`Session::next_answered`] gave a request that is not doubtful: it is not asked again.
    #[inline(never)]
    pub fn begin_asked(&mut self, kind: Kind, facts: Box<Facts>, answers: bool, out: &mut Out<'_>) {
        self.order.began(&facts);
        if self.dialect.is_none() || facts.dialect.is_some() {
            self.dialect = facts.dialect;
        }
        match kind {
            Kind::Request => self.request(facts, out),
            Kind::Response => self.response(facts, answers, out),
            Kind::Notice => {
                out.seen.requests += 1;
                row::emit(Some(facts), None, out);
            }
        }
    }

    fn request(&mut self, mut facts: Box<Facts>, out: &mut Out<'_>) {
        if self.waiting.is_empty() {
            (self.more, self.is_crowded, self.scattered) = (0, false, false);
        }
        if out.protocol.pairing != Pairing::InOrder {
            let is_new = !self.scattered && self.waiting.back().is_none_or(|(last, _)| *last < facts.key);
            if !is_new && let Some(at) = self.waiting.iter().position(|(key, _)| *key == facts.key) {
                if out.datagram {
                    // Asked again because the answer is late: one request still, as old as the first time it was asked.
                    self.waiting[at].1.captured += facts.captured;
                    return facts::give(facts);
                }
                if let Some((_, replaced)) = self.waiting.remove(at) {
                    row::emit(Some(replaced), None, out);
                }
            }
            self.scattered |= !is_new;
            self.recent.forget(facts.key);
        } else {
            self.line_up(&mut facts, out);
        }
        out.seen.requests += 1;
        self.waiting.push_back((facts.key, facts));
        if self.waiting.len() > self.room(out) {
            out.seen.evicted += 1;
            self.give_up(Status::Unknown, out);
        }
    }

    /// How many requests may wait. Whoever numbers them, or has them answered in order, may send thousands before the first answer.
    #[inline]
    fn room(&mut self, out: &Out<'_>) -> usize {
        let usual = out.settings.max_pending_requests.max(1);
        let room = usual * (1 + usize::from(self.more));
        if self.waiting.len() <= room || self.is_crowded || self.scattered {
            return room;
        }
        self.is_crowded = self.more >= MORE || self.heap_bytes() > MANY_BYTES;
        if self.is_crowded {
            return room;
        }
        self.more += 1;
        room + usual
    }

    /// Where the request waits that this response, by its key, answers.
    #[inline]
    fn place_by_key(&self, response: &Facts) -> Option<usize> {
        if response.loose_key {
            self.waiting
                .iter()
                .position(|(_, request)| request.request_id == response.request_id)
        } else if self.scattered || self.waiting.len() < 16 {
            self.waiting.iter().position(|(key, _)| *key == response.key)
        } else {
            self.waiting.binary_search_by_key(&response.key, |(key, _)| *key).ok()
        }
    }

    /// A request takes its place in the order.
    fn line_up(&mut self, facts: &mut Facts, out: &mut Out<'_>) {
        match self.waiting.back() {
            Some((_, last)) if Order::is_pipelined(last, facts) => self.pipelined = true,
            Some(_) => {}
            // It asks again, so whatever answer was still to come has come, or never will.
            None if !self.pipelined => self.given_up = 0,
            None => {}
        }
        if self.order.unsure {
            if self.order.is_quiet(facts) {
                // What waits was answered by what was lost; the order begins anew.
                self.give_up_all(out);
                self.order.unsure = false;
            }
            facts.doubtful = self.order.unsure;
        }
    }

    fn response(&mut self, facts: Box<Facts>, answers: bool, out: &mut Out<'_>) {
        if let Some(first) = facts.first_key {
            return self.several(first, facts, out);
        }
        let request = match out.protocol.pairing {
            Pairing::InOrder => {
                let request = if answers {
                    self.waiting.pop_front().map(|(_, request)| request)
                } else {
                    self.answered_in_order(&facts, out)
                };
                if let (true, Some(answered)) = (facts.ends_group, &request) {
                    self.drop_group(answered.group, out);
                }
                request
            }
            Pairing::ByKey | Pairing::ByReusedKey => {
                let found = self
                    .place_by_key(&facts)
                    .and_then(|at| self.waiting.remove(at))
                    .map(|(_, facts)| facts);
                self.unless_hidden(found, &facts, out)
            }
        };
        if out.datagram && out.protocol.pairing != Pairing::InOrder {
            if request.is_none() && self.recent.place(facts.key).is_some() {
                return facts::give(facts);
            }
            self.recent.add(facts.key);
        }
        out.seen.responses += 1;
        out.count(facts.status);
        // A request that is answered before its body has come is a row when it has.
        if facts.open || request.as_ref().is_some_and(|request| request.open) {
            if self.open.len() >= MAX_OPEN {
                let oldest = self.open.remove(0);
                out.seen.evicted += 1;
                row::emit(oldest.request, Some(oldest.response), out);
            }
            self.open.push(Exchange { request, response: facts });
        } else {
            row::emit(request, Some(facts), out);
        }
    }

    /// Answers every request with a key from `first` to the answer's own.
    fn several(&mut self, first: u64, facts: Box<Facts>, out: &mut Out<'_>) {
        let keys = first..=facts.key;
        let mut last = None;
        let mut at = 0;
        while let Some((key, request)) = self.waiting.get(at) {
            if !keys.contains(key) {
                at += 1;
                continue;
            }
            // What is not named may have been answered before, and the last word is about what was not seen.
            let is_named = *key == facts.key;
            let is_doubtful = if is_named {
                self.order.hides(request, &facts)
            } else {
                self.order.lost_answer(request, &facts)
                    || facts.is_last_word && (self.order.lost_request(request, &facts) || !self.order.is_whole())
            };
            let Some((_, found)) = self.waiting.remove(at) else { break };
            if is_doubtful {
                row::emit(Some(found), None, out);
            } else if let Some(request) = last.replace(found) {
                out.seen.responses += 1;
                out.count(facts.status);
                row::emit(Some(request), Some(facts.again()), out);
            }
        }
        // What was asked too long ago is a row already.
        if last.is_none() && matches!(facts.status, Status::Ok | Status::Unknown) {
            return facts::give(facts);
        }
        out.seen.responses += 1;
        out.count(facts.status);
        row::emit(last, Some(facts), out);
    }

    /// One of them failed: those behind it are passed over.
    #[cold]
    fn drop_group(&mut self, group: u32, out: &mut Out<'_>) {
        while self.waiting.front().is_some_and(|(_, request)| request.group == group) {
            let dropped = self.waiting.pop_front().map(|(_, request)| request);
            row::emit(dropped, None, out);
        }
    }

    #[inline]
    fn answered_in_order(&mut self, response: &Facts, out: &mut Out<'_>) -> Option<Box<Facts>> {
        if self.given_up > 0 {
            self.given_up -= 1;
            return None;
        }
        let Some(at) = self.place_in_order(response) else {
            if self.waiting.front().is_some_and(|(_, oldest)| !oldest.doubtful) {
                // The numbers speak against the order: something was taken for what it is not.
                self.doubt();
            }
            return None;
        };
        for _ in 0..at {
            self.give_up(Status::Unknown, out);
        }
        self.given_up = 0;
        let (_, request) = self.waiting.pop_front()?;
        if request.doubtful && self.waiting.is_empty() {
            self.order.unsure = false;
        }
        Some(request)
    }

    /// The request with the response's key, unless the key was used again meanwhile, by what was lost.
    fn unless_hidden(&mut self, found: Option<Box<Facts>>, response: &Facts, out: &mut Out<'_>) -> Option<Box<Facts>> {
        let request = found?;
        if out.protocol.pairing == Pairing::ByReusedKey && self.order.hides(&request, response) {
            row::emit(Some(request), None, out);
            return None;
        }
        Some(request)
    }

    /// More bytes of a message that was begun: `size` of them seen, `content` of them body. With `end` it is complete.
    #[inline]
    pub fn part(&mut self, kind: Kind, key: u64, part: Part, out: &mut Out<'_>) {
        let pairing = out.protocol.pairing;
        let fits = |facts: &Facts| facts.open && (pairing == Pairing::InOrder || facts.key == key);
        if kind == Kind::Response {
            let found = self.open.iter().rposition(|exchange| fits(&exchange.response));
            let Some(at) = found else { return };
            self.open[at].response.add(part, out.now_us);
            self.finish(at, out);
        } else if let Some((_, request)) = self.waiting.iter_mut().rev().find(|(_, facts)| fits(facts)) {
            request.add(part, out.now_us);
        } else if let Some(at) = self.open.iter().rposition(|exchange| exchange.request.as_deref().is_some_and(fits)) {
            if let Some(request) = &mut self.open[at].request {
                request.add(part, out.now_us);
            }
            self.finish(at, out);
        }
    }

    /// The last of a message that was begun, and how it ended.
    pub fn tail(&mut self, kind: Kind, end: &Facts, out: &mut Out<'_>) {
        let fits = |exchange: &Exchange| exchange.response.open && exchange.response.key == end.key;
        if kind == Kind::Response
            && let Some(exchange) = self.open.iter_mut().rfind(|exchange| fits(exchange))
        {
            if exchange.response.status != end.status {
                out.count(end.status);
            }
            exchange.response.end_with(end);
        }
        let part = Part {
            size: end.captured,
            content: 0,
            end: true,
        };
        self.part(kind, end.key, part, out);
    }

    /// One side gave up the exchange with this key.
    pub fn closed(&mut self, from_client: bool, end: &Facts, out: &mut Out<'_>) {
        if let Some(at) = self.waiting.iter().position(|(key, _)| *key == end.key)
            && let Some((_, mut request)) = self.waiting.remove(at)
        {
            out.count(end.status);
            request.end_with(end);
            request.end_us = request.end_us.max(end.end_us);
            request.captured += if from_client { end.captured } else { 0 };
            return row::emit(Some(request), None, out);
        }
        let Some(at) = self.open.iter().rposition(|exchange| exchange.response.key == end.key) else {
            return;
        };
        let exchange = &mut self.open[at];
        if exchange.response.open {
            if exchange.response.status != end.status {
                out.count(end.status);
            }
            exchange.response.end_with(end);
            exchange.response.end_us = exchange.response.end_us.max(end.end_us);
            exchange.response.open = false;
        }
        if let Some(request) = &mut exchange.request {
            request.open = false;
        }
        self.finish(at, out);
    }

    /// Makes an answered request a row once both sides are complete.
    #[inline]
    fn finish(&mut self, at: usize, out: &mut Out<'_>) {
        let exchange = &self.open[at];
        if !exchange.response.open && exchange.request.as_ref().is_none_or(|request| !request.open) {
            let done = self.open.remove(at);
            row::emit(done.request, Some(done.response), out);
        }
    }

    /// The rest of every message begun in this direction will not be recognised.
    pub fn cut(&mut self, kind: Kind, out: &mut Out<'_>) {
        if kind == Kind::Response {
            for exchange in std::mem::take(&mut self.open) {
                row::emit(exchange.request, Some(exchange.response), out);
            }
        } else {
            for (_, facts) in &mut self.waiting {
                facts.open = false;
            }
            for at in (0..self.open.len()).rev() {
                if let Some(request) = &mut self.open[at].request {
                    request.open = false;
                }
                self.finish(at, out);
            }
        }
    }

    /// So many bytes behind what was seen were not captured.
    pub fn skipped(&mut self, from_client: bool, missing: u64) {
        self.order.skipped(from_client, missing as u32);
    }

    /// Messages of this direction may have been lost.
    pub fn lost(&mut self, from_client: bool) {
        self.order.lost(from_client);
        if !from_client {
            self.doubt();
        }
    }

    /// Which of the requests that wait are answered is not known.
    fn doubt(&mut self) {
        self.order.unsure = true;
        self.waiting.iter_mut().for_each(|(_, request)| request.doubtful = true);
        self.given_up = 0;
    }

    /// The same, before it was known what is spoken.
    pub fn lost_before(&mut self, from_client: bool) {
        self.order.lost(from_client);
    }

    /// Reports what waited or went on for longer than its timeout.
    pub fn expire(&mut self, out: &mut Out<'_>) {
        let limit = out.timeout_us();
        while self.waiting.front().is_some_and(|(_, facts)| out.now_us - facts.start_us >= limit) {
            self.give_up(Status::Timeout, out);
        }
        // A response that streams for so long is reported as far as it came.
        while let Some(at) = self
            .open
            .iter()
            .position(|exchange| out.now_us - exchange.response.start_us >= limit)
        {
            let long = self.open.remove(at);
            row::emit(long.request, Some(long.response), out);
        }
    }

    /// Reports everything: the flow is over.
    pub fn close(&mut self, out: &mut Out<'_>) {
        self.cut(Kind::Response, out);
        let patience = if out.datagram {
            out.timeout_us().min(SILENCE_US)
        } else {
            out.timeout_us()
        };
        while let Some((_, oldest)) = self.waiting.front() {
            let status = if out.now_us - oldest.start_us >= patience {
                Status::Timeout
            } else {
                Status::Unknown
            };
            self.give_up(status, out);
        }
    }

    /// Nothing of what waits will be answered.
    fn give_up_all(&mut self, out: &mut Out<'_>) {
        while !self.waiting.is_empty() {
            self.give_up(Status::Unknown, out);
        }
        self.given_up = 0;
    }

    fn give_up(&mut self, status: Status, out: &mut Out<'_>) {
        let Some((_, mut facts)) = self.waiting.pop_front() else { return };
        if out.protocol.pairing == Pairing::InOrder && !facts.doubtful {
            self.given_up += 1;
        }
        // Nobody can tell that an answer did not come who did not see everything.
        let status = if status == Status::Timeout && (facts.is_optional || self.order.may_have_lost_answer(&facts)) {
            Status::Unknown
        } else {
            status
        };
        out.seen.timeouts += u32::from(status == Status::Timeout);
        facts.status = status;
        facts.end_us = facts.end_us.max(out.now_us);
        row::emit(Some(facts), None, out);
    }
}

/// A piece of a message.
#[derive(Clone, Copy)]
pub(crate) struct Part {
    pub size: u64,
    pub content: u64,
    pub end: bool,
}

impl Facts {
    /// More of the message was seen.
    #[inline]
    pub(crate) fn add(&mut self, part: Part, now_us: i64) {
        self.captured += part.size;
        self.counted += part.content;
        self.end_us = self.end_us.max(now_us);
        if part.end {
            self.open = false;
            if self.length < 0 {
                self.length = self.counted as i64;
            }
        }
    }
}

impl Out<'_> {
    fn count(&mut self, status: Status) {
        match status {
            Status::ClientError => self.seen.client_errors += 1,
            Status::ServerError => self.seen.server_errors += 1,
            Status::Timeout => self.seen.timeouts += 1,
            _ => {}
        }
    }

    fn timeout_us(&self) -> i64 {
        if self.datagram {
            self.settings.udp_request_timeout_us
        } else {
            self.settings.tcp_request_timeout_us
        }
    }
}
