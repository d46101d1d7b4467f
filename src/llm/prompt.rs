//! Prompt assembly: segments become tokens.
//!
//! Framing is split at the vocabulary's markers, which become control tokens;
//! all other text, ours or the candidate's, is tokenised as plain text. Runs
//! of plain text are tokenised in one piece, across the seam between framing
//! and content, as the model saw them in training.

use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::token_type::LlamaTokenAttr;
use llama_cpp_2::vocab::LlamaVocab;

use super::template::Segment;

/// Plain text is tokenised in pieces of at most this many bytes, cut at white
/// space: some of the library's pre-tokenisers recurse once a character.
const PIECE: usize = 16 << 10;

/// A vocabulary with the markers of its framing.
pub(super) struct Tokenizer<'m> {
    vocab: LlamaVocab<'m>,
    /// Markers, longest first: text, token, strips text before, strips after.
    markers: Vec<Marker>,
    /// Whether text gets a space in front (SentencePiece vocabularies).
    adds_space: bool,
}

struct Marker {
    text: String,
    token: i32,
    /// Plain text never becomes a control token, but the library would find a
    /// user-defined marker in it: such text is cut inside the marker.
    found_in_plain_text: bool,
    strips_left: bool,
    strips_right: bool,
}

enum Item {
    Marker(usize),
    /// Plain text in pieces that are tokenised apart from one another.
    Plain(Vec<String>),
}

impl<'m> Tokenizer<'m> {
    /// Returns the tokenizer of `model`.
    pub(super) fn new(model: &'m LlamaModel) -> Self {
        let vocab = model.vocab();
        let mut markers = Vec::new();
        for id in 0..vocab.n_tokens() {
            let token = LlamaToken::new(id);
            let attr = vocab.attr(token);
            let control = attr.contains(LlamaTokenAttr::Control);
            if !control
                && !attr.contains(LlamaTokenAttr::UserDefined)
                && !attr.contains(LlamaTokenAttr::Unknown)
            {
                continue;
            }
            let Some(text) = vocab.text(token).and_then(|text| text.to_str().ok()) else {
                continue;
            };
            // Runs of spaces and the like are user-defined in some vocabularies
            // and are no markers.
            if text.len() < 2 || !(control || text.starts_with(['<', '['])) {
                continue;
            }
            markers.push(Marker {
                text: text.to_owned(),
                token: id,
                found_in_plain_text: !control,
                strips_left: attr.contains(LlamaTokenAttr::LStrip),
                strips_right: attr.contains(LlamaTokenAttr::RStrip),
            });
        }
        markers.sort_by_key(|marker| std::cmp::Reverse(marker.text.len()));
        let mut this = Self {
            vocab,
            markers,
            adds_space: false,
        };
        this.adds_space = this.raw("a") == this.raw(" a") || {
            let first = this.raw("a").first().copied();
            first.is_some_and(|token| this.piece(token, false).starts_with(b" "))
        };
        this
    }

    /// Returns the vocabulary.
    pub(super) fn vocab(&self) -> &LlamaVocab<'m> {
        &self.vocab
    }

    /// Returns the bytes of `token`; control tokens are empty unless `special`.
    pub(super) fn piece(&self, token: i32, special: bool) -> Vec<u8> {
        if token < 0 || token >= self.vocab.n_tokens() {
            return Vec::new();
        }
        self.vocab
            .token_to_piece(LlamaToken::new(token), special, None)
    }

    /// Returns the text of a token such as the beginning-of-text mark, empty
    /// when the vocabulary has none.
    pub(super) fn special_text(&self, token: LlamaToken) -> String {
        if token.0 < 0 || token.0 >= self.vocab.n_tokens() {
            return String::new();
        }
        self.vocab
            .text(token)
            .map(|text| text.to_string_lossy().into_owned())
            .unwrap_or_default()
    }

    /// Returns whether `token` ends the model's turn.
    pub(super) fn ends_turn(&self, token: i32) -> bool {
        self.vocab.is_eog(LlamaToken::new(token))
    }

    /// Returns the tokens of a rendered transcript followed by `prefill`, with
    /// the beginning-of-text mark exactly once where the model wants it.
    pub(super) fn transcript(&self, segments: &[Segment], prefill: Option<&str>) -> Vec<i32> {
        let mut items: Vec<Item> = Vec::new();
        for segment in segments {
            match segment {
                Segment::Framing(text) => self.framing(text, &mut items),
                Segment::Text(text) => self.plain(text, &mut items),
            }
        }
        if let Some(prefill) = prefill {
            self.plain(prefill, &mut items);
        }
        self.strip(&mut items);
        let mut tokens = Vec::new();
        for item in &items {
            match item {
                Item::Marker(marker) => tokens.push(self.markers[*marker].token),
                Item::Plain(pieces) => {
                    for piece in pieces {
                        self.pieces(piece, &mut tokens);
                    }
                }
            }
        }
        self.with_begin(tokens)
    }

    /// Returns the tokens of plain text from the start of a context.
    pub(super) fn plain_text(&self, text: &str) -> Vec<i32> {
        let mut items = Vec::new();
        self.plain(text, &mut items);
        let mut tokens = Vec::new();
        for item in &items {
            if let Item::Plain(pieces) = item {
                for piece in pieces {
                    self.pieces(piece, &mut tokens);
                }
            }
        }
        self.with_begin(tokens)
    }

    /// Returns the tokens of text that follows other text: no mark and no
    /// space of the tokenizer's own in front.
    pub(super) fn continuation(&self, text: &str) -> Vec<i32> {
        let mut items = Vec::new();
        let own_space = self.adds_space && text.starts_with(' ');
        self.plain(if own_space { &text[1..] } else { text }, &mut items);
        let mut tokens = Vec::new();
        for item in &items {
            if let Item::Plain(pieces) = item {
                for piece in pieces {
                    self.pieces(piece, &mut tokens);
                }
            }
        }
        tokens
    }

    fn with_begin(&self, mut tokens: Vec<i32>) -> Vec<i32> {
        let begin = self.vocab.bos().0;
        if begin >= 0 {
            if self.vocab.should_add_bos() && tokens.first() != Some(&begin) {
                tokens.insert(0, begin);
            }
            while tokens.len() > 1 && tokens[0] == begin && tokens[1] == begin {
                tokens.remove(0);
            }
        }
        tokens
    }

    /// Splits framing at its markers: the earliest first, the longest of
    /// those that begin together.
    fn framing(&self, text: &str, items: &mut Vec<Item>) {
        let mut rest = text;
        loop {
            let next = self
                .markers
                .iter()
                .enumerate()
                .filter_map(|(n, marker)| Some((rest.find(&marker.text)?, n)))
                .min();
            match next {
                Some((at, marker)) => {
                    push_plain(&rest[..at], false, items);
                    items.push(Item::Marker(marker));
                    rest = &rest[at + self.markers[marker].text.len()..];
                }
                None => {
                    push_plain(rest, false, items);
                    return;
                }
            }
        }
    }

    /// Adds content, cut inside every marker the library would find in it.
    fn plain(&self, text: &str, items: &mut Vec<Item>) {
        let mut rest = text;
        let mut cut = false;
        loop {
            let next = self
                .markers
                .iter()
                .filter(|marker| marker.found_in_plain_text)
                .filter_map(|marker| rest.find(&marker.text))
                .min();
            match next {
                // The first character of a marker is a bracket: one byte.
                Some(at) => {
                    push_plain(&rest[..at + 1], cut, items);
                    cut = true;
                    rest = &rest[at + 1..];
                }
                None => {
                    push_plain(rest, cut, items);
                    return;
                }
            }
        }
    }

    /// Drops white space beside markers that ask for it, as the library does.
    fn strip(&self, items: &mut [Item]) {
        for n in 0..items.len() {
            let Item::Marker(marker) = items[n] else {
                continue;
            };
            let marker = &self.markers[marker];
            if marker.strips_left
                && n > 0
                && let Item::Plain(pieces) = &mut items[n - 1]
                && let Some(last) = pieces.last_mut()
            {
                last.truncate(last.trim_end().len());
            }
            if marker.strips_right
                && let Some(Item::Plain(pieces)) = items.get_mut(n + 1)
                && let Some(first) = pieces.first_mut()
            {
                let start = first.len() - first.trim_start().len();
                first.drain(..start);
            }
        }
    }

    fn pieces(&self, text: &str, tokens: &mut Vec<i32>) {
        let mut rest = text;
        while rest.len() > PIECE {
            let at = cut_at(rest);
            tokens.extend(self.raw(&rest[..at]));
            rest = &rest[at..];
        }
        if !rest.is_empty() {
            tokens.extend(self.raw(rest));
        }
    }

    fn raw(&self, text: &str) -> Vec<i32> {
        self.vocab
            .tokenize(text.as_bytes(), false, false)
            .into_iter()
            .map(|token| token.0)
            .collect()
    }
}

fn push_plain(text: &str, apart: bool, items: &mut Vec<Item>) {
    if text.is_empty() {
        return;
    }
    match items.last_mut() {
        Some(Item::Plain(pieces)) => match pieces.last_mut() {
            Some(last) if !apart => last.push_str(text),
            _ => pieces.push(text.to_owned()),
        },
        _ => items.push(Item::Plain(vec![text.to_owned()])),
    }
}

/// Where to cut a text longer than [`PIECE`]: before the last white space in
/// reach, or else at the last character boundary.
fn cut_at(text: &str) -> usize {
    let mut end = PIECE.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    match text[..end].rfind(char::is_whitespace) {
        Some(at) if at > PIECE / 2 => at,
        _ => end,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cut_is_inside_the_text_and_on_a_boundary(
            text in proptest::collection::vec("[ a-zé漢]{1,9}", 3000..4000)
        ) {
            let text = text.concat();
            if text.len() > PIECE {
                let at = cut_at(&text);
                prop_assert!(at > 0 && at <= PIECE && text.is_char_boundary(at));
            }
        }
    }
}
