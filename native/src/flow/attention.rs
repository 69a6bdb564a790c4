//! Whether the payload of a flow is looked at, in a byte.

/// How often payload was looked at that no protocol knew; then how long it is left alone; or that it always is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attention(u8);

/// Below: looks in vain. Above: ticks that are left of a rest.
const RESTING: u8 = 128;
const NEVER: u8 = u8::MAX;

impl Attention {
    /// Whether payload is looked at now.
    #[inline]
    pub fn looks(self) -> bool {
        self.0 < RESTING
    }

    /// Nobody knew what was looked at; after `max` times (127 at most) the flow is left alone for `ticks`.
    pub fn in_vain(&mut self, max: u8, ticks: u8) {
        self.0 += 1;
        if self.0 >= max.min(RESTING - 1) {
            self.rest(ticks);
        }
    }

    /// Leaves the flow alone for `ticks`, 126 at most.
    pub fn rest(&mut self, ticks: u8) {
        self.0 = RESTING + ticks.min(NEVER - RESTING - 1);
    }

    /// Some time has passed.
    #[inline]
    pub fn tick(&mut self) {
        if self.0 >= RESTING && self.0 != NEVER {
            self.0 = if self.0 <= RESTING + 1 { 0 } else { self.0 - 1 };
        }
    }

    /// Payload is not looked at any more.
    pub fn stop(&mut self) {
        self.0 = NEVER;
    }

    /// Looks again at once, unless it is over for good.
    pub fn wake(&mut self) {
        if self.0 != NEVER {
            self.0 = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_rests_and_looks_again() {
        let mut attention = Attention::default();
        attention.in_vain(2, 3);
        assert!(attention.looks());
        attention.in_vain(2, 3);
        let rest = (0..9)
            .take_while(|_| {
                !attention.looks() && {
                    attention.tick();
                    true
                }
            })
            .count();
        assert_eq!((rest, attention), (3, Attention::default()));
    }

    #[test]
    fn what_is_over_stays_over() {
        let mut attention = Attention::default();
        attention.stop();
        (0..300).for_each(|_| attention.tick());
        attention.wake();
        assert!(!attention.looks());
    }

    #[test]
    fn a_long_rest_ends() {
        let mut attention = Attention::default();
        attention.rest(255);
        (0..126).for_each(|_| attention.tick());
        assert!(attention.looks());
    }
}
