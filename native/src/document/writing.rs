//! Documents become rows, some at a time: whoever takes the rows need not hold those of a million pairs at once.

use super::application::Counted;
use super::brief::Brief;
use super::meter::{self, Meter, View};
use super::network::{Alive, TOGETHER, write_ends, write_pairs};
use super::places::{EndKey, PairKey};
use super::{Documents, MINUTE, SECOND};
use crate::engine::Output;
use crate::flow::prefetch;

/// What is written of an interval, in this order.
enum Step {
    /// Pairs that did something, from this meter on. Those of a second are added to the minute on the way.
    Pairs(u32),
    /// Their ends.
    Ends(u32),
    /// Pairs that only have flows alive, from this number on: a flow that said nothing for a minute is still there, and `flow_load` counts it.
    IdlePairs(u32),
    IdleEnds(u32),
    /// Requests of pairs and of ends.
    Requests([Vec<Counted>; 2]),
}

/// Documents that are being written.
pub struct Writing {
    interval: usize,
    time_s: u32,
    step: Step,
}

/// Meters whose rows are written together: some that are brief, or one that is not.
enum Together<'a> {
    Briefs([&'a Brief; TOGETHER], usize),
    Whole(&'a Meter),
}

impl<'a> Together<'a> {
    /// The first of these meters, of which there is one, with as many others behind it as may be and there is room for.
    #[inline]
    fn of(meters: impl Iterator<Item = View<'a>>, room: usize) -> Together<'a> {
        let (mut briefs, mut count) = ([&Brief::NOTHING; TOGETHER], 0);
        for (view, place) in meters.zip(briefs.iter_mut().take(room)) {
            match view {
                View::Brief(brief) => *place = brief,
                View::Whole(whole) if count == 0 => return Together::Whole(whole),
                View::Whole(_) => break,
            }
            count += 1;
        }
        Together::Briefs(briefs, count)
    }

    fn len(&self) -> usize {
        match self {
            Together::Briefs(_, count) => *count,
            Together::Whole(_) => 1,
        }
    }
}

impl Documents {
    /// Begins to write the documents of the second that began at `time_s`; [`Documents::write`] does it, and adds them to those of the minute.
    pub fn end_second(&mut self, time_s: u32) {
        self.end(SECOND, time_s);
    }

    /// Begins to write the documents of the minute that began at `time_s`; after that, pairs without flows are forgotten.
    pub fn end_minute(&mut self, time_s: u32) {
        self.end(MINUTE, time_s);
    }

    fn end(&mut self, interval: usize, time_s: u32) {
        debug_assert!(self.writing.is_none(), "one interval after the other");
        self.writing = Some(Writing {
            interval,
            time_s,
            step: Step::Pairs(0),
        });
    }

    /// Writes rows until a batch of them is finished. Whether there are more; nothing is counted in between.
    pub fn write(&mut self, output: &mut Output) -> bool {
        let Some(mut writing) = self.writing.take() else { return false };
        let rows = output.rows;
        while output.rows == rows {
            let Some(step) = self.step(writing.step, (writing.interval, writing.time_s), output) else {
                return false;
            };
            writing.step = step;
        }
        self.writing = Some(writing);
        true
    }

    /// Goes on with a step until it is done or a batch is finished; gives what comes then.
    fn step(&mut self, step: Step, when: (usize, u32), output: &mut Output) -> Option<Step> {
        Some(match step {
            Step::Pairs(from) => self.write_pairs(from, when, output).map_or(Step::Ends(0), Step::Pairs),
            Step::Ends(from) => match self.write_ends(from, when, output) {
                Some(next) => Step::Ends(next),
                None if when.0 == MINUTE => Step::IdlePairs(0),
                None => self.take_requests(when.0),
            },
            Step::IdlePairs(from) => self.write_idle_pairs(from, when, output).map_or(Step::IdleEnds(0), Step::IdlePairs),
            Step::IdleEnds(from) => match self.write_idle_ends(from, when, output) {
                Some(next) => Step::IdleEnds(next),
                None => self.take_requests(when.0),
            },
            Step::Requests(left) => Step::Requests(self.write_requests(left, when, output)?),
        })
    }

    fn write_pairs(&mut self, from: u32, when: (usize, u32), output: &mut Output) -> Option<u32> {
        let (rows, wants_rows) = (output.rows, output.documents());
        let [seconds, minutes] = &mut self.pairs;
        let places = &mut self.places;
        let mut at = from;
        while at < if when.0 == SECOND { seconds.len() } else { minutes.len() } {
            let mut count = 1;
            if wants_rows {
                let meters = if when.0 == SECOND { &*seconds } else { &*minutes };
                let run = meters.run(at);
                let some = Together::of(run.iter().map(|held| meters.view(held)), output.network_map_room(when.0));
                count = some.len();
                // Pairs lie anywhere, and so do their ends and what they did before in this minute.
                for held in run[count..].iter().take(TOGETHER) {
                    prefetch(places.pairs.get(held.place));
                }
                for held in &run[..count] {
                    let pair = places.pairs.get(held.place);
                    pair.ends.iter().for_each(|end| prefetch(places.ends.get(*end)));
                    if when.0 == SECOND {
                        minutes.prefetch(pair.meters[MINUTE]);
                    }
                }
                let mut keys = [Alive::<PairKey>::default(); TOGETHER];
                for ((at, held), key) in (at..).zip(&run[..count]).zip(&mut keys) {
                    let pair = places.pairs.get(held.place);
                    let ends = pair.ends;
                    *key = (places.key(ends), pair.alive);
                    for end in ends {
                        self.ends.gather(&mut places.ends.get_mut(end).meter, end, meters, at);
                    }
                }
                match &some {
                    Together::Briefs(briefs, count) => write_pairs(&keys[..*count], &briefs[..*count], when, output),
                    Together::Whole(whole) => write_pairs(&keys[..1], &[*whole], when, output),
                }
            }
            if when.0 == SECOND {
                for held in &seconds.run(at)[..count] {
                    let pair = places.pairs.get_mut(held.place);
                    pair.meters[SECOND] = meter::NONE;
                    minutes.gather(&mut pair.meters[MINUTE], held.place, seconds.view(held));
                }
            }
            at += count as u32;
            if output.rows != rows {
                return Some(at);
            }
        }
        None
    }

    fn write_ends(&mut self, from: u32, when: (usize, u32), output: &mut Output) -> Option<u32> {
        let rows = output.rows;
        let (ends, pairs, places) = (&self.ends, &self.pairs[when.0], &mut self.places);
        let mut at = from;
        while at < ends.len() {
            let some = Together::of((at..ends.len()).map(|at| ends.get(at, pairs).1), output.network_room(when.0));
            let next = at + some.len() as u32;
            let mut keys = [Alive::<EndKey>::default(); TOGETHER];
            for (at, key) in (at..next).zip(&mut keys) {
                let (number, _) = ends.get(at, pairs);
                let end = places.ends.get_mut(number);
                if when.0 == SECOND {
                    end.meter = meter::NONE;
                }
                let alive = end.alive;
                *key = (places.end_key(number), alive);
            }
            match &some {
                Together::Briefs(briefs, count) => write_ends(&keys[..*count], &briefs[..*count], when, output),
                Together::Whole(whole) => write_ends(&keys[..1], &[*whole], when, output),
            }
            if output.rows != rows {
                return Some(next);
            }
            at = next;
        }
        None
    }

    /// Every pair that was active gives its meter up on the way.
    fn write_idle_pairs(&mut self, from: u32, when: (usize, u32), output: &mut Output) -> Option<u32> {
        let (rows, wants_rows) = (output.rows, output.documents());
        for number in from..self.places.pairs.end() {
            let Some(pair) = self.places.pairs.at_mut(number) else { continue };
            let was_active = std::mem::replace(&mut pair.meters[MINUTE], meter::NONE) != meter::NONE;
            if was_active || pair.alive == 0 || !wants_rows {
                continue;
            }
            let (alive, ends) = (pair.alive, pair.ends);
            write_pairs(&[(self.places.key(ends), alive)], &[&Brief::NOTHING], when, output);
            if output.rows != rows {
                return Some(number + 1);
            }
        }
        None
    }

    fn write_idle_ends(&mut self, from: u32, when: (usize, u32), output: &mut Output) -> Option<u32> {
        let (rows, wants_rows) = (output.rows, output.documents());
        for number in from..self.places.ends.end() {
            let Some(end) = self.places.ends.at_mut(number) else { continue };
            let was_active = std::mem::replace(&mut end.meter, meter::NONE) != meter::NONE;
            if was_active || end.alive == 0 || !wants_rows {
                continue;
            }
            let alive = end.alive;
            write_ends(&[(self.places.end_key(number), alive)], &[&Brief::NOTHING], when, output);
            if output.rows != rows {
                return Some(number + 1);
            }
        }
        None
    }

    /// The meters of the interval are written.
    fn take_requests(&mut self, interval: usize) -> Step {
        let held = self.ends.bytes() + self.pairs[interval].bytes();
        self.ends.clear();
        self.pairs[interval].clear();
        if interval == MINUTE {
            self.freed += held - self.ends.bytes() - self.pairs[interval].bytes();
        }
        let [second, minute] = &mut self.applications;
        if interval == SECOND {
            minute.gather(second);
        }
        Step::Requests(self.applications[interval].take(&self.places))
    }

    /// Gives what is left, nothing at the end.
    fn write_requests(&mut self, left: [Vec<Counted>; 2], when: (usize, u32), output: &mut Output) -> Option<[Vec<Counted>; 2]> {
        let [mut pairs, mut ends] = left;
        let (rows, applications) = (output.rows, &self.applications[when.0]);
        if !output.documents() {
            pairs.clear();
            ends.clear();
        }
        while let Some(counted) = pairs.pop() {
            applications.write_pair(&self.places, &counted, when, output);
            if output.rows != rows {
                return Some([pairs, ends]);
            }
        }
        while let Some(counted) = ends.pop() {
            applications.write_end(&self.places, &counted, when, output);
            if output.rows != rows {
                return Some([pairs, ends]);
            }
        }
        self.applications[when.0].clear();
        if when.0 == MINUTE {
            self.places.sweep();
        }
        None
    }
}
