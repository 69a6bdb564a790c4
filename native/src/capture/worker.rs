//! The threads: each reads one ring of each namespace and owns an engine of its own; flows never cross. What they make comes out together.

use super::namespace::{Namespace, OWN, Wanted};
use super::reader::Reader;
use super::{Excluded, program};
use crate::custom::{Endpoint, Health};
use crate::engine::{Config, Owners};
use crate::table::Batch;
use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How packets are captured.
#[derive(Clone, Debug)]
pub struct Settings {
    pub ring_bytes: usize,
    /// Threads that share the packets by flow; each has a ring per namespace.
    pub fanout: u16,
    pub excluded: Vec<Excluded>,
    /// Name and path of network namespaces besides the own one.
    pub netns: Vec<(String, PathBuf)>,
}

/// What is asked of one thread.
#[derive(Default)]
pub(super) struct Orders {
    /// Of the first thread, which opens namespaces for all.
    pub netns: Option<Vec<(String, PathBuf)>>,
    /// Of the others.
    pub opened: Vec<Namespace>,
    pub closed: Vec<u16>,
    pub config: Option<Config>,
    /// Processes that read protocols, from now on; those that do not any more.
    pub connect: Vec<Endpoint>,
    pub disconnect: Vec<u16>,
    pub stop: bool,
}

/// What the threads and their owner share.
#[derive(Default)]
pub(super) struct Shared {
    /// One each.
    pub orders: Vec<Mutex<Orders>>,
    /// What the first thread found last, for all.
    pub owners: Mutex<Arc<Owners>>,
    /// Some other thread has flows whose processes are not known.
    pub wants_owners: AtomicBool,
    running: AtomicUsize,
    pub ready: Mutex<Ready>,
    pub has_ready: Condvar,
}

#[derive(Default)]
pub(super) struct Ready {
    pub batches: VecDeque<Batch>,
    pub bytes: usize,
    pub dropped_rows: u64,
    /// Of each thread, in the same order of names.
    pub counters: Vec<Vec<(&'static str, u64)>>,
    /// Of each thread: how the processes are that read protocols.
    pub protocols: Vec<Vec<(u16, Health)>>,
    /// The threads have ended, or one of them has by itself.
    pub is_over: bool,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panic left behind is still the only state there is.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running capture.
pub struct Worker {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<Vec<Namespace>>>>,
}

impl Worker {
    /// Opens the own namespace and starts the threads; the other namespaces follow.
    ///
    /// # Errors
    /// The own namespace cannot be captured in: EPERM without CAP_NET_RAW.
    pub fn start(config: Config, settings: Settings) -> io::Result<Worker> {
        let wanted = Wanted {
            ring_bytes: settings.ring_bytes,
            fanout: settings.fanout,
            filter: program(&settings.excluded),
        };
        let lanes = settings.fanout.max(1);
        let own = Namespace::open("", PathBuf::from(OWN), 0, &wanted)?;
        let shared = Arc::new(Shared {
            orders: (0..lanes).map(|_| Mutex::default()).collect(),
            running: AtomicUsize::new(usize::from(lanes)),
            ..Shared::default()
        });
        {
            let mut ready = lock(&shared.ready);
            ready.counters = vec![Vec::new(); usize::from(lanes)];
            ready.protocols = vec![Vec::new(); usize::from(lanes)];
        }
        lock(&shared.orders[0]).netns = Some(settings.netns);
        let worker = Worker {
            shared: Arc::clone(&shared),
            threads: Mutex::default(),
        };
        for (lane, own) in (0..lanes).zip(own) {
            let reader = Reader::new(config.share(lane, lanes), wanted.clone(), own, Arc::clone(&shared));
            let over = Over(Arc::clone(&shared));
            let name = if lane == 0 {
                "weir-engine".to_owned()
            } else {
                format!("weir-engine{lane}")
            };
            let thread = std::thread::Builder::new().name(name).spawn(move || {
                let namespaces = reader.run();
                drop(over);
                namespaces
            })?;
            lock(&worker.threads).push(thread);
        }
        Ok(worker)
    }

    pub fn set_netns(&self, netns: Vec<(String, PathBuf)>) {
        lock(&self.shared.orders[0]).netns = Some(netns);
    }

    pub fn configure(&self, config: &Config) {
        let lanes = self.shared.orders.len() as u16;
        for (lane, orders) in (0..lanes).zip(&self.shared.orders) {
            lock(orders).config = Some(config.share(lane, lanes));
        }
    }

    /// Threads.
    pub fn lanes(&self) -> usize {
        self.shared.orders.len()
    }

    /// Uses a process that reads a protocol from now on: an endpoint for each thread.
    pub fn connect(&self, endpoints: Vec<Endpoint>) {
        for (endpoint, orders) in endpoints.into_iter().zip(&self.shared.orders) {
            lock(orders).connect.push(endpoint);
        }
    }

    /// Uses it no more.
    pub fn disconnect(&self, place: u16) {
        for orders in &self.shared.orders {
            let mut orders = lock(orders);
            orders.connect.retain(|endpoint| endpoint.place != place);
            orders.disconnect.push(place);
        }
    }

    /// How each process is as of the last second; the first thread that is worse off than running speaks for all.
    pub fn protocol_health(&self) -> Vec<(u16, Health)> {
        let ready = lock(&self.shared.ready);
        let mut worst: Vec<(u16, Health)> = Vec::new();
        for (place, health) in ready.protocols.iter().flatten() {
            match worst.iter_mut().find(|(known, _)| known == place) {
                Some((_, known)) if *known == Health::Running => *known = *health,
                Some(_) => {}
                None => worst.push((*place, *health)),
            }
        }
        worst
    }

    /// Finished batches, waiting for the first one. `None` where the threads are gone and nothing is left.
    pub fn drain(&self, timeout: Duration) -> Option<Vec<Batch>> {
        let until = Instant::now() + timeout;
        let mut ready = lock(&self.shared.ready);
        while ready.batches.is_empty() && !ready.is_over {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            ready = self
                .shared
                .has_ready
                .wait_timeout(ready, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        ready.bytes = 0;
        let batches: Vec<Batch> = ready.batches.drain(..).collect();
        (!batches.is_empty() || !ready.is_over).then_some(batches)
    }

    /// Counters as of the last second.
    pub fn counters(&self) -> Vec<(&'static str, u64)> {
        let ready = lock(&self.shared.ready);
        let mut lanes = ready.counters.iter().filter(|counters| !counters.is_empty());
        let mut counters = lanes.next().cloned().unwrap_or_default();
        for lane in lanes {
            counters.iter_mut().zip(lane).for_each(|(sum, counter)| sum.1 += counter.1);
        }
        for counter in &mut counters {
            if counter.0 == "dropped_rows" {
                counter.1 += ready.dropped_rows;
            }
        }
        counters.push(("ready_bytes", ready.bytes as u64));
        counters
    }

    /// Reports everything that is alive, ends the threads, and gives what is left.
    pub fn stop(&self) -> Vec<Batch> {
        self.end();
        self.drain(Duration::ZERO).unwrap_or_default()
    }

    fn end(&self) {
        self.shared.orders.iter().for_each(|orders| lock(orders).stop = true);
        let threads = std::mem::take(&mut *lock(&self.threads));
        // A panic of a thread shows as `is_over` without rows; there is nothing to add to it here. Rings are closed when everybody is
        // done: the kernel would give the packets of a closed one to the others.
        drop(threads.into_iter().map(JoinHandle::join).collect::<Vec<_>>());
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.end();
    }
}

/// Says that all threads are gone, or that one has panicked.
struct Over(Arc<Shared>);

impl Drop for Over {
    fn drop(&mut self) {
        if self.0.running.fetch_sub(1, Ordering::AcqRel) == 1 || std::thread::panicking() {
            lock(&self.0.ready).is_over = true;
            self.0.has_ready.notify_all();
        }
    }
}
