//! A table of what has an id: [`IdMap`].
//!
//! Ids are our own counters, nobody outside chooses them, and those that are alive are nearly all neighbours. So each has a slot, at
//! its number modulo that of the slots: neighbours in time are neighbours in memory, and to find one is to compare one number.
//! Only an id that has outlived as many others as there are slots can be in the way of a younger one, which then stands beside.
//! Invariant: an id is in its slot or beside, not in both. The order of a walk depends on the ids and on when they came, and on no
//! chance (P16).

use std::collections::{BTreeMap, btree_map};

/// What goes by a number of its own.
pub trait Id: Copy + Ord {
    /// That number.
    fn number(self) -> u64;
}

/// A map from ids.
#[derive(Debug)]
pub struct IdMap<K, V> {
    /// A power of two, or none.
    slots: Box<[Option<(K, V)>]>,
    /// Those whose slot was taken when they came. Boxed: there are hardly ever any, and each origin has several tables.
    #[expect(clippy::box_collection, reason = "an empty map is three words, no box is one")]
    beside: Option<Box<BTreeMap<K, V>>>,
    len: usize,
}

impl<K: Id, V> IdMap<K, V> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Where this one stands, unless it stands beside.
    fn place(&self, id: K) -> usize {
        id.number() as usize & self.slots.len().wrapping_sub(1)
    }

    /// What goes by this id.
    pub fn get(&self, id: &K) -> Option<&V> {
        match self.slots.get(self.place(*id)) {
            Some(Some((here, value))) if here == id => Some(value),
            _ => self.beside.as_ref()?.get(id),
        }
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, id: &K) -> Option<&mut V> {
        let place = self.place(*id);
        match self.slots.get_mut(place) {
            Some(Some((here, value))) if here == id => Some(value),
            _ => self.beside.as_mut()?.get_mut(id),
        }
    }

    /// Whether something goes by this id.
    pub fn contains_key(&self, id: &K) -> bool {
        self.get(id).is_some()
    }

    /// What goes by this id from now on. What did before.
    pub fn insert(&mut self, id: K, value: V) -> Option<V> {
        let place = self.place(id);
        let is_full = self.is_full();
        match self.slots.get_mut(place) {
            Some(slot @ None) if self.beside.is_none() && !is_full => {
                *slot = Some((id, value));
                self.len += 1;
                None
            }
            Some(Some((here, known))) if *here == id => Some(std::mem::replace(known, value)),
            Some(_) | None => self.insert_beside(id, value),
        }
    }

    /// The same where it may stand beside, or there is no room.
    #[cold]
    fn insert_beside(&mut self, id: K, value: V) -> Option<V> {
        if let Some(known) = self.beside.as_mut().and_then(|beside| beside.get_mut(&id)) {
            return Some(std::mem::replace(known, value));
        }
        if self.is_full() {
            self.grow();
        }
        self.len += 1;
        self.put(id, value);
        None
    }

    fn is_full(&self) -> bool {
        self.len >= self.slots.len() - self.slots.len() / 8
    }

    fn put(&mut self, id: K, value: V) {
        let place = self.place(id);
        match self.slots.get_mut(place) {
            Some(slot @ None) => *slot = Some((id, value)),
            Some(Some(_)) | None => self.put_beside(id, value),
        }
    }

    #[cold]
    fn put_beside(&mut self, id: K, value: V) {
        self.beside.get_or_insert_default().insert(id, value);
    }

    #[cold]
    fn grow(&mut self) {
        let count = (2 * self.slots.len()).max(1);
        let mut slots = Vec::with_capacity(count);
        slots.resize_with(count, || None);
        let all = std::mem::replace(&mut self.slots, slots.into_boxed_slice()).into_iter().flatten();
        let beside = self.beside.take().into_iter().flat_map(|beside| *beside);
        all.chain(beside).for_each(|(id, value)| self.put(id, value));
    }

    /// Takes out what goes by this id.
    pub fn remove(&mut self, id: &K) -> Option<V> {
        let place = self.place(*id);
        let removed = match self.slots.get_mut(place) {
            Some(slot @ Some(_)) if slot.as_ref().is_some_and(|(here, _)| here == id) => {
                slot.take().map(|(_, value)| value)
            }
            _ => self.remove_beside(id),
        };
        self.len -= usize::from(removed.is_some());
        removed
    }

    fn remove_beside(&mut self, id: &K) -> Option<V> {
        let beside = self.beside.as_mut()?;
        let removed = beside.remove(id);
        self.beside.take_if(|beside| beside.is_empty());
        removed
    }

    /// Takes out all that `keep` does not want kept.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        for slot in &mut self.slots {
            if slot.as_mut().is_some_and(|(id, value)| !keep(id, value)) {
                *slot = None;
                self.len -= 1;
            }
        }
        if let Some(beside) = &mut self.beside {
            let before = beside.len();
            beside.retain(keep);
            self.len -= before - beside.len();
        }
        self.beside.take_if(|beside| beside.is_empty());
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let beside = self.beside.iter().flat_map(|beside| &**beside);
        self.slots.iter().flatten().map(|(id, value)| (id, value)).chain(beside)
    }

    /// All of them, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&K, &mut V)> {
        let beside = self.beside.iter_mut().flat_map(|beside| &mut **beside);
        self.slots.iter_mut().flatten().map(|(id, value)| (&*id, value)).chain(beside)
    }

    /// All ids.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.iter().map(|(id, _)| id)
    }

    /// All that goes by an id.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    /// The same, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.iter_mut().map(|(_, value)| value)
    }
}

impl<K, V> Default for IdMap<K, V> {
    fn default() -> Self {
        Self { slots: Box::default(), beside: None, len: 0 }
    }
}

impl<K, V> IntoIterator for IdMap<K, V> {
    type Item = (K, V);
    type IntoIter =
        std::iter::Chain<std::iter::Flatten<std::vec::IntoIter<Option<(K, V)>>>, btree_map::IntoIter<K, V>>;

    fn into_iter(self) -> Self::IntoIter {
        self.slots.into_iter().flatten().chain(self.beside.map_or(BTreeMap::new(), |beside| *beside))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AttemptId;

    /// Against a map that nobody doubts: ids that grow, some of which live long, and are removed in any order.
    #[test]
    fn it_is_a_map() {
        for lives_long in [2_u64, 3, 7, 64, 1_000] {
            let (mut table, mut known) = (IdMap::default(), BTreeMap::new());
            let mut chance = lives_long;
            for number in 0..5_000 {
                let id = AttemptId(number);
                assert_eq!(table.insert(id, number), None);
                assert_eq!(table.insert(id, number + 1), Some(number));
                known.insert(id, number + 1);
                chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let gone = AttemptId(number - number.min((chance >> 33) % 50));
                if gone.0 % lives_long != 0 {
                    assert_eq!(table.remove(&gone), known.remove(&gone));
                    assert_eq!((table.remove(&gone), table.get(&gone)), (None, None));
                }
                assert_eq!(table.len(), known.len());
                assert_eq!(table.get_mut(&id), known.get_mut(&id));
            }
            assert!(known.iter().all(|(id, value)| table.get(id) == Some(value)));
            let mut all: Vec<_> = table.iter().map(|(id, value)| (*id, *value)).collect();
            all.sort_unstable();
            assert!(all.iter().map(|(id, value)| (id, value)).eq(&known));
            table.retain(|id, _| id.0 % 2 == 0);
            known.retain(|id, _| id.0 % 2 == 0);
            assert_eq!(table.len(), known.len());
            assert_eq!(table.into_iter().collect::<BTreeMap<_, _>>(), known);
        }
    }

    #[test]
    fn neighbours_stand_in_their_slots() {
        let mut table = IdMap::default();
        for number in 0..10_000 {
            table.insert(AttemptId(number), ());
            if let Some(old) = number.checked_sub(100) {
                table.remove(&AttemptId(old));
            }
            assert!(table.beside.is_none());
        }
        assert_eq!(table.slots.len(), 128);
    }
}
