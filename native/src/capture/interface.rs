//! What an interface is called and what it is, asked in the namespace that a socket belongs to.

use super::checked;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// Asks the kernel about interfaces of one network namespace.
pub struct Interfaces {
    socket: OwnedFd,
}

#[repr(C)]
struct DriverInfo {
    command: u32,
    driver: [u8; 32],
    rest: [u8; 160],
}

impl Interfaces {
    /// In the network namespace of the calling thread.
    ///
    /// # Errors
    /// No descriptors left.
    pub fn open() -> io::Result<Interfaces> {
        // SAFETY: no pointers are passed.
        let socket = checked(unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) })?;
        // SAFETY: the descriptor was just made and nobody else has it.
        Ok(Interfaces {
            socket: unsafe { OwnedFd::from_raw_fd(socket) },
        })
    }

    /// Name and `capture_nic_type` of an interface; the name is empty where it is gone.
    pub fn describe(&self, index: u32, hardware: u16) -> (String, u8) {
        // SAFETY: all zeroes is a valid request.
        let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
        request.ifr_ifru.ifru_ifindex = index as i32;
        // SAFETY: the kernel reads the index from `request` and writes the name into it.
        if unsafe { libc::ioctl(self.socket.as_raw_fd(), libc::SIOCGIFNAME as _, &mut request) } < 0 {
            return (String::new(), kind("", hardware));
        }
        let name: Vec<u8> = request
            .ifr_name
            .iter()
            .map(|letter| *letter as u8)
            .take_while(|letter| *letter != 0)
            .collect();
        let driver = self.driver(request);
        (String::from_utf8_lossy(&name).into_owned(), kind(&driver, hardware))
    }

    fn driver(&self, mut request: libc::ifreq) -> String {
        let mut info = DriverInfo {
            command: 3,
            driver: [0; 32],
            rest: [0; 160],
        };
        request.ifr_ifru.ifru_data = std::ptr::from_mut(&mut info).cast();
        // SAFETY: ETHTOOL_GDRVINFO (3) makes the kernel write a struct ethtool_drvinfo of 196 bytes, the size of `info`, to where the
        // request points; both outlive the call.
        if unsafe { libc::ioctl(self.socket.as_raw_fd(), libc::SIOCETHTOOL as _, &mut request) } < 0 {
            return String::new();
        }
        debug_assert_eq!(info.rest.len(), 160);
        String::from_utf8_lossy(&info.driver).trim_end_matches('\0').to_owned()
    }
}

/// `capture_nic_type` by driver; the numbers are those of `libs.catalog`.
fn kind(driver: &str, hardware: u16) -> u8 {
    match driver {
        _ if hardware == libc::ARPHRD_LOOPBACK => 1,
        "veth" => 3,
        "bridge" => 4,
        "tun" => 5,
        "802.1Q VLAN Support" => 6,
        "bonding" | "team" => 7,
        "vxlan" => 8,
        _ if hardware == libc::ARPHRD_ETHER => 2,
        _ => 0,
    }
}
