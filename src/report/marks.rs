//! Which parts of an answer earned or lost points: overlapping byte ranges
//! made into consecutive pieces of text.

use serde::Serialize;

/// What a piece of an answer did, in rising order: where ranges overlap, the
/// higher is shown, because a mistake inside a good sentence must be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mark {
    /// Nothing.
    Plain,
    /// It earned a point.
    Covered,
    /// It earned a part of one.
    Partial,
    /// It was wrong or hurt.
    Wrong,
}

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) mark: Mark,
}

/// Cuts `answer` at the ends of `ranges`; the pieces joined are the answer.
/// Ranges that are not on character boundaries or out of it are left out.
pub(super) fn pieces(answer: &str, ranges: &[(usize, usize, Mark)]) -> Vec<Piece> {
    let sound: Vec<_> = ranges
        .iter()
        .filter(|(start, end, _)| start < end && answer.get(*start..*end).is_some())
        .collect();
    let mut cuts: Vec<usize> = sound
        .iter()
        .flat_map(|(start, end, _)| [*start, *end])
        .chain([0, answer.len()])
        .collect();
    cuts.sort_unstable();
    cuts.dedup();
    let mut pieces: Vec<Piece> = Vec::new();
    for pair in cuts.windows(2) {
        let [from, to] = *pair else { continue };
        let mark = sound
            .iter()
            .filter(|(start, end, _)| *start <= from && to <= *end)
            .map(|(_, _, mark)| *mark)
            .max()
            .unwrap_or(Mark::Plain);
        let Some(text) = answer.get(from..to) else {
            continue;
        };
        match pieces.last_mut() {
            Some(last) if last.mark == mark => last.text.push_str(text),
            _ => pieces.push(Piece {
                text: text.to_owned(),
                mark,
            }),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_mistake_inside_a_good_sentence_is_seen() {
        let made = pieces(
            "good bad good",
            &[(0, 13, Mark::Covered), (5, 8, Mark::Wrong)],
        );
        let seen: Vec<(&str, Mark)> = made.iter().map(|p| (p.text.as_str(), p.mark)).collect();
        assert_eq!(
            seen,
            [
                ("good ", Mark::Covered),
                ("bad", Mark::Wrong),
                (" good", Mark::Covered)
            ]
        );
    }

    proptest! {
        #[test]
        fn the_pieces_joined_are_the_answer(
            answer in ".{0,60}",
            ranges in prop::collection::vec((0_usize..80, 0_usize..80), 0..6),
        ) {
            let ranges: Vec<_> = ranges.into_iter().map(|(a, b)| (a, b, Mark::Partial)).collect();
            let joined: String = pieces(&answer, &ranges).into_iter().map(|p| p.text).collect();
            prop_assert_eq!(joined, answer);
        }
    }
}
