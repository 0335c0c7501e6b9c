//! Cuts, and how long it takes until requests get through again.

use outlive_fault::path::{Blackhole, Ecmp, Flapping, Stall};
use outlive_fault::{Direction, Micros};

use super::Simulation;
use super::agenda::{Happening, WireId};
use super::wire::Stage;
use crate::policy::Policy;
use crate::world::{Cut, How, SEC, Whom};

/// A cut of the busiest connection waits until something is under way there: at most so long, in steps of so much.
const PATIENCE: Micros = SEC;
const STEP: Micros = 53;

impl<P: Policy> Simulation<'_, P> {
    pub(super) fn cut(&mut self, place: u32) {
        let cut = self.world.cuts[place as usize].clone();
        self.spoil_paths(&cut);
        let victims = self.victims(&cut);
        let is_idle = |id: &WireId| self.wires[*id as usize].live.is_empty();
        if cut.whom == Whom::Busiest && victims.iter().all(is_idle) && self.net.now < cut.at + PATIENCE {
            return self.net.agenda.plan(self.net.now + STEP, Happening::Cut(place));
        }
        let hits_wires = matches!(cut.whom, Whom::Busiest | Whom::Any | Whom::All);
        if hits_wires && victims.is_empty() && !matches!(cut.how, How::Mark | How::Flap(..)) {
            return; // nothing alive is left to cut
        }
        self.tally.cuts += 1;
        self.tally.recovery.push(None);
        self.tally.dark.push(0);
        self.cut_moments.push(self.net.now);
        for id in victims {
            self.tally.in_flight += self.wires[id as usize].live.len() as u64;
            self.spoil_wire(id, cut.how);
        }
    }

    /// What is wrong with the path itself, for old connections and new ones.
    fn spoil_paths(&mut self, cut: &Cut) {
        let now = self.net.now;
        match (cut.whom, cut.how) {
            (_, How::Flap(down, up, until)) => {
                self.net.paths.iter_mut().for_each(|path| path.push(Flapping::new(up, down, now, until)));
            }
            (Whom::Paths(dead, of), How::Blackhole(until)) => {
                let seed = self.chance.draw();
                self.net.paths.iter_mut().for_each(|path| path.push(Ecmp::new(of, dead, now, until, seed)));
            }
            (Whom::Address(address), How::Blackhole(until)) => {
                if let Some(path) = self.net.paths.get_mut(address as usize) {
                    path.push(Ecmp::new(1, 1, now, until, 0));
                }
            }
            _ => {}
        }
    }

    /// The open connections that are hit.
    fn victims(&mut self, cut: &Cut) -> Vec<WireId> {
        let is_open = |id: &WireId| self.wires[*id as usize].stage == Stage::Open;
        let is_well = |id: &WireId| self.net.is_open(self.wires[*id as usize].route);
        let open: Vec<WireId> = (0..self.wires.len() as WireId).filter(is_open).collect();
        let well: Vec<WireId> = open.iter().copied().filter(is_well).collect();
        match cut.whom {
            _ if cut.how == How::Mark => Vec::new(),
            Whom::All => well,
            Whom::Busiest => {
                let load = |id: &WireId| self.wires[*id as usize].live.len();
                well.into_iter().rev().max_by_key(load).into_iter().collect()
            }
            Whom::Any => {
                let chosen = self.chance.below(well.len() as u64) as usize;
                well.get(chosen).copied().into_iter().collect()
            }
            // The path is spoilt already: those on it are the ones that are not well.
            Whom::Paths(..) | Whom::Address(_) => open.into_iter().filter(|id| !is_well(id)).collect(),
        }
    }

    fn spoil_wire(&mut self, id: WireId, how: How) {
        let now = self.net.now;
        let wire = &mut self.wires[id as usize];
        let flow = wire.route.flow;
        let path = &mut self.net.paths[wire.route.address as usize];
        match how {
            How::Blackhole(Micros::MAX) => path.push(Blackhole::of(flow, now)),
            How::LoseOut => path.push(Blackhole::one_way(flow, Direction::Out, now)),
            How::LoseBack => path.push(Blackhole::one_way(flow, Direction::Back, now)),
            How::Stall => path.push(Stall::of(flow, now)),
            How::Sleep => wire.far.asleep = true,
            How::Blackhole(_) | How::Flap(..) | How::Mark => {}
        }
    }

    /// A request that started at `started` has succeeded.
    pub(super) fn note_success(&mut self, started: Micros) {
        for (moment, recovery) in self.cut_moments.iter().zip(&mut self.tally.recovery).rev() {
            if recovery.is_some() {
                break; // a later cut was recovered from, and so every earlier one was
            }
            if started >= *moment {
                *recovery = Some(self.net.now - moment);
            }
        }
    }

    pub(super) fn note_loss(&mut self) {
        if let (Some(moment), Some(dark)) = (self.cut_moments.last(), self.tally.dark.last_mut()) {
            *dark = self.net.now - moment;
        }
    }
}
