//! What probes say of a source: in service, or out of it after failures in a row and back after successes in a row.

/// How many probes in a row turn the verdict.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Turns {
    pub(crate) unhealthy_after: u32,
    pub(crate) healthy_after: u32,
}

/// A source as its probes see it. In service until they say otherwise.
pub(crate) struct Health {
    turns: Turns,
    up: bool,
    against: u32,
}

impl Health {
    pub(crate) fn new(turns: Turns) -> Health {
        Health { turns, up: true, against: 0 }
    }

    /// A probe has ended. `Some(up)`: the verdict has turned.
    pub(crate) fn tell(&mut self, well: bool) -> Option<bool> {
        if well == self.up {
            self.against = 0;
            return None;
        }
        self.against += 1;
        let needed = if self.up { self.turns.unhealthy_after } else { self.turns.healthy_after };
        if self.against < needed.max(1) {
            return None;
        }
        self.up = well;
        self.against = 0;
        Some(well)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_turns_after_probes_in_a_row() {
        let mut health = Health::new(Turns { unhealthy_after: 3, healthy_after: 2 });
        let mut said = |text: &str| text.chars().filter_map(|c| health.tell(c == '+')).collect::<Vec<_>>();
        assert_eq!(said("++--+--+"), [false; 0]);
        assert_eq!(said("---"), [false]);
        assert_eq!(said("-+-+-"), [false; 0]);
        assert_eq!(said("++"), [true]);
        assert_eq!(said("---++---"), [false, true, false]);
    }
}
