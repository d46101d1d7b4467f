//! Where a story as it is told has its parts: situation, task, action, result
//! and lesson. It goes by the grammar of telling rather than by set phrases:
//! time and place before anything was done, a duty that somebody gives or
//! takes, verbs in the past after "I", a change in something else afterwards.
//!
//! The judge has signals of its own (`judge::star`), which its weights were
//! fitted with; these serve the bank of stories alone.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

use super::pattern::{Pattern, any_of, is_past, patterns};
use crate::guide::StarPart;
use crate::judge::text::{Text, sentences};

/// A time, or a place of work.
static SETTING: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    patterns(
        "last|that|this|one|late|early <season>
         <number>|few|couple|some of? <span> ago|back|earlier|before
         in|since|around|early|late <year>
         back in|when|at|then
         while ago|back
         one day|morning|night|evening|afternoon|weekend
         when i|we was|were|worked|joined|started|had|took|led|ran
         during my|our|the|a <season>|<span>|migration|launch|internship|project
         this|it|that was|happened at|in|when|during|for|on
         at|for|with|in|from a|an|my|our|the|this ~3 <organisation>
         at|in my|our last|old|previous|first|current|former
         my old|previous|last|former|first job|company|team|role|employer|place
         i|we worked|working|interned|consulted at|for|in|on",
    )
});

/// A state of affairs: a situation only before anything was done.
static AFFAIRS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    patterns(
        "we|they had|ran|used|inherited|kept a|an|the|this|one|no|<number>
         there was|were
         our|the ~3 kept|broke|failed|crashed|stopped|started|collapsed|drifted
         our|the ~3 was|were|went|got down|out|broken|failing|slow|late|wrong|unstable|stuck|behind
         our ~3 was|were|had|looked|took|did|didnt
         nobody|noone|everybody|everyone knew|wanted|owned|trusted|believed|used|complained
         no one knew|wanted|owned|trusted|believed",
    )
});

/// A duty: owned, given or taken.
static DUTY: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    patterns(
        "my ~2 job|role|task|responsibility|part|brief|assignment|remit|mission|duty|turn|mandate
         the|our|my|his|her ~1 goal|aim|target|brief|ask|task|job|assignment|mission was|is
         i|we was|were|got|am|had ~1 asked|told|given|assigned|tasked|handed|responsible|charged|put|brought|hired|picked|chosen|appointed|supposed|expected|meant|accountable|staffed
         i|we was|were|am ~1 in|on charge|call|duty|rota|rotation|hook|point
         i|we was|were the|only one|person|engineer|owner
         i|we had|needed|have|was|were|got to
         i ~2 owned|own|led|lead|headed|managed|coordinated
         i ~2 offered|volunteered|agreed|promised|undertook|committed|decided to|for
         i ~2 volunteered
         i ~2 signed|stepped|put up|in|forward
         i ~1 put|raised|stuck my hand
         i ~2 took ~4 on|over|ownership|charge|lead|responsibility
         i ~1 picked ~3 up
         fell|came|landed|was|left|it|up|down|passed to|on|with|upon me|us
         it|that|this|which was|became mine|ours
         so|and ~2 was|became mine|ours
         left|gave|handed|passed|assigned ~3 to me|us
         asked|told|wanted|needed|tasked|expected|trusted|got|let|begged me|us to|if|for|with
         gave|handed|assigned|offered me|us a|an|the|this|that|two|three|<number>|until|full
         put|set|placed|stuck me|us on|in|onto|to
         made me|us the|responsible|owner|lead|a|point
         i said id|ill",
    )
});

/// Verbs of somebody else's change that need no more.
const CHANGED: &str = "dropped|fell|rose|grew|climbed|shrank|shrunk|jumped|improved|increased|decreased|\
    doubled|halved|tripled|recovered|sank|plummeted|soared|declined|stabilised|stabilized|\
    disappeared|vanished|stopped|quit|converged|adopted|thanked|approved|renewed|passed|reached|hit|moved";

/// An outcome, wherever it stands.
static OUTCOME: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    patterns(
        "as a|the result
         in the end
         the end? result|outcome|upshot|payoff was|is
         ended up
         paid off
         from <number> ~4 to ~3 <number>
         down|up from ~2 <number>
         half the|as time|cost|size|long|many|much|number
         takes|take|costs|cost|needs|need ~2 <number>|half|less|minutes|seconds now|instead
         takes|take|costs|cost|needs|need ~1 half|less|minutes|seconds
         used to take|cost|need",
    )
});

/// An outcome once something was done.
static AFTERWARDS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    patterns(
        "went|came|go|goes|gone ~2 live|up|down|away|smoothly
         went|came|got|is|are|was|were|stands ~2 to|at|under|below|above|within|by ~1 <number>
         i|we|that|it|this|which|and|got ~1 cut|reduced|brought|saved|raised|lowered|improved|increased|dropped|got|pushed|took|sped|shaved ~6 from|to|by|of|off|under|below ~2 <number>|half|percent|zero
         i|we|that|it|this|which|and saved|freed|avoided|prevented|recovered|unblocked us|the|them|about|around|roughly|<number>
         we|it|they|which|that shipped|launched|released|delivered|landed|finished|signed|won|closed|hit|met|made
         hasnt|havent|hadnt|isnt|never|no|not|without|nothing ~6 since|anymore|again|afterwards
         has|have ~2 since|caught|stayed|held|run|been
         still runs|run|running|use|used|in|there|works|going
         it|that|they|everything|this worked|works|held|stuck|runs|ran
         became the|a|our|standard|part
         they|he|she|team|teams|people|everyone|director|customers|users now|started|use|asked|signed|agreed|kept|got|sent|went|came|stopped|trusted|adopted
         by the end|time|summer|spring|autumn|winter|evening|next|following
         by <season>
         now|today we|it|they|the|everyone|every
         percent|points more|less|fewer|better|faster|cheaper|lower|higher
         <number> ~2 more|less|fewer|better|faster|cheaper|lower|higher
         was|were|is|are ~1 happy|delighted|relieved|impressed|pleased|solved|fixed|gone|stable",
    )
});

/// Hindsight, and what is done otherwise since.
static HINDSIGHT: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    patterns(
        "i|we ~2 learned|learnt|realised|realized|understood
         taught|showed|reminded me|us
         lesson|lessons|takeaway|moral|learning
         next time
         in hindsight|retrospect
         with hindsight
         looking back
         these days|nowadays ~2 i|we
         nowadays ~2 i|we
         since|from|after then|on|that ~1 i|we ~2 always|never|ask|check|start|make|write|try|do|keep|insist
         ever since ~2 i
         i|we now|always|never|still ~1 ask|check|start|make|write|try|do|keep|insist|begin|test|talk|look|put|read|run|take|tell|get|plan|measure
         now|today i|we ~1 always|never|ask|check|start|make|write|try|do|keep|insist|begin
         i|we should|shouldve|couldve ~1 have|ve
         i|we shouldve|couldve
         i|id|we|wed would|d|do|go|start|ask|talk|have|get ~3 differently|sooner|earlier|first
         if i|we did|had|were it? ~2 again
         id|wed ~3 differently|earlier|sooner|instead|first
         what i|we ~1 took|take|learned|learnt|carry|remember
         stuck|stayed with me
         i|we ~1 take|took ~2 away|from",
    )
});

/// Verbs that, after "I", are not something done: states, wishes, hindsight,
/// and the taking of a duty.
const NOT_DONE: &str = "was|were|had|did|thought|guessed|felt|meant|believed|wanted|hoped|loved|\
    liked|needed|supposed|used|seemed|worked|joined|interned|enjoyed|owned|volunteered|agreed|\
    learned|learnt|realised|realized|understood|knew|remembered|expected|offered|got";

/// Words that may stand between "I" and its verb.
const ADVERBS: &str = "just|then|also|first|even|finally|actually|basically|personally|myself|\
    immediately|quickly|really|still|simply|soon|always|only|so|kind|of|sort";

/// What the words of a story say of its parts.
pub struct Parts {
    text: Text,
    sentences: Vec<Range<usize>>,
    told: [Vec<Range<usize>>; 5],
}

impl Parts {
    /// Looks for the parts of `story`.
    pub fn of(story: &str) -> Self {
        let text = Text::new(story);
        let sentences = in_words(story, &text);
        let done = done(story, &text, &sentences);
        let first = done.first().map(|range| range.start);
        let (mut setting, mut duty, mut outcome, mut lesson) = (vec![], vec![], vec![], vec![]);
        for sentence in &sentences {
            let words = &text.words[sentence.clone()];
            let found = |patterns: &[Pattern]| -> Vec<Range<usize>> {
                any_of(patterns, words)
                    .into_iter()
                    .map(|range| sentence.start + range.start..sentence.start + range.end)
                    .collect()
            };
            setting.extend(found(&SETTING));
            setting.extend(
                found(&AFFAIRS)
                    .into_iter()
                    .filter(|range| first.is_none_or(|first| range.start < first)),
            );
            let duties = found(&DUTY);
            let lessons = found(&HINDSIGHT);
            let apart = |range: &Range<usize>| {
                !duties
                    .iter()
                    .chain(&lessons)
                    .any(|other| other.start < range.end && range.start < other.end)
            };
            // "They went" is no outcome where the row of what was done goes on
            // with "went".
            let of_row = |range: &Range<usize>| {
                done.iter()
                    .any(|verb| verb.len() == 1 && range.contains(&verb.start))
            };
            outcome.extend(found(&OUTCOME));
            outcome.extend(
                found(&AFTERWARDS)
                    .into_iter()
                    .chain(changes(&text, sentence))
                    .filter(|range| first.is_none_or(|first| range.start > first))
                    .filter(|range| apart(range) && !of_row(range)),
            );
            duty.extend(duties);
            lesson.extend(lessons);
        }
        Self {
            told: [setting, duty, done, outcome, lesson],
            sentences,
            text,
        }
    }

    /// Returns how clearly `part` is told, 0 to 1: more of the same adds less
    /// and less.
    pub fn signal(&self, part: StarPart) -> f32 {
        let told = self.told(part);
        let (count, enough) = match part {
            StarPart::Action => {
                let verbs: BTreeSet<&str> = told
                    .iter()
                    .map(|range| self.text.words[range.end - 1].stem.as_str())
                    .collect();
                (verbs.len(), 2.0)
            }
            _ => (told.len(), 1.0),
        };
        1.0 - (-(count as f32) / enough).exp()
    }

    /// Returns the bytes at which `part` is told.
    pub fn places(&self, part: StarPart) -> Vec<usize> {
        self.told(part)
            .iter()
            .map(|range| self.text.words[range.start].span.start)
            .collect()
    }

    /// Returns whether the number at the byte `at`, in a sentence that tells
    /// the result, is a number of the result: not one of what the teller did
    /// on the way, in a clause of its own before it.
    pub fn is_of_result(&self, at: usize) -> bool {
        let Some(word) = self
            .text
            .words
            .iter()
            .position(|word| word.span.start <= at && at < word.span.end)
        else {
            return false;
        };
        let Some(sentence) = self.sentences.iter().find(|range| range.contains(&word)) else {
            return false;
        };
        let start_of = |part, until: usize| {
            self.told(part)
                .iter()
                .filter(|range| sentence.contains(&range.start) && range.start <= until)
                .map(|range| range.start)
                .max()
        };
        let within = |range: &Range<usize>| range.contains(&word);
        if self.told(StarPart::Result).iter().any(within) {
            return true;
        }
        match (
            start_of(StarPart::Result, word),
            start_of(StarPart::Action, word),
        ) {
            (Some(result), Some(action)) => result >= action,
            (None, Some(_)) => false,
            // "Twelve fewer pages a week" has its number before the change.
            (_, None) => true,
        }
    }

    fn told(&self, part: StarPart) -> &[Range<usize>] {
        &self.told[match part {
            StarPart::Situation => 0,
            StarPart::Task => 1,
            StarPart::Action => 2,
            StarPart::Result => 3,
            StarPart::Lesson => 4,
        }]
    }
}

/// Returns the words of each sentence of `story`.
fn in_words(story: &str, text: &Text) -> Vec<Range<usize>> {
    let mut at = 0;
    sentences(story)
        .into_iter()
        .map(|bytes| {
            let start = at;
            while text
                .words
                .get(at)
                .is_some_and(|word| word.span.start < bytes.end)
            {
                at += 1;
            }
            start..at
        })
        .collect()
}

/// Returns what the teller did: "I", an adverb or two, a verb in the past, and
/// the verbs that follow it in the same row ("I read, found and split").
fn done(story: &str, text: &Text, sentences: &[Range<usize>]) -> Vec<Range<usize>> {
    let listed = |list: &str, word: &str| list.split('|').any(|one| one == word);
    let is_done = |at: usize| {
        let word = text.words[at].text.as_str();
        is_past(word) && !listed(NOT_DONE, word)
    };
    let mut out = Vec::new();
    for sentence in sentences {
        let mut ours = false;
        let mut at = sentence.start;
        while at < sentence.end {
            let word = text.words[at].text.as_str();
            if word == "i" {
                let verb = (at + 1..sentence.end.min(at + 4)).find(|next| {
                    let next = text.words[*next].text.as_str();
                    !listed(ADVERBS, next) && !next.ends_with("ly")
                });
                ours = false;
                if let Some(verb) = verb.filter(|verb| is_done(*verb)) {
                    out.push(at..verb + 1);
                    ours = true;
                    at = verb;
                }
            } else if ours {
                let before = &text.words[at - 1];
                let gap = story
                    .get(before.span.end..text.words[at].span.start)
                    .unwrap_or_default();
                let joined = gap.contains([',', ';']);
                let and = matches!(before.text.as_str(), "and" | "then" | "also" | "finally");
                if (joined || and) && is_done(at) {
                    out.push(at..at + 1);
                } else if (joined || and) && is_subject(word) {
                    ours = false;
                }
            }
            at += 1;
        }
    }
    out
}

/// Returns whether a clause with somebody else in it begins with `word`.
fn is_subject(word: &str) -> bool {
    matches!(
        word,
        "we" | "they" | "he" | "she" | "it" | "that" | "this" | "which" | "who" | "the" | "our"
    )
}

/// Returns the verbs of `sentence` by which something else than the teller
/// changed; not what had changed before.
fn changes(text: &Text, sentence: &Range<usize>) -> Vec<Range<usize>> {
    sentence
        .clone()
        .skip(1)
        .filter(|at| {
            let word = |at: usize| text.words[at].text.as_str();
            CHANGED.split('|').any(|verb| verb == word(*at))
                && !matches!(
                    word(at - 1),
                    "i" | "had" | "have" | "to" | "and" | "then" | "a" | "the" | "been"
                )
        })
        .map(|at| at..at + 1)
        .collect()
}
