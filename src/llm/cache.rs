//! Which sequence a prompt goes to and how much of it is there already.
//!
//! Pure bookkeeping over token lists; the contexts that hold the cells are in
//! [`super::chat`].

/// What one sequence of the KV cache holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Slot {
    /// The tokens, in order of position.
    pub(super) tokens: Vec<i32>,
    /// When it was last used, by a counter.
    pub(super) used: u64,
}

/// Where a prompt goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Placement {
    /// The sequence.
    pub(super) slot: usize,
    /// How many of its first tokens stay; at least one of the prompt's is
    /// always decoded again, because its logits are wanted.
    pub(super) keep: usize,
    /// The sequence whose first `keep` cells are shared into it first.
    pub(super) copy_from: Option<usize>,
}

/// Chooses a place for `prompt`.
///
/// The sequence with the longest common beginning is continued when at least
/// half of what it holds is kept; otherwise it is left to whoever filled it,
/// and its beginning is shared into the sequence used least recently.
pub(super) fn place(slots: &[Slot], prompt: &[i32]) -> Placement {
    let wanted = prompt.len().saturating_sub(1);
    let common = |slot: &Slot| {
        slot.tokens
            .iter()
            .zip(prompt)
            .take_while(|(a, b)| a == b)
            .count()
            .min(wanted)
    };
    let best = (0..slots.len()).max_by_key(|&n| (common(&slots[n]), std::cmp::Reverse(n)));
    let Some(best) = best else {
        return Placement {
            slot: 0,
            keep: 0,
            copy_from: None,
        };
    };
    let keep = common(&slots[best]);
    let held = slots[best].tokens.len();
    if held == 0 || keep * 2 >= held {
        return Placement {
            slot: best,
            keep,
            copy_from: None,
        };
    }
    let oldest = (0..slots.len())
        .filter(|&n| n != best)
        .min_by_key(|&n| (!slots[n].tokens.is_empty(), slots[n].used));
    match oldest {
        Some(slot) => Placement {
            slot,
            keep,
            copy_from: (keep > 0).then_some(best),
        },
        None => Placement {
            slot: best,
            keep,
            copy_from: None,
        },
    }
}

/// Returns the sequences to clear, least recently used first, so that
/// `needed` tokens fit beside the others in `capacity` cells. Cells shared by
/// two sequences are counted twice: the answer errs towards clearing.
pub(super) fn evictions(
    slots: &[Slot],
    spare: &[usize],
    needed: usize,
    capacity: usize,
) -> Vec<usize> {
    let mut others: Vec<usize> = (0..slots.len()).filter(|n| !spare.contains(n)).collect();
    others.sort_by_key(|&n| slots[n].used);
    let mut held: usize = others.iter().map(|&n| slots[n].tokens.len()).sum();
    let mut cleared = Vec::new();
    for n in others {
        if held + needed <= capacity {
            break;
        }
        if !slots[n].tokens.is_empty() {
            held -= slots[n].tokens.len();
            cleared.push(n);
        }
    }
    cleared
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(tokens: &[i32], used: u64) -> Slot {
        Slot {
            tokens: tokens.to_vec(),
            used,
        }
    }

    #[test]
    fn a_longer_prompt_continues_its_sequence() {
        let slots = [slot(&[1, 2, 3], 1), slot(&[], 0)];
        let place = place(&slots, &[1, 2, 3, 4, 5]);
        assert_eq!((place.slot, place.keep, place.copy_from), (0, 3, None));
    }

    #[test]
    fn the_last_token_is_always_decoded_again() {
        let slots = [slot(&[1, 2, 3], 1)];
        assert_eq!(place(&slots, &[1, 2, 3]).keep, 2);
    }

    #[test]
    fn another_speaker_gets_a_sequence_of_its_own_and_shares_the_beginning() {
        let slots = [slot(&[1, 2, 3, 4, 5, 6], 5), slot(&[9], 1), slot(&[8], 2)];
        let place = place(&slots, &[1, 2, 7]);
        assert_eq!((place.slot, place.keep, place.copy_from), (1, 2, Some(0)));
    }

    #[test]
    fn the_least_recently_used_make_room() {
        let slots = [slot(&[0; 40], 3), slot(&[0; 40], 1), slot(&[0; 10], 2)];
        assert_eq!(evictions(&slots, &[0], 50, 100), Vec::<usize>::new());
        assert_eq!(evictions(&slots, &[0], 60, 100), [1]);
        assert_eq!(evictions(&slots, &[0], 95, 100), [1, 2]);
    }
}
