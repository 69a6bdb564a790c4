//! What was counted, and what was dropped and why.

/// Counters of one engine since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Packets counted for a flow.
    pub packets: u64,
    pub bytes: u64,
    /// Seen again on another interface.
    pub duplicate_packets: u64,
    /// On an interface that nobody wants to be looked at.
    pub left_out_packets: u64,
    pub unparsed_link: u64,
    pub unparsed_not_ip: u64,
    pub unparsed_not_ip_bytes: u64,
    pub unparsed_truncated: u64,
    pub unparsed_malformed: u64,
    /// Later fragments whose first one was not seen.
    pub fragment_orphans: u64,
    /// ICMP errors about flows that nobody saw, or that are over.
    pub icmp_errors_unknown: u64,
    /// Flows reported early because there were too many.
    pub flows_evicted: u64,
    /// A capture file went back in time by more than a minute: flows were reported and forgotten.
    pub clock_rewinds: u64,
    /// Application bytes that were never captured.
    pub stream_gaps: u64,
    /// Requests given up because too many waited.
    pub requests_evicted: u64,
    /// Handed to processes that read protocols.
    pub custom_packets: u64,
    /// Of these, what a process had no room for, or nobody took.
    pub custom_dropped_packets: u64,
    /// Rows that came back.
    pub custom_rows: u64,
    /// Of these, those that came so late that their flow was forgotten.
    pub custom_late_rows: u64,
    /// Flows that a process gave back: not its protocol.
    pub custom_refused_flows: u64,
    /// Flows in a process that ended or was ended; what it had not told of them is lost.
    pub custom_lost_flows: u64,
    /// Dropped by the kernel because the ring was full.
    pub kernel_drops: u64,
    pub kernel_packets: u64,
    /// Captured records that a file ends in the middle of, or that cannot be.
    pub capture_cut: u64,
    pub capture_corrupt: u64,
}

impl Stats {
    /// Counts a frame that is not a packet.
    #[cold]
    pub fn unparsed(&mut self, why: crate::packet::Unparsed, bytes: u32) {
        use crate::packet::Unparsed::{Link, Malformed, NotIp, Truncated};
        match why {
            Link => self.unparsed_link += 1,
            NotIp => {
                self.unparsed_not_ip += 1;
                self.unparsed_not_ip_bytes += u64::from(bytes);
            }
            Truncated => self.unparsed_truncated += 1,
            Malformed => self.unparsed_malformed += 1,
        }
    }

    pub fn named(&self) -> Vec<(&'static str, u64)> {
        vec![
            ("packets", self.packets),
            ("bytes", self.bytes),
            ("duplicate_packets", self.duplicate_packets),
            ("left_out_packets", self.left_out_packets),
            ("unparsed_link", self.unparsed_link),
            ("unparsed_not_ip", self.unparsed_not_ip),
            ("unparsed_not_ip_bytes", self.unparsed_not_ip_bytes),
            ("unparsed_truncated", self.unparsed_truncated),
            ("unparsed_malformed", self.unparsed_malformed),
            ("fragment_orphans", self.fragment_orphans),
            ("icmp_errors_unknown", self.icmp_errors_unknown),
            ("flows_evicted", self.flows_evicted),
            ("clock_rewinds", self.clock_rewinds),
            ("stream_gaps", self.stream_gaps),
            ("requests_evicted", self.requests_evicted),
            ("custom_packets", self.custom_packets),
            ("custom_dropped_packets", self.custom_dropped_packets),
            ("custom_rows", self.custom_rows),
            ("custom_late_rows", self.custom_late_rows),
            ("custom_refused_flows", self.custom_refused_flows),
            ("custom_lost_flows", self.custom_lost_flows),
            ("kernel_drops", self.kernel_drops),
            ("kernel_packets", self.kernel_packets),
            ("capture_cut", self.capture_cut),
            ("capture_corrupt", self.capture_corrupt),
        ]
    }
}
