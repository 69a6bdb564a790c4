//! The thread that reads every ring and owns the engine.

use super::namespace::{Namespace, OWN, Wanted};
use super::reader::Reader;
use super::{Excluded, program};
use crate::engine::Config;
use crate::table::Batch;
use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How packets are captured.
#[derive(Clone, Debug)]
pub struct Settings {
    pub ring_bytes: usize,
    /// Sockets per namespace that share the packets by flow.
    pub fanout: u16,
    pub excluded: Vec<Excluded>,
    /// Name and path of network namespaces besides the own one.
    pub netns: Vec<(String, PathBuf)>,
}

/// What is asked of the thread.
#[derive(Default)]
pub(super) struct Orders {
    pub netns: Option<Vec<(String, PathBuf)>>,
    pub config: Option<Config>,
    pub stop: bool,
}

/// What the thread and its owner share.
#[derive(Default)]
pub(super) struct Shared {
    pub orders: Mutex<Orders>,
    pub ready: Mutex<Ready>,
    pub has_ready: Condvar,
}

#[derive(Default)]
pub(super) struct Ready {
    pub batches: VecDeque<Batch>,
    pub bytes: usize,
    pub dropped_rows: u64,
    pub counters: Vec<(&'static str, u64)>,
    /// The thread has ended.
    pub is_over: bool,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panic left behind is still the only state there is.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running capture.
pub struct Worker {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Worker {
    /// Opens the own namespace and starts the thread; the other namespaces follow.
    ///
    /// # Errors
    /// The own namespace cannot be captured in: EPERM without CAP_NET_RAW.
    pub fn start(config: Config, settings: Settings) -> io::Result<Worker> {
        let wanted = Wanted {
            ring_bytes: settings.ring_bytes,
            fanout: settings.fanout,
            filter: program(&settings.excluded),
        };
        let own = Namespace::open("", PathBuf::from(OWN), 0, &wanted)?;
        let shared = Arc::new(Shared::default());
        lock(&shared.orders).netns = Some(settings.netns);
        let reader = Reader::new(config, wanted, own, Arc::clone(&shared));
        let over = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("weir-engine".to_owned()).spawn(move || {
            let over = Over(over);
            reader.run();
            drop(over);
        })?;
        Ok(Worker {
            shared,
            thread: Mutex::new(Some(thread)),
        })
    }

    pub fn set_netns(&self, netns: Vec<(String, PathBuf)>) {
        lock(&self.shared.orders).netns = Some(netns);
    }

    pub fn configure(&self, config: Config) {
        lock(&self.shared.orders).config = Some(config);
    }

    /// Finished batches, waiting for the first one. `None` where the thread is gone and nothing is left.
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
        let mut counters = ready.counters.clone();
        for counter in &mut counters {
            if counter.0 == "dropped_rows" {
                counter.1 += ready.dropped_rows;
            }
        }
        counters.push(("ready_bytes", ready.bytes as u64));
        counters
    }

    /// Reports everything that is alive, ends the thread, and gives what is left.
    pub fn stop(&self) -> Vec<Batch> {
        self.end();
        self.drain(Duration::ZERO).unwrap_or_default()
    }

    fn end(&self) {
        lock(&self.shared.orders).stop = true;
        if let Some(thread) = lock(&self.thread).take() {
            // A panic of the thread shows as `is_over` without rows; there is nothing to add to it here.
            let _ = thread.join();
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.end();
    }
}

/// Says that the thread is gone, also where it panicked.
struct Over(Arc<Shared>);

impl Drop for Over {
    fn drop(&mut self) {
        lock(&self.0.ready).is_over = true;
        self.0.has_ready.notify_all();
    }
}
