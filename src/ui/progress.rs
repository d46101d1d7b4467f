//! Spinners and bars on standard error, for work that takes a moment.
//!
//! Nothing is drawn for the first quarter of a second, nor ever when standard
//! error is not a terminal or `--plain` was given. What is drawn is erased
//! when the work ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::sanitise::sanitise_line;

/// Work that is done sooner than this is not worth a drawing.
const INITIAL_DELAY: Duration = Duration::from_millis(250);
/// Time between two drawings.
const TICK: Duration = Duration::from_millis(100);

/// A spinner or bar; dropping it erases it.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    over: Arc<AtomicBool>,
}

impl Progress {
    /// Returns progress that draws itself onto `multi` after the delay, or
    /// never when `multi` is `None`.
    fn start(bar: ProgressBar, multi: Option<&MultiProgress>) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        bar.set_draw_target(ProgressDrawTarget::hidden());
        if let Some(multi) = multi.cloned() {
            let (bar, over) = (bar.clone(), Arc::clone(&over));
            // Drawing is a nicety: without a thread to spare there is none.
            let _ = std::thread::Builder::new()
                .name("viva-progress".into())
                .spawn(move || {
                    std::thread::sleep(INITIAL_DELAY);
                    if !over.load(Ordering::Acquire) {
                        let bar = multi.add(bar);
                        bar.enable_steady_tick(TICK);
                        // The work may have ended while the bar was put up.
                        if over.load(Ordering::Acquire) {
                            bar.finish_and_clear();
                        }
                    }
                });
        }
        Self { bar, over }
    }

    /// A spinner with a label.
    pub(super) fn spinner(multi: Option<&MultiProgress>, label: &str) -> Self {
        let bar = ProgressBar::new_spinner().with_message(sanitise_line(label));
        bar.set_style(style("{spinner} {msg} {elapsed:.dim}"));
        Self::start(bar, multi)
    }

    /// A bar that counts things.
    pub(super) fn count(multi: Option<&MultiProgress>, total: u64, label: &str) -> Self {
        let bar = ProgressBar::new(total).with_message(sanitise_line(label));
        bar.set_style(style("{msg} [{bar:24}] {pos}/{len} {eta:.dim}"));
        Self::start(bar, multi)
    }

    /// A bar that counts bytes, with speed and time left; a spinner with the
    /// bytes so far where the total is not known.
    pub(super) fn bytes(multi: Option<&MultiProgress>, total: Option<u64>, label: &str) -> Self {
        let bar = match total {
            Some(total) => {
                let bar = ProgressBar::new(total);
                bar.set_style(style(
                    "{msg} [{bar:24}] {binary_bytes}/{binary_total_bytes}, {binary_bytes_per_sec}, {eta} left",
                ));
                bar
            }
            None => {
                let bar = ProgressBar::new_spinner();
                bar.set_style(style(
                    "{spinner} {msg} {binary_bytes}, {binary_bytes_per_sec}",
                ));
                bar
            }
        };
        Self::start(bar.with_message(sanitise_line(label)), multi)
    }

    /// Moves to a position: things or bytes done.
    pub fn set(&self, position: u64) {
        self.bar.set_position(position);
    }

    /// Moves on by a number of things or bytes.
    pub fn add(&self, more: u64) {
        self.bar.inc(more);
    }

    /// Changes the total.
    pub fn set_total(&self, total: u64) {
        self.bar.set_length(total);
    }

    /// Changes the label.
    pub fn label(&self, label: &str) {
        self.bar.set_message(sanitise_line(label));
    }

    /// Starts the clock anew at the present position, so that bytes which were
    /// there before (a resumed download) do not count as speed.
    pub fn resumed_at(&self, position: u64) {
        self.bar.set_position(position);
        self.bar.reset_eta();
        self.bar.reset_elapsed();
    }

    /// Returns the position.
    pub fn position(&self) -> u64 {
        self.bar.position()
    }

    /// Erases the drawing; so does dropping.
    pub fn finish(self) {}
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        self.bar.finish_and_clear();
    }
}

/// Returns a style; a template that does not parse is a defect, for which the
/// plain bar stands in.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
        .tick_chars("|/-\\ ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_progress_still_counts() {
        let progress = Progress::bytes(None, Some(10), "weights");
        progress.add(4);
        progress.add(3);
        assert_eq!(progress.position(), 7);
        assert!(progress.bar.is_hidden());
        progress.finish();
    }

    #[test]
    fn every_template_parses() {
        for template in [
            "{spinner} {msg} {elapsed:.dim}",
            "{msg} [{bar:24}] {pos}/{len} {eta:.dim}",
            "{msg} [{bar:24}] {binary_bytes}/{binary_total_bytes}, {binary_bytes_per_sec}, {eta} left",
            "{spinner} {msg} {binary_bytes}, {binary_bytes_per_sec}",
        ] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
