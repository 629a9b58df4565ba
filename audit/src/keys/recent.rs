//! A map that forgets what was not asked for lately, in place of growing.

use std::{collections::HashMap, hash::Hash};

/// At most `limit` entries, in two generations: when the young one is full, what is left in the old one is forgotten.
pub(super) struct Recent<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    limit: usize,
}

impl<K: Eq + Hash + Clone, V: Clone> Recent<K, V> {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            limit,
        }
    }

    /// What is kept for the key; keeps it longer.
    pub(super) fn get(&mut self, key: &K) -> Option<V> {
        if let Some(value) = self.young.get(key) {
            return Some(value.clone());
        }
        let (key, value) = self.old.remove_entry(key)?;
        self.put(key, value.clone());
        Some(value)
    }

    /// Keeps it.
    pub(super) fn put(&mut self, key: K, value: V) {
        if self.young.len() >= self.limit / 2 && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_stays_and_the_rest_goes() {
        let mut recent = Recent::new(8);
        for at in 0..1_000 {
            recent.put(at, at);
            assert_eq!(recent.get(&0), Some(0));
            assert!(recent.young.len() + recent.old.len() <= 8);
        }
        assert_eq!(recent.get(&500), None);
    }
}
