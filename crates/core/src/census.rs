//! How many connections there are of each standing, kept by count so that nobody has to walk through them.

/// What a connection is good for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Standing {
    /// Being opened.
    Dialing,
    /// Takes requests.
    Alive,
    /// Takes requests until its successor is there.
    Retiring,
    /// Would, but its peer allows no stream at present.
    Mute,
    /// Silent beyond what is plausible.
    Suspect,
    /// Takes no new requests and goes when the last has ended.
    Leaving,
}

/// The counts.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Census {
    pub(crate) dialing: u32,
    pub(crate) alive: u32,
    pub(crate) retiring: u32,
    pub(crate) mute: u32,
    pub(crate) suspect: u32,
    pub(crate) leaving: u32,
}

impl Census {
    fn of(&mut self, standing: Standing) -> &mut u32 {
        match standing {
            Standing::Dialing => &mut self.dialing,
            Standing::Alive => &mut self.alive,
            Standing::Retiring => &mut self.retiring,
            Standing::Mute => &mut self.mute,
            Standing::Suspect => &mut self.suspect,
            Standing::Leaving => &mut self.leaving,
        }
    }

    pub(crate) fn all(&self) -> u32 {
        self.dialing + self.alive + self.retiring + self.mute + self.suspect + self.leaving
    }

    pub(crate) fn enter(&mut self, standing: Standing) {
        *self.of(standing) += 1;
    }

    pub(crate) fn leave(&mut self, standing: Standing) {
        *self.of(standing) -= 1;
    }
}
