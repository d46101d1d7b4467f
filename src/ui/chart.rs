//! Small charts out of characters: a bar with its interval, and a row of
//! values over time. They read without colour; where the layout is plain they
//! are made of ASCII alone.

/// Cells of a bar.
pub const BAR: usize = 20;

/// Values that a row over time shows at most, the latest ones.
pub const SPARKS: usize = 40;

/// Returns a bar of [`BAR`] cells for an estimate with its interval, each 0 to
/// 1: full up to the lower end, shaded within the interval, empty beyond it.
pub fn bar(low: f64, high: f64, plain: bool) -> String {
    let cell = |share: f64| (share.clamp(0.0, 1.0) * BAR as f64).round() as usize;
    let (from, to) = (cell(low), cell(high).max(cell(low)));
    let (full, shaded, empty) = if plain {
        ("#", "+", ".")
    } else {
        ("\u{2588}", "\u{2592}", "\u{b7}")
    };
    let cells = [
        full.repeat(from),
        shaded.repeat(to - from),
        empty.repeat(BAR - to),
    ]
    .concat();
    if plain { format!("[{cells}]") } else { cells }
}

/// Returns values over time, each 0 to 1, with a `|` where the second part
/// changes from one value to the next: values on its two sides may not be
/// compared. In the plain layout a value is the digit of its tenth, 9 for the
/// highest two.
pub fn sparks(values: &[(f64, usize)], plain: bool) -> String {
    const BLOCKS: [char; 8] = [
        '\u{2581}', '\u{2582}', '\u{2583}', '\u{2584}', '\u{2585}', '\u{2586}', '\u{2587}',
        '\u{2588}',
    ];
    let from = values.len().saturating_sub(SPARKS);
    let mut out = String::new();
    if from > 0 {
        out.push_str("...");
    }
    let mut before = None;
    for (value, group) in values.iter().skip(from) {
        if before.is_some_and(|before| before != *group) {
            out.push('|');
        }
        before = Some(*group);
        let value = value.clamp(0.0, 1.0);
        out.push(if plain {
            let tenth = ((value * 10.0 + 1e-9) as u32).min(9);
            char::from_digit(tenth, 10).unwrap_or('?')
        } else {
            let level = ((value * 8.0) as usize).min(BLOCKS.len() - 1);
            BLOCKS.get(level).copied().unwrap_or('?')
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_shows_what_is_sure_and_what_is_not() {
        assert_eq!(bar(0.25, 0.5, true), "[#####+++++..........]");
        assert_eq!(bar(0.0, 1.0, true), format!("[{}]", "+".repeat(20)));
        assert_eq!(bar(1.0, 1.0, false), "\u{2588}".repeat(20));
        assert_eq!(bar(0.9, 0.1, true).len(), 22);
    }

    #[test]
    fn values_over_time_break_where_they_may_not_be_compared() {
        let values = [(0.0, 0), (0.3, 0), (0.55, 1), (1.0, 1)];
        assert_eq!(sparks(&values, true), "03|59");
        assert_eq!(sparks(&values, false), "\u{2581}\u{2583}|\u{2585}\u{2588}");
        assert_eq!(sparks(&[], true), "");
    }

    #[test]
    fn of_many_values_the_latest_are_shown() {
        let many = vec![(0.5, 0); SPARKS + 7];
        assert_eq!(sparks(&many, true), format!("...{}", "5".repeat(SPARKS)));
    }
}
