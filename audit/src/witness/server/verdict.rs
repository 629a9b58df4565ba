//! What a witness says to a checkpoint, from what it has seen and what is submitted.

use crate::log::{consistency::verify, tree::Hash};

/// What it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It continues what was seen.
    Cosign,
    /// The client believes that another size was seen than this one.
    Seen(u64),
    /// It goes back.
    Back,
    /// It does not continue what was seen.
    Inconsistent,
}

/// Judges a tree of size and root, with a proof from the size that the client believes to be seen.
pub(super) fn judge(
    seen: (u64, &Hash),
    (old, proof): (u64, &[Hash]),
    new: (u64, &Hash),
) -> Verdict {
    if old > new.0 {
        Verdict::Back
    } else if old != seen.0 {
        Verdict::Seen(seen.0)
    } else if verify(seen, new, proof) {
        Verdict::Cosign
    } else {
        Verdict::Inconsistent
    }
}

#[cfg(test)]
mod tests {
    //! Every pair of small trees.

    use super::*;
    use crate::log::{
        consistency::build,
        tree::{leaf_hash, root_of},
    };

    fn leaves(count: u64, changed: Option<u64>) -> Vec<Hash> {
        (0..count)
            .map(|at| leaf_hash(format!("{at} {}", changed == Some(at)).as_bytes()))
            .collect()
    }

    #[test]
    fn only_what_continues_the_tree_that_was_seen_is_cosigned() {
        let all = leaves(20, None);
        let root = |count: u64| root_of(&all[..usize::try_from(count).unwrap()]);
        for seen in 0..=20 {
            for new in 0..=20 {
                for old in 0..=20 {
                    let proof = build(&mut all.as_slice(), old, new).unwrap_or_default();
                    let said = judge((seen, &root(seen)), (old, &proof), (new, &root(new)));
                    let expected = match (old > new, old == seen) {
                        (true, _) => Verdict::Back,
                        (false, false) => Verdict::Seen(seen),
                        (false, true) => Verdict::Cosign,
                    };
                    assert_eq!(said, expected, "{seen} {old} {new}");
                }
            }
        }
    }

    #[test]
    fn a_tree_with_a_changed_leaf_is_never_cosigned_whatever_proves_it() {
        let all = leaves(20, None);
        for seen in 1..=20 {
            for changed in 0..seen {
                let forged = leaves(20, Some(changed));
                for new in seen..=20 {
                    let root = root_of(&all[..usize::try_from(seen).unwrap()]);
                    let other = root_of(&forged[..usize::try_from(new).unwrap()]);
                    for source in [&all, &forged] {
                        let proof = build(&mut source.as_slice(), seen, new).unwrap();
                        let said = judge((seen, &root), (seen, &proof), (new, &other));
                        assert_eq!(said, Verdict::Inconsistent, "{seen} {changed} {new}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_proof_that_is_cut_or_too_long_is_refused() {
        let all = leaves(20, None);
        let (seen, new) = (root_of(&all[..7]), root_of(&all));
        let proof = build(&mut all.as_slice(), 7, 20).unwrap();
        let long = [proof.as_slice(), &[[0; 32]]].concat();
        for proof in [&proof[1..], &proof[..proof.len() - 1], &long, &[]] {
            let said = judge((7, &seen), (7, proof), (20, &new));
            assert_eq!(said, Verdict::Inconsistent);
        }
    }
}
