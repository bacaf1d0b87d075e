//! Small numbers for what many rows repeat: texts and boots.
//!
//! In: sites, origins, groups, file names; boot ids with the wall time they were seen at. Out: numbers, and back.
//! May touch: nothing. Invariant: equal things have equal numbers, given in the order they were met.

use orb_env::{BootId, Wall};
use rustc_hash::FxHashMap;

/// Texts that many rows share, by number.
#[derive(Debug, Default)]
pub(crate) struct Names {
    numbers: FxHashMap<Box<str>, u32>,
    texts: Vec<Box<str>>,
}

impl Names {
    pub(crate) fn number(&mut self, text: &str) -> u32 {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        let number = self.texts.len() as u32;
        self.numbers.insert(text.into(), number);
        self.texts.push(text.into());
        number
    }

    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    pub(crate) fn text(&self, number: u32) -> &str {
        &self.texts[number as usize]
    }
}

/// Boots in the order they were met.
#[derive(Debug, Default)]
pub(crate) struct Boots {
    ids: Vec<(BootId, Wall)>,
}

impl Boots {
    pub(crate) fn number(&mut self, id: BootId, wall: Wall) -> u32 {
        if let Some(place) = self.ids.iter().position(|(known, _)| *known == id) {
            self.ids[place].1 = self.ids[place].1.min(wall);
            return place as u32;
        }
        self.ids.push((id, wall));
        self.ids.len() as u32 - 1
    }

    /// The place of each boot, by its number, when boots are ordered by their earliest wall time.
    pub(crate) fn places(&self) -> Vec<u32> {
        let mut order: Vec<usize> = (0..self.ids.len()).collect();
        order.sort_by_key(|&number| (self.ids[number].1, self.ids[number].0));
        let mut places = vec![0; order.len()];
        for (place, number) in order.into_iter().enumerate() {
            places[number] = place as u32;
        }
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boots_are_ordered_by_their_earliest_wall_time() {
        let mut boots = Boots::default();
        assert_eq!(boots.number(BootId([1; 16]), Wall(50)), 0);
        assert_eq!(boots.number(BootId([2; 16]), Wall(20)), 1);
        assert_eq!(boots.number(BootId([1; 16]), Wall(60)), 0);
        assert_eq!(boots.places(), [1, 0]);
    }
}
