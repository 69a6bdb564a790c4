//! When flows are looked at next: a wheel of seconds. An entry says "look", not "expire"; the flow knows whether it is due.

const SECONDS: u32 = 512;

pub struct Wheel {
    slots: Vec<Vec<u32>>,
    spare: Vec<u32>,
}

impl Default for Wheel {
    fn default() -> Self {
        Wheel {
            slots: (0..SECONDS).map(|_| Vec::new()).collect(),
            spare: Vec::new(),
        }
    }
}

impl Wheel {
    /// Puts `flow` where it is looked at in second `due`, or at the end of the wheel where that is too far. Gives the second it will be.
    #[inline]
    pub fn add(&mut self, flow: u32, due: u32, now: u32) -> u32 {
        let due = due.clamp(now + 1, now + SECONDS - 1);
        self.slots[(due % SECONDS) as usize].push(flow);
        due
    }

    /// Takes the flows to look at in second `now`; give the vector back with [`Wheel::recycle`].
    pub fn take(&mut self, now: u32) -> Vec<u32> {
        std::mem::replace(&mut self.slots[(now % SECONDS) as usize], std::mem::take(&mut self.spare))
    }

    pub fn recycle(&mut self, mut flows: Vec<u32>) {
        flows.clear();
        // One flood must not hold its memory for ever.
        if flows.capacity() <= 1 << 16 {
            self.spare = flows;
        }
    }

    pub fn bytes(&self) -> usize {
        self.slots.iter().map(|slot| slot.capacity() * 4).sum()
    }
}
