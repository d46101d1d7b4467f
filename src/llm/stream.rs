//! Bytes of tokens become text that may be shown: valid UTF-8, without stop
//! strings and thinking blocks, held back only as long as it could still
//! become one. Pure; knows nothing of models.

/// Blocks in which some models think aloud.
const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// Takes bytes as tokens give them, gives text as it may be shown.
#[derive(Debug, Default)]
pub(super) struct TextStream {
    /// Bytes of a character that is not complete.
    bytes: Vec<u8>,
    /// Text that may be the beginning of a stop string or a thinking mark.
    held: String,
    stops: Vec<String>,
    thinking: bool,
    /// Whether text was released or a thinking block closed: decides whether
    /// white space after a block is dropped.
    after_block: bool,
    text: String,
    stopped: bool,
}

impl TextStream {
    /// Returns a stream that ends before the first of `stops`.
    pub(super) fn new(stops: &[String]) -> Self {
        Self {
            stops: stops.iter().filter(|s| !s.is_empty()).cloned().collect(),
            ..Self::default()
        }
    }

    /// Takes the bytes of one token; returns the text that became showable.
    pub(super) fn push(&mut self, bytes: &[u8]) -> String {
        if self.stopped {
            return String::new();
        }
        self.bytes.extend_from_slice(bytes);
        let decoded = self.decode(false);
        self.held.push_str(&decoded);
        self.release(false)
    }

    /// Returns what is still held back, at the end of the output.
    pub(super) fn finish(&mut self) -> String {
        if self.stopped {
            return String::new();
        }
        let decoded = self.decode(true);
        self.held.push_str(&decoded);
        self.release(true)
    }

    /// Returns whether a stop string was reached.
    pub(super) fn stopped(&self) -> bool {
        self.stopped
    }

    /// Returns all text released so far.
    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// Takes complete characters out of the bytes; what can never become a
    /// character is replaced by U+FFFD.
    fn decode(&mut self, end: bool) -> String {
        let mut text = String::new();
        let mut rest = self.bytes.as_slice();
        loop {
            match std::str::from_utf8(rest) {
                Ok(valid) => {
                    text.push_str(valid);
                    rest = &[];
                    break;
                }
                Err(error) => {
                    let (valid, after) = rest.split_at(error.valid_up_to());
                    text.push_str(&String::from_utf8_lossy(valid));
                    match error.error_len() {
                        Some(length) => {
                            text.push(char::REPLACEMENT_CHARACTER);
                            rest = &after[length..];
                        }
                        None if end => {
                            text.push(char::REPLACEMENT_CHARACTER);
                            rest = &[];
                            break;
                        }
                        None => {
                            rest = after;
                            break;
                        }
                    }
                }
            }
        }
        self.bytes = rest.to_vec();
        text
    }

    fn release(&mut self, end: bool) -> String {
        let mut out = String::new();
        loop {
            if self.thinking {
                match self.held.find(CLOSE) {
                    Some(at) => {
                        self.held.drain(..at + CLOSE.len());
                        self.thinking = false;
                        self.after_block = true;
                        continue;
                    }
                    None => {
                        let keep = if end { 0 } else { overlap(&self.held, CLOSE) };
                        self.held.drain(..self.held.len() - keep);
                        break;
                    }
                }
            }
            if self.after_block {
                let start = self.held.len() - self.held.trim_start().len();
                self.held.drain(..start);
                if self.held.is_empty() {
                    break;
                }
                self.after_block = false;
            }
            let stop = self.stops.iter().filter_map(|s| self.held.find(s)).min();
            let open = self.held.find(OPEN);
            match (stop, open) {
                (Some(at), open) if open.is_none_or(|open| at <= open) => {
                    out.push_str(&self.held[..at]);
                    self.held.clear();
                    self.stopped = true;
                    break;
                }
                (_, Some(at)) => {
                    out.push_str(&self.held[..at]);
                    self.held.drain(..at + OPEN.len());
                    self.thinking = true;
                    continue;
                }
                _ => {}
            }
            let keep = if end {
                0
            } else {
                let marks = self.stops.iter().map(String::as_str).chain([OPEN]);
                marks.map(|m| overlap(&self.held, m)).max().unwrap_or(0)
            };
            out.extend(self.held.drain(..self.held.len() - keep));
            break;
        }
        self.text.push_str(&out);
        out
    }
}

/// The length of the longest end of `text` that begins `mark` without being it.
fn overlap(text: &str, mark: &str) -> usize {
    (1..mark.len())
        .rev()
        .filter(|&n| mark.is_char_boundary(n))
        .find(|&n| text.ends_with(&mark[..n]))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(pieces: &[&[u8]], stops: &[&str]) -> (Vec<String>, bool) {
        let stops: Vec<String> = stops.iter().map(|s| (*s).to_owned()).collect();
        let mut stream = TextStream::new(&stops);
        let mut out: Vec<String> = pieces.iter().map(|p| stream.push(p)).collect();
        out.push(stream.finish());
        assert_eq!(out.concat(), stream.text);
        (out, stream.stopped())
    }

    #[test]
    fn a_character_across_tokens_comes_out_whole() {
        let (out, _) = run(&[b"caf\xc3", b"\xa9"], &[]);
        assert_eq!(out, ["caf", "é", ""]);
    }

    #[test]
    fn a_stop_string_across_tokens_is_never_shown() {
        let (out, stopped) = run(&[b"one\n", b"Cand", b"idate: two"], &["\nCandidate:"]);
        assert_eq!((out.concat().as_str(), stopped), ("one", true));
        assert_eq!(out[0], "one");
    }

    #[test]
    fn text_that_only_began_like_a_stop_string_is_shown() {
        let (out, stopped) = run(&[b"a\nCand", b"y"], &["\nCandidate:"]);
        assert_eq!((out.concat().as_str(), stopped), ("a\nCandy", false));
    }

    #[test]
    fn thinking_is_left_out_with_the_space_after_it() {
        let (out, _) = run(&[b"<th", b"ink>hm", b"</thi", b"nk>\n", b"\nYes"], &[]);
        assert_eq!(out.concat(), "Yes");
    }

    #[test]
    fn a_stop_string_inside_thinking_does_not_stop() {
        let (out, stopped) = run(&[b"<think>a\nb</think>c\nd"], &["\n"]);
        assert_eq!((out.concat().as_str(), stopped), ("c", true));
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        let (out, _) = run(&[b"a\xff", b"b\xe2\x82"], &[]);
        assert_eq!(out.concat(), "a\u{fffd}b\u{fffd}");
    }

    proptest! {
        #[test]
        fn cutting_the_same_bytes_differently_gives_the_same_text(
            text in "[a-cé<>/think\n]{0,40}",
            cuts in proptest::collection::vec(0usize..60, 0..8),
        ) {
            let stops = ["\nb".to_owned(), "ca".to_owned()];
            let mut whole = TextStream::new(&stops);
            whole.push(text.as_bytes());
            whole.finish();
            let mut parts = TextStream::new(&stops);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(text.len())).collect();
            cuts.sort_unstable();
            let mut from = 0;
            for cut in cuts {
                parts.push(&text.as_bytes()[from..cut]);
                from = cut;
            }
            parts.push(&text.as_bytes()[from..]);
            parts.finish();
            prop_assert_eq!(whole.text, parts.text);
        }
    }
}
