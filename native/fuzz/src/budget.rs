//! What reading one input may cost: memory as the allocator sees it, and time of the processor. And how many inputs got as far as they should.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Once;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

/// Inputs read, and those of them that reached what is fuzzed.
static READ: AtomicU64 = AtomicU64::new(0);
static REACHED: AtomicU64 = AtomicU64::new(0);

static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn took(size: usize) {
    let held = HELD.fetch_add(size, Relaxed) + size;
    MOST.fetch_max(held, Relaxed);
}

// SAFETY: every call is passed on to the system's allocator as it came; counting does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        // SAFETY: what our caller promised is what the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above; every pointer of ours is one of the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        HELD.fetch_sub(layout.size(), Relaxed);
        took(size);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Measures one input from here to [`Budget::end`].
pub struct Budget {
    held: usize,
    began_ns: u64,
    max_bytes: usize,
    max_ns: u64,
}

impl Budget {
    /// At no time may more than `max_bytes` be held on top of what is held now. Each byte of the input may take 50 µs, which is a hundred times
    /// what the slowest takes here, with the counters on.
    pub fn begin(max_bytes: usize, input: &[u8]) -> Budget {
        static AT_END: Once = Once::new();
        AT_END.call_once(|| {
            // SAFETY: `tell` takes and returns nothing, and touches only statics.
            unsafe { libc::atexit(tell) };
        });
        READ.fetch_add(1, Relaxed);
        let held = HELD.load(Relaxed);
        MOST.store(held, Relaxed);
        Budget {
            held,
            began_ns: thread_ns(),
            max_bytes,
            max_ns: 500_000_000 + 50_000 * input.len() as u64,
        }
    }

    /// The input was read; `reached` says whether what is fuzzed saw it.
    pub fn end(self, reached: bool) {
        REACHED.fetch_add(u64::from(reached), Relaxed);
        let most = MOST.load(Relaxed).saturating_sub(self.held);
        assert!(
            most <= self.max_bytes,
            "{most} bytes were held at once, {} are allowed",
            self.max_bytes
        );
        let took_ns = thread_ns() - self.began_ns;
        assert!(
            took_ns <= self.max_ns,
            "the input took {took_ns} ns of the processor, {} are allowed",
            self.max_ns
        );
    }
}

/// Time of the processor that this thread took: unlike a clock, it does not depend on what else the machine does.
fn thread_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the answer.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

extern "C" fn tell() {
    eprintln!("stat::inputs_that_reached: {} of {}", REACHED.load(Relaxed), READ.load(Relaxed));
}
