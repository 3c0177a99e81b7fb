//! [`Texts`]: what many players say alike, kept once.

use std::collections::BTreeSet;
use std::sync::Arc;

/// Texts that repeat, such as the endpoints of voice servers: each is kept once for all who have
/// it, and forgotten some time after the last of these is gone.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    known: BTreeSet<Arc<str>>,
    /// How many there were after the last look for those that nobody has any more.
    kept: usize,
}

impl Texts {
    /// The text, shared with all who have the same.
    pub(crate) fn share(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.known.get(text) {
            return known.clone();
        }
        if self.known.len() >= self.kept.saturating_mul(2).max(Self::LEAST) {
            self.known.retain(|text| Arc::strong_count(text) > 1);
            self.kept = self.known.len();
        }
        let new: Arc<str> = text.into();
        self.known.insert(new.clone());
        new
    }

    /// So few are kept in any case.
    const LEAST: usize = 64;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_are_one() {
        let mut texts = Texts::default();
        let first = texts.share("frankfurt");
        assert!(Arc::ptr_eq(&first, &texts.share("frankfurt")));
        assert_eq!(&*texts.share("sydney"), "sydney");
    }

    #[test]
    fn what_nobody_has_any_more_is_forgotten() {
        let mut texts = Texts::default();
        let kept: Vec<_> = (0..100).map(|n| texts.share(&n.to_string())).collect();
        for number in 0..100_000 {
            texts.share(&number.to_string());
            assert!(texts.known.len() <= 2 * kept.len() + Texts::LEAST);
        }
        assert!(kept.iter().all(|text| texts.known.contains(text)));
    }
}
