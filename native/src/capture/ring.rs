//! A TPACKET_V3 ring: the kernel fills blocks of packets in shared memory, we read them and give them back.

use super::checked;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

/// Holds several of the largest frames there are (segments on their way through offload).
const BLOCK_BYTES: usize = 256 << 10;
/// A block that is not full is handed over after this.
const RETIRE_MS: u32 = 25;

/// A packet socket with its ring. Not bound to an interface: it hears all of its network namespace.
pub struct Ring {
    socket: OwnedFd,
    memory: NonNull<u8>,
    blocks: usize,
    at: usize,
    /// Each frame has a `struct virtio_net_hdr` before it.
    has_offload: bool,
    /// Number of the namespace it was made in.
    pub netns: u16,
}

// SAFETY: `memory` is a mapping that belongs to this value alone; nothing about it is bound to a thread.
unsafe impl Send for Ring {}

/// A frame in a block.
#[derive(Clone, Copy, Debug)]
pub struct RingFrame<'a> {
    pub time_us: i64,
    pub bytes: &'a [u8],
    /// Length before it was cut.
    pub wire: u32,
    /// Where the network header begins in `bytes`.
    pub net_at: u32,
    pub if_index: u32,
    /// `ARPHRD_*`
    pub hardware: u16,
    /// `PACKET_*`
    pub kind: u8,
    pub vlan: u16,
    /// Payload of a segment where offload joined several into this frame, else 0.
    pub segment_bytes: u16,
}

pub(super) fn set_option<T>(socket: &OwnedFd, level: libc::c_int, name: libc::c_int, value: &T) -> io::Result<()> {
    // SAFETY: the pointer and the length describe `value`, which the kernel only reads.
    checked(unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            std::ptr::from_ref(value).cast(),
            size_of::<T>() as libc::socklen_t,
        )
    })?;
    Ok(())
}

impl Ring {
    /// Opens `count` rings of `bytes` each in the network namespace of the calling thread. Packets that `filter` refuses never reach
    /// them. They share the packets by flow: both directions of a flow, and the same flow in any other namespace, go to the ring of the
    /// same place (the kernel hashes addresses and ports in either order, and knows the rings in the order in which they joined).
    ///
    /// # Errors
    /// As of [`Ring::open`].
    pub fn open_group(count: u16, bytes: usize, filter: &[libc::sock_filter], netns: u16) -> io::Result<Vec<Ring>> {
        if count <= 1 {
            return Ok(vec![Ring::open(bytes, filter, netns)?]);
        }
        // Nothing comes in until all have joined: before that, a flow would go to the wrong ring, or to several.
        let nothing = [libc::sock_filter {
            code: 0x06,
            jt: 0,
            jf: 0,
            k: 0,
        }];
        let rings = (0..count)
            .map(|_| Ring::open(bytes, &nothing, netns))
            .collect::<io::Result<Vec<_>>>()?;
        let mut group = 0;
        for (at, ring) in rings.iter().enumerate() {
            group = ring.join((at > 0).then_some(group))?;
        }
        for ring in &rings {
            ring.filter(filter)?;
        }
        Ok(rings)
    }

    /// Joins a fan-out group, or makes one with an id that nobody has. Gives its id.
    fn join(&self, group: Option<u32>) -> io::Result<u32> {
        // A datagram in fragments has its ports in the first one only: the kernel puts it together before it says whose it is.
        let mut kind = libc::PACKET_FANOUT_HASH | libc::PACKET_FANOUT_FLAG_DEFRAG;
        if group.is_none() {
            kind |= libc::PACKET_FANOUT_FLAG_UNIQUEID;
        }
        let wanted = group.unwrap_or(0) | kind << 16;
        set_option(&self.socket, libc::SOL_PACKET, libc::PACKET_FANOUT, &wanted)?;
        let mut joined = 0u32;
        let mut length = size_of::<u32>() as libc::socklen_t;
        // SAFETY: the pointer and the length describe `joined`.
        checked(unsafe {
            let value = std::ptr::from_mut(&mut joined).cast();
            libc::getsockopt(self.socket.as_raw_fd(), libc::SOL_PACKET, libc::PACKET_FANOUT, value, &mut length)
        })?;
        Ok(joined & 0xffff)
    }

    fn filter(&self, filter: &[libc::sock_filter]) -> io::Result<()> {
        let program = libc::sock_fprog {
            len: filter.len() as u16,
            filter: filter.as_ptr().cast_mut(),
        };
        set_option(&self.socket, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program)
    }

    /// Opens a ring of `bytes` in the network namespace of the calling thread. Packets that `filter` refuses never reach it.
    ///
    /// # Errors
    /// What the kernel says: EPERM without CAP_NET_RAW, ENOMEM.
    pub fn open(bytes: usize, filter: &[libc::sock_filter], netns: u16) -> io::Result<Ring> {
        // SAFETY: no pointers are passed. Protocol 0: it hears nothing until it is bound, when the filter is in place.
        let socket = checked(unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK, 0) })?;
        // SAFETY: the descriptor was just made and nobody else has it.
        let socket = unsafe { OwnedFd::from_raw_fd(socket) };
        let program = libc::sock_fprog {
            len: filter.len() as u16,
            filter: filter.as_ptr().cast_mut(),
        };
        set_option(&socket, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program)?;
        set_option(
            &socket,
            libc::SOL_PACKET,
            libc::PACKET_VERSION,
            &(libc::tpacket_versions::TPACKET_V3 as libc::c_int),
        )?;
        // What offload joined is told before each frame; without it (no kernel of today) such a frame counts as one packet.
        let has_offload = set_option(&socket, libc::SOL_PACKET, PACKET_VNET_HDR, &1i32).is_ok();
        let blocks = (bytes / BLOCK_BYTES).max(2);
        let request = libc::tpacket_req3 {
            tp_block_size: BLOCK_BYTES as u32,
            tp_block_nr: blocks as u32,
            tp_frame_size: 2048,
            tp_frame_nr: (blocks * BLOCK_BYTES / 2048) as u32,
            tp_retire_blk_tov: RETIRE_MS,
            tp_sizeof_priv: 0,
            tp_feature_req_word: 0,
        };
        set_option(&socket, libc::SOL_PACKET, libc::PACKET_RX_RING, &request)?;
        // SAFETY: a fresh shared mapping of the ring that was just made, of exactly its size.
        let memory = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                blocks * BLOCK_BYTES,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                socket.as_raw_fd(),
                0,
            )
        };
        let memory = if memory == libc::MAP_FAILED {
            None
        } else {
            NonNull::new(memory.cast())
        }
        .ok_or_else(io::Error::last_os_error)?;
        let ring = Ring {
            socket,
            memory,
            blocks,
            at: 0,
            has_offload,
            netns,
        };
        ring.bind()?;
        Ok(ring)
    }

    fn bind(&self) -> io::Result<()> {
        // SAFETY: all zeroes is a valid address.
        let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
        // SAFETY: the pointer and the length describe `address`.
        checked(unsafe {
            libc::bind(
                self.socket.as_raw_fd(),
                std::ptr::from_ref(&address).cast(),
                size_of::<libc::sockaddr_ll>() as libc::socklen_t,
            )
        })?;
        Ok(())
    }

    /// What to poll.
    pub fn descriptor(&self) -> libc::c_int {
        self.socket.as_raw_fd()
    }

    fn status(&self) -> &AtomicU32 {
        // SAFETY: `at` is below `blocks`, so the word lies in the mapping, aligned, and both sides treat it as atomic.
        unsafe { &*self.memory.as_ptr().add(self.at * BLOCK_BYTES + 8).cast::<AtomicU32>() }
    }

    /// Gives the frames of the next full block to `each`, and the block back to the kernel. False where there is none.
    pub fn read(&mut self, each: impl FnOnce(Block<'_>)) -> bool {
        if self.status().load(Ordering::Acquire) & libc::TP_STATUS_USER == 0 {
            return false;
        }
        // SAFETY: the kernel does not write to a block that it has handed over until the status says that it is given back, which
        // happens after `each`; the slice does not outlive that call.
        let bytes = unsafe { std::slice::from_raw_parts(self.memory.as_ptr().add(self.at * BLOCK_BYTES), BLOCK_BYTES) };
        each(Block {
            bytes,
            at: word(bytes, 16) as usize,
            left: word(bytes, 12),
            has_offload: self.has_offload,
        });
        self.status().store(libc::TP_STATUS_KERNEL, Ordering::Release);
        self.at = (self.at + 1) % self.blocks;
        true
    }

    /// Packets and drops since the last call.
    pub fn statistics(&self) -> (u64, u64) {
        let mut statistics = libc::tpacket_stats_v3 {
            tp_packets: 0,
            tp_drops: 0,
            tp_freeze_q_cnt: 0,
        };
        let mut length = size_of::<libc::tpacket_stats_v3>() as libc::socklen_t;
        // SAFETY: the pointer and the length describe `statistics`.
        let result = unsafe {
            let value = std::ptr::from_mut(&mut statistics).cast();
            libc::getsockopt(
                self.socket.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_STATISTICS,
                value,
                &mut length,
            )
        };
        if result == 0 {
            (u64::from(statistics.tp_packets), u64::from(statistics.tp_drops))
        } else {
            (0, 0)
        }
    }

    pub fn bytes(&self) -> usize {
        self.blocks * BLOCK_BYTES
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: the mapping was made in `open` with this size, and no slice of it is left.
        unsafe { libc::munmap(self.memory.as_ptr().cast(), self.blocks * BLOCK_BYTES) };
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes
        .get(at..at + 4)
        .and_then(|word| word.try_into().ok())
        .map_or(0, u32::from_ne_bytes)
}

fn half(bytes: &[u8], at: usize) -> u16 {
    bytes
        .get(at..at + 2)
        .and_then(|half| half.try_into().ok())
        .map_or(0, u16::from_ne_bytes)
}

const PACKET_VNET_HDR: libc::c_int = 15;
/// `struct virtio_net_hdr`: flags, kind of offload, then in two bytes each the length of the headers and the payload of a segment.
const VNET_HEADER: usize = 10;

/// `struct tpacket3_hdr`, behind which the `struct sockaddr_ll` lies.
const ADDRESS: usize = 48;

/// The frames of one block.
pub struct Block<'a> {
    bytes: &'a [u8],
    at: usize,
    left: u32,
    has_offload: bool,
}

impl<'a> Iterator for Block<'a> {
    type Item = RingFrame<'a>;

    fn next(&mut self) -> Option<RingFrame<'a>> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        let head = self.bytes.get(self.at..)?;
        let (mac, net) = (usize::from(half(head, 24)), usize::from(half(head, 26)));
        let frame = head.get(mac..mac + word(head, 12) as usize)?;
        let address = head.get(ADDRESS..)?;
        let has_vlan = word(head, 20) & libc::TP_STATUS_VLAN_VALID != 0;
        let offload = mac.checked_sub(VNET_HEADER).filter(|_| self.has_offload);
        let segment_bytes = match offload.and_then(|at| head.get(at..mac)) {
            Some(header) if header[1] != 0 => half(header, 4),
            _ => 0,
        };
        self.at += word(head, 0) as usize;
        Some(RingFrame {
            time_us: i64::from(word(head, 4)) * 1_000_000 + i64::from(word(head, 8)) / 1000,
            bytes: frame,
            wire: word(head, 16),
            net_at: net.saturating_sub(mac) as u32,
            if_index: word(address, 4),
            hardware: half(address, 8),
            kind: address.get(10).copied().unwrap_or(0),
            segment_bytes,
            vlan: if has_vlan { word(head, 32) as u16 & 0x0fff } else { 0 },
        })
    }
}
