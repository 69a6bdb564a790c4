//! Sockets of one network namespace.

use super::interface::Interfaces;
use super::netlink::Netlink;
use super::{Ring, checked};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A network namespace that packets are captured in, as one thread has it.
pub struct Namespace {
    pub name: String,
    /// Device and inode of the namespace: the same one under another name is not opened twice.
    pub identity: (u64, u64),
    pub ring: Ring,
    pub interfaces: Arc<Interfaces>,
    pub netlink: Arc<Netlink>,
    pub number: u16,
}

/// The namespace that this process lives in.
pub const OWN: &str = "/proc/self/ns/net";

/// What the sockets of a namespace are to be like.
#[derive(Clone)]
pub struct Wanted {
    pub ring_bytes: usize,
    pub fanout: u16,
    pub filter: Vec<libc::sock_filter>,
}

/// Device and inode of the namespace at `path`.
///
/// # Errors
/// It does not exist.
pub fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let data = std::fs::metadata(path)?;
    Ok((data.dev(), data.ino()))
}

impl Namespace {
    /// Opens the sockets, for each thread its own. The thread that enters another namespace is one of its own, and ends here: nobody is
    /// left behind in it.
    ///
    /// # Errors
    /// The namespace is gone, or the kernel does not let us in.
    pub fn open(name: &str, path: PathBuf, number: u16, wanted: &Wanted) -> io::Result<Vec<Namespace>> {
        let identity = identity(&path)?;
        let wanted = wanted.clone();
        let is_own = path == Path::new(OWN);
        let opened = std::thread::spawn(move || {
            if !is_own {
                let file = File::open(&path)?;
                // SAFETY: no pointers are passed; only this thread changes its namespace.
                checked(unsafe { libc::setns(file.as_raw_fd(), libc::CLONE_NEWNET) })?;
            }
            let rings = Ring::open_group(wanted.fanout, wanted.ring_bytes, &wanted.filter, number)?;
            Ok::<_, io::Error>((rings, Interfaces::open()?, Netlink::open()?))
        });
        let (rings, interfaces, netlink) = opened
            .join()
            .map_err(|_| io::Error::other("the thread that entered the namespace panicked"))??;
        let (interfaces, netlink) = (Arc::new(interfaces), Arc::new(netlink));
        let each = rings.into_iter().map(|ring| Namespace {
            name: name.to_owned(),
            identity,
            ring,
            interfaces: Arc::clone(&interfaces),
            netlink: Arc::clone(&netlink),
            number,
        });
        Ok(each.collect())
    }
}
