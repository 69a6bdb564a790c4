//! L7 documents: requests by pair, protocol and endpoint.

use super::places::Places;
use super::rows::{set, set_each, write_ip, write_seen};
use crate::column::{Label, Rows};
use crate::engine::Output;
use crate::flow::measure::Delay;
use crate::table::Layout;
use foldhash::fast::RandomState;
use hashbrown::HashMap;

/// Different endpoints kept per interval; the requests of further ones are counted without it.
const MAX_ENDPOINTS: usize = 4096;
/// Different keys per interval.
const MAX_KEYS: usize = 65_536;

/// L7 measures of one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct L7Meter {
    pub request: u64,
    pub response: u64,
    pub client_error: u32,
    pub server_error: u32,
    pub timeout: u32,
    pub rrt: Delay,
}

impl L7Meter {
    fn add(&mut self, other: &L7Meter) {
        self.request += other.request;
        self.response += other.response;
        self.client_error += other.client_error;
        self.server_error += other.server_error;
        self.timeout += other.timeout;
        self.rrt.add(&other.rrt);
    }
}

/// Pair or end, protocol, and the endpoint's place in the label, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct L7Key(u64);

impl L7Key {
    /// Protocols take one byte, endpoints fewer than three.
    fn of(place: u32, protocol: u8, endpoint: u32) -> L7Key {
        L7Key(u64::from(place) << 32 | u64::from(endpoint & 0xff_ffff) << 8 | u64::from(protocol))
    }

    fn place(self) -> u32 {
        (self.0 >> 32) as u32
    }

    fn protocol(self) -> u8 {
        self.0 as u8
    }

    fn endpoint(self) -> u32 {
        (self.0 >> 8) as u32 & 0xff_ffff
    }

    /// The same at another place.
    fn at(self, place: u32) -> L7Key {
        L7Key(u64::from(place) << 32 | self.0 & u64::from(u32::MAX))
    }
}

/// Measures of one key.
pub type Counted = (L7Key, L7Meter);

#[derive(Default)]
pub struct Applications {
    held: HashMap<L7Key, L7Meter, RandomState>,
    endpoints: Label,
    /// Requests that were counted without their endpoint.
    pub merged: u64,
}

/// Writes the measures that both tables have.
macro_rules! write_l7 {
    ($table:expr, $row:expr, $protocol:expr, $endpoint:expr, $meter:expr) => {{
        let (table, row, meter) = (&mut *$table, $row, $meter);
        table.endpoint.set(row, $endpoint);
        set!(
            table,
            row,
            l7_protocol = $protocol,
            request = meter.request,
            response = meter.response,
            client_error = meter.client_error,
            server_error = meter.server_error,
            timeout = meter.timeout,
            error = meter.client_error + meter.server_error,
            rrt_sum = meter.rrt.sum,
            rrt_count = meter.rrt.count,
            rrt_max = meter.rrt.max,
        );
    }};
}

impl Applications {
    pub(super) fn add(&mut self, pair: u32, protocol: u8, endpoint: &str, counts: &L7Meter) {
        let full = self.endpoints.dict.len() > MAX_ENDPOINTS || self.held.len() > MAX_KEYS;
        let endpoint = if full { 0 } else { self.endpoints.intern(endpoint) };
        self.merged += if full { counts.request.max(counts.response) } else { 0 };
        self.held.entry(L7Key::of(pair, protocol, endpoint)).or_default().add(counts);
    }

    /// Adds what was counted in a shorter interval.
    pub(super) fn gather(&mut self, shorter: &Applications) {
        for (key, meter) in &shorter.held {
            self.add(
                key.place(),
                key.protocol(),
                shorter.endpoints.dict.get(key.endpoint() as usize),
                meter,
            );
        }
    }

    /// What was counted for pairs, and the sum of it for ends: what [`Applications::write_pair`] and [`Applications::write_end`] write.
    pub(super) fn take(&mut self, places: &Places) -> [Vec<Counted>; 2] {
        let mut ends: HashMap<L7Key, L7Meter, RandomState> = HashMap::default();
        for (key, meter) in &self.held {
            for end in places.pairs.get(key.place()).ends {
                ends.entry(key.at(end)).or_default().add(meter);
            }
        }
        [self.held.drain().collect(), ends.into_iter().collect()]
    }

    pub(super) fn write_pair(&self, places: &Places, counted: &Counted, when: (usize, u32), output: &mut Output) {
        let (key, meter) = counted;
        let pair = &[places.key(places.pairs.get(key.place()).ends)];
        let (table, seen) = output.application_map(when.0);
        let row = table.rows();
        table.time.set(row, when.1);
        set_each!(table, row, pair, |pair| is_ipv4 = u8::from(!pair.is_ipv6));
        write_ip!(table, row, pair, ip4_0, ip6_0, |pair| pair.is_ipv6, pair.client);
        write_ip!(table, row, pair, ip4_1, ip6_1, |pair| pair.is_ipv6, pair.server);
        write_seen!(table, row, pair, seen, |pair| pair);
        write_l7!(table, row, key.protocol(), self.endpoints.dict.get(key.endpoint() as usize), meter);
        table.commit();
        output.application_map_written(when.0);
    }

    /// Forgets what was counted.
    pub(super) fn clear(&mut self) {
        if self.endpoints.dict.len() > 1 {
            self.endpoints = Label::default();
        }
        self.held.clear();
        self.held.shrink_to(1024);
    }

    pub(super) fn write_end(&self, places: &Places, counted: &Counted, when: (usize, u32), output: &mut Output) {
        let (key, meter) = counted;
        let end = &[places.end_key(key.place())];
        let (table, seen) = output.application(when.0);
        let row = table.rows();
        table.time.set(row, when.1);
        set_each!(table, row, end, |end| is_ipv4 = u8::from(!end.is_ipv6), role = end.role);
        write_ip!(table, row, end, ip4, ip6, |end| end.is_ipv6, end.ip);
        write_seen!(table, row, end, seen, |end| end);
        write_l7!(table, row, key.protocol(), self.endpoints.dict.get(key.endpoint() as usize), meter);
        table.commit();
        output.application_written(when.0);
    }

    pub(super) fn bytes(&self) -> usize {
        self.held.capacity() * size_of::<(L7Key, L7Meter)>() + self.endpoints.nbytes()
    }
}
