//! Seconds and minutes pass, and a capture ends. That may make rows of every flow there is, so it goes in slices: whoever feeds the engine takes
//! the rows of one before the next. Packets wait meanwhile: nothing of a new minute is counted in the old one.

use super::Core;
use super::life::AHEAD;

/// A capture that goes back further than this begins anew.
const REWIND_S: u32 = 60;
/// How often requests are looked at that wait for their response.
pub(super) const L7_TICK_S: u32 = 2;

/// So much freed at once goes back to the system.
const MUCH: usize = 8 << 20;

/// Where time goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Goal {
    /// On to this second.
    Second(u32),
    /// Back to this second: everything ends first.
    Back(u32),
    /// No further. `goes_on`: the flows live on, only nobody watches any more; else they are over, and how they ended is what their state says.
    End { goes_on: bool },
}

/// What is done on the way, in this order for each second.
enum Stage {
    /// Where everything ends: flows, from this slot on.
    Flows(u32),
    /// Documents of the second.
    Second,
    /// Where it was the last one of its minute: documents of that,
    Minute,
    /// and a row for each flow, from this slot on.
    Report(u32),
    /// Flows that may have been silent for long enough: those of a list, from one of them on.
    Due(Vec<u32>, usize),
    /// Requests that may have waited for too long, from this slot on.
    Requests(u32),
}

/// Time that passes.
pub(super) struct Turn {
    goal: Goal,
    stage: Stage,
}

impl Core {
    /// Lets time pass up to the second `to`.
    pub fn advance(&mut self, to: u32) {
        self.begin_advance(to);
        while self.go_on() {}
    }

    /// Ends every flow and writes every document; `goes_on` where the flows live on and only nobody watches any more.
    pub fn finish(&mut self, goes_on: bool) {
        self.begin_finish(goes_on);
        while self.go_on() {}
    }

    /// As [`Core::advance`], in slices: call [`Core::go_on`] until there are no more.
    pub fn begin_advance(&mut self, to: u32) {
        if self.now_s == 0 {
            self.now_s = to;
        }
        if self.now_s < to {
            let stage = self.end_second();
            self.turn = Some(Turn {
                goal: Goal::Second(to),
                stage,
            });
        }
    }

    /// As [`Core::finish`], in slices.
    pub fn begin_finish(&mut self, goes_on: bool) {
        self.turn = Some(Turn {
            goal: Goal::End { goes_on },
            stage: Stage::Flows(0),
        });
    }

    /// Whether a packet of this second can be counted; where it cannot, time has to go on, or back with it.
    #[cold]
    pub(super) fn is_at(&mut self, second: u32) -> bool {
        if self.turn.is_some() {
            return false;
        }
        if self.now_s == 0 || second > self.now_s {
            self.begin_advance(second);
        } else if !self.is_live && second + REWIND_S < self.now_s {
            self.stats.clock_rewinds += 1;
            self.turn = Some(Turn {
                goal: Goal::Back(second),
                stage: Stage::Flows(0),
            });
        }
        self.turn.is_none()
    }

    /// A slice: works until a batch of rows is finished, or time is where it goes. Whether there are more.
    pub fn go_on(&mut self) -> bool {
        let Some(Turn { goal, mut stage }) = self.turn.take() else {
            return false;
        };
        let rows = self.output.rows;
        while self.output.rows == rows {
            let Some(next) = self.stage(goal, stage) else { return false };
            stage = next;
        }
        self.turn = Some(Turn { goal, stage });
        true
    }

    /// Goes on with a stage until it is done or a batch is finished; gives what comes then.
    fn stage(&mut self, goal: Goal, stage: Stage) -> Option<Stage> {
        match stage {
            Stage::Flows(from) => {
                let goes_on = goal == Goal::End { goes_on: true };
                if let Some(next) = self.each_slot(from, |core, slot| core.end_flow(slot, goes_on)) {
                    return Some(Stage::Flows(next));
                }
                self.settle_custom();
                self.write_health_checks();
                Some(self.end_second())
            }
            Stage::Second if self.documents.write(&mut self.output) => Some(Stage::Second),
            Stage::Second => {
                let is_last = !matches!(goal, Goal::Second(_)) || self.alive == 0;
                let has_many = self.documents.pairs() > 2 * self.config.max_flows as usize;
                if is_last || has_many || self.ends_minute() {
                    self.documents.end_minute(self.now_s / 60 * 60);
                    return Some(Stage::Minute);
                }
                Some(self.begin_second(goal))
            }
            Stage::Minute if self.documents.write(&mut self.output) => Some(Stage::Minute),
            Stage::Minute => match goal {
                Goal::Second(_) => {
                    if self.documents.take_freed() > MUCH {
                        give_back();
                    }
                    Some(self.begin_second(goal))
                }
                Goal::End { .. } => {
                    self.forget();
                    None
                }
                Goal::Back(second) => {
                    self.forget();
                    self.now_s = second;
                    self.output.begin_second();
                    None
                }
            },
            Stage::Report(from) => {
                if let Some(next) = self.each_slot(from, Core::report) {
                    return Some(Stage::Report(next));
                }
                Some(Stage::Due(self.wheel.take(self.now_s), 0))
            }
            Stage::Due(due, from) => {
                let rows = self.output.rows;
                for (at, slot) in due.iter().enumerate().skip(from) {
                    if let Some(later) = due.get(at + 2 * AHEAD) {
                        self.prefetch(*later);
                    }
                    if let Some(later) = due.get(at + AHEAD) {
                        self.prefetch_end(*later);
                    }
                    self.look(*slot);
                    if self.output.rows != rows {
                        return Some(Stage::Due(due, at + 1));
                    }
                }
                self.wheel.recycle(due);
                Some(Stage::Requests(if self.now_s.is_multiple_of(L7_TICK_S) { 0 } else { self.next }))
            }
            Stage::Requests(from) => {
                if let Some(next) = self.each_slot(from, Core::tick_l7) {
                    return Some(Stage::Requests(next));
                }
                if self.now_s.is_multiple_of(L7_TICK_S) {
                    self.tick_custom(i64::from(self.now_s) * 1_000_000);
                }
                (goal != Goal::Second(self.now_s)).then(|| self.end_second())
            }
        }
    }

    /// Goes through slots until a batch is finished; gives the one after, where it has not come to the end.
    fn each_slot(&mut self, from: u32, mut each: impl FnMut(&mut Core, u32)) -> Option<u32> {
        let rows = self.output.rows;
        for slot in from..self.next {
            each(self, slot);
            if self.output.rows != rows {
                return Some(slot + 1);
            }
        }
        None
    }

    fn ends_minute(&self) -> bool {
        self.now_s % 60 == 59
    }

    /// The second is over: what flows did in it goes into its documents.
    fn end_second(&mut self) -> Stage {
        self.flush_all();
        self.documents.end_second(self.now_s);
        Stage::Second
    }

    /// The next second begins.
    fn begin_second(&mut self, goal: Goal) -> Stage {
        let ends_minute = self.ends_minute();
        // Nobody is left who could notice the seconds between.
        self.now_s = match goal {
            Goal::Second(to) if self.alive == 0 => to,
            _ => self.now_s + 1,
        };
        self.output.begin_second();
        if ends_minute {
            self.write_health_checks();
        }
        Stage::Report(if ends_minute && self.config.minute_rows { 0 } else { self.next })
    }

    /// Nothing is left of what was before.
    fn forget(&mut self) {
        self.free.clear();
        self.next = 0;
        self.hand = 0;
        self.output.finish();
    }
}

/// Gives the free pages of the heap back to the system. What a minute of many flows needed lies between what stays, where nobody else does it.
fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it takes the allocator's own locks, and changes nothing that is allocated.
    unsafe {
        libc::malloc_trim(0);
    }
}
