//! Where answers come from: a person at the keyboard, or a file or pipe.

use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;

use async_trait::async_trait;

use crate::interview::{Command, Listen};
use crate::store::{Journal, SessionId};
use crate::ui::Ui;
use crate::ui::editor::{Ask, Editor, Entry};
use crate::ui::slash::{Moment, Slash, Typed, parse};
use crate::{Error, Result};

/// The line that ends an answer in a file or pipe.
pub const DIVIDER: &str = "---";

/// What the line begins with, before a number counted from 1, that opens the
/// answers to one question of the interview.
const SECTION: &str = "===";

/// What a script says to a question or follow-up its section has no answer to.
const NOTHING_MORE: &str = "I have nothing to add to that.";

/// Letters of an answer from a file that are echoed; all of it is kept.
const ECHO_LETTERS: usize = 4_000;

/// What the candidate did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Sent an answer.
    Answer(String),
    /// Said what they would give themselves, 0 to 10, or passed.
    OwnScore(Option<u8>),
    /// Gave a command.
    Command(Command),
    /// Will say nothing more.
    End,
    /// Left, to come back later.
    Left,
}

/// Where scripted answers come from.
#[derive(Debug)]
pub enum Input {
    /// A file, which can be read again.
    File(std::fs::File),
    /// Standard input, which cannot.
    Pipe,
}

/// Returns who answers in `session`, with these commands: the person at the
/// keyboard when there is no `input`. `draft` is what had arrived of an answer
/// before a crash.
///
/// # Errors
/// Fails when the terminal cannot be used.
pub fn seat(
    ui: &Ui,
    journal: &Arc<Journal>,
    session: &SessionId,
    input: Option<Input>,
    mut draft: Vec<String>,
    commands: &[Slash],
) -> Result<Box<dyn Candidate>> {
    let journal = Arc::clone(journal);
    Ok(match input {
        Some(Input::File(file)) => Box::new(Script::new(ui, file).with_commands(commands)),
        Some(Input::Pipe) => Box::new(
            Script::kept(ui, std::io::stdin(), journal, session.clone(), &draft)
                .with_commands(commands),
        ),
        None => {
            // A script's answer ends with a divider, a person's with a key.
            draft.pop_if(|line| line.trim() == DIVIDER);
            let draft = draft.join("\n");
            Box::new(Keyboard::new(ui, journal, session.clone(), draft)?.with_commands(commands))
        }
    })
}

/// Somebody who answers.
#[async_trait]
pub trait Candidate: Send {
    /// Waits for an answer or a command.
    ///
    /// # Errors
    /// Fails when the input cannot be read.
    async fn listen(&mut self, listen: &Listen) -> Result<Heard>;

    /// Waits for the candidate to come back after a pause.
    ///
    /// # Errors
    /// As [`Candidate::listen`].
    async fn wait(&mut self) -> Result<Heard>;

    /// Asks what the candidate would give the answer to the question at this
    /// index.
    ///
    /// # Errors
    /// As [`Candidate::listen`].
    async fn predict(&mut self, question: usize) -> Result<Heard>;

    /// Returns whether time passes as words are spoken instead of as the
    /// clock runs, so that the same answers always take as long.
    fn is_scripted(&self) -> bool;
}

/// A person at the keyboard.
pub struct Keyboard {
    ui: Ui,
    editor: Editor,
    journal: Arc<Journal>,
    session: SessionId,
    draft: String,
    told: bool,
    allowed: Vec<Slash>,
}

impl Keyboard {
    /// Returns the person at the keyboard. Every line typed is stored as a
    /// draft of `session` at once; `draft` is what was typed before a crash.
    ///
    /// # Errors
    /// Fails when the terminal cannot be used.
    pub fn new(ui: &Ui, journal: Arc<Journal>, session: SessionId, draft: String) -> Result<Self> {
        Ok(Self {
            ui: ui.clone(),
            editor: Editor::start(ui)?,
            journal,
            session,
            draft,
            told: false,
            allowed: allowed(),
        })
    }

    /// Takes these commands and no others.
    #[must_use]
    pub fn with_commands(mut self, allowed: &[Slash]) -> Self {
        self.allowed = allowed.to_vec();
        self
    }

    fn ask(&self, allowed: Vec<Slash>) -> Ask {
        let journal = Arc::clone(&self.journal);
        let session = self.session.clone();
        Ask::answer(allowed)
            .with_draft(self.draft.clone())
            .on_typed(Arc::new(move |text: &str| {
                let lines: Vec<String> = text.lines().map(str::to_owned).collect();
                if let Err(error) = journal.replace_draft(&session, &lines) {
                    tracing::warn!(%error, "a line could not be stored");
                }
            }))
    }
}

#[async_trait]
impl Candidate for Keyboard {
    async fn listen(&mut self, _listen: &Listen) -> Result<Heard> {
        self.ui.how_to_answer(!self.told);
        self.told = true;
        loop {
            let entry = self.editor.read(self.ask(self.allowed.clone())).await?;
            match entry {
                Entry::Text(text) if text.trim().is_empty() => {}
                Entry::Text(text) => {
                    self.draft.clear();
                    return Ok(Heard::Answer(text));
                }
                Entry::Command {
                    command,
                    argument,
                    draft,
                } => {
                    self.draft = draft;
                    match command_of(command, &argument) {
                        Some(command) => return Ok(Heard::Command(command)),
                        None => self.ui.command_help(&self.allowed),
                    }
                }
                Entry::Leave { draft } => {
                    let lines: Vec<String> = draft.lines().map(str::to_owned).collect();
                    self.journal.replace_draft(&self.session, &lines)?;
                    return Ok(Heard::Left);
                }
                Entry::End => return Ok(Heard::End),
            }
        }
    }

    async fn wait(&mut self) -> Result<Heard> {
        let ask = Ask::line("Press Enter to go on");
        Ok(match self.editor.read(ask).await? {
            Entry::Leave { .. } => Heard::Left,
            Entry::End => Heard::End,
            Entry::Command {
                command: Slash::Quit,
                ..
            } => Heard::Command(Command::Quit),
            Entry::Text(_) | Entry::Command { .. } => Heard::Command(Command::Resume),
        })
    }

    async fn predict(&mut self, question: usize) -> Result<Heard> {
        let prompt = format!(
            "Question {}, your own score, 0 to 10 (Enter passes)",
            question + 1
        );
        loop {
            match self.editor.read(Ask::line(prompt.as_str())).await? {
                Entry::Leave { .. } => return Ok(Heard::Left),
                Entry::End | Entry::Command { .. } => return Ok(Heard::OwnScore(None)),
                Entry::Text(text) => match own_score(&text) {
                    Some(score) => return Ok(Heard::OwnScore(score)),
                    None => self.ui.remark("A number from 0 to 10, or Enter alone."),
                },
            }
        }
    }

    fn is_scripted(&self) -> bool {
        false
    }
}

/// Answers from a file or pipe, divided by lines that hold [`DIVIDER`] alone.
///
/// A file may be cut into sections by lines like `=== 2`: the answer to the
/// second question and then the answers to its follow-ups. A section's answers
/// that nobody asked for are left out, and where it has too few the script has
/// nothing to add, so that such a file fits whatever the panel asks.
///
/// Lines at the beginning of an answer that are commands are commands. Bytes
/// that are not UTF-8 become U+FFFD.
pub struct Script {
    ui: Ui,
    input: Option<BufReader<Box<dyn Read + Send>>>,
    /// Where lines are kept as they arrive, for input that cannot be read again.
    draft: Option<(Arc<Journal>, SessionId)>,
    /// Lines to come that are in the draft already.
    known: usize,
    /// What is left of the answer at hand: its commands were taken off.
    rest: Option<String>,
    /// The section that is being read, counted from 1; 0 outside of any.
    section: usize,
    allowed: Vec<Slash>,
}

impl Script {
    /// Returns the answers of `input`.
    pub fn new(ui: &Ui, input: impl Read + Send + 'static) -> Self {
        Self {
            ui: ui.clone(),
            input: Some(BufReader::new(Box::new(input))),
            draft: None,
            known: 0,
            rest: None,
            section: 0,
            allowed: allowed(),
        }
    }

    /// Returns the answers of `input`, which can be read once only, such as a
    /// pipe: every line is kept as a draft of `session` when it arrives.
    /// `draft` holds the lines that arrived before a crash; they come first.
    pub fn kept(
        ui: &Ui,
        input: impl Read + Send + 'static,
        journal: Arc<Journal>,
        session: SessionId,
        draft: &[String],
    ) -> Self {
        let before: String = draft.iter().map(|line| format!("{line}\n")).collect();
        Self {
            draft: Some((journal, session)),
            known: draft.len(),
            ..Self::new(ui, std::io::Cursor::new(before).chain(input))
        }
    }

    /// Takes these commands and no others.
    #[must_use]
    pub fn with_commands(mut self, allowed: &[Slash]) -> Self {
        self.allowed = allowed.to_vec();
        self
    }

    /// Returns the next answer for what is asked; `None` when there is none.
    async fn next(&mut self, listen: &Listen) -> Result<Option<String>> {
        if let Some(rest) = self.rest.take() {
            return Ok(Some(rest));
        }
        let wanted = listen.question + 1;
        loop {
            if self.section > wanted {
                return Ok(Some(NOTHING_MORE.to_owned()));
            }
            let mine = self.section == 0 || self.section == wanted;
            let Some(piece) = self.read().await? else {
                let left_out = self.section == wanted && listen.follow_up;
                return Ok(left_out.then(|| NOTHING_MORE.to_owned()));
            };
            if let Some(section) = piece.opens {
                self.section = section;
            }
            if let Some(text) = piece.text.filter(|_| mine) {
                return Ok(Some(text));
            }
        }
    }

    async fn read(&mut self) -> Result<Option<Piece>> {
        let Some(mut input) = self.input.take() else {
            return Ok(None);
        };
        // Reading may block for as long as the other side likes; Ctrl-C must
        // still be heard.
        let draft = self.draft.clone();
        let mut known = self.known;
        let (input, answer, known) = tokio::task::spawn_blocking(move || {
            let answer = read_answer(&mut input, &mut |lines: Vec<String>| {
                let old = known.min(lines.len());
                known -= old;
                if let Some((journal, session)) = &draft
                    && old < lines.len()
                    && let Err(error) = journal.append_lines(session, &lines[old..])
                {
                    tracing::warn!(%error, "a line could not be stored");
                }
            });
            (input, answer, known)
        })
        .await
        .map_err(|error| Error::internal("reading the answers failed").caused_by(error))?;
        self.known = known;
        let answer = answer.map_err(|error| {
            Error::usage("the answers cannot be read")
                .caused_by(error)
                .hint("Check the file given with --answers.")
        })?;
        if answer.is_some() {
            self.input = Some(input);
        }
        Ok(answer)
    }
}

#[async_trait]
impl Candidate for Script {
    async fn listen(&mut self, listen: &Listen) -> Result<Heard> {
        while let Some(text) = self.next(listen).await? {
            let (line, rest) = match text.split_once('\n') {
                Some((line, rest)) => (line, Some(rest.to_owned())),
                None => (text.as_str(), None),
            };
            match parse(line, &self.allowed) {
                Typed::Command(slash, argument) => {
                    self.ui.answer_echo(line);
                    self.rest = rest.filter(|rest| !rest.trim().is_empty());
                    match command_of(slash, &argument) {
                        Some(command) => return Ok(Heard::Command(command)),
                        None => self.ui.command_help(&self.allowed),
                    }
                }
                typed => {
                    if let Typed::Unknown(advice) = typed {
                        self.ui.remark(&advice);
                    }
                    self.ui.answer_echo(&echo(&text));
                    return Ok(Heard::Answer(text));
                }
            }
        }
        Ok(Heard::End)
    }

    async fn wait(&mut self) -> Result<Heard> {
        Ok(Heard::Command(Command::Resume))
    }

    async fn predict(&mut self, _question: usize) -> Result<Heard> {
        Ok(Heard::OwnScore(None))
    }

    fn is_scripted(&self) -> bool {
        true
    }
}

/// What stands between two lines that divide.
#[derive(Debug)]
struct Piece {
    /// The answer, if it is one.
    text: Option<String>,
    /// The section that begins behind it.
    opens: Option<usize>,
}

/// Returns the number of a section that `line` opens.
fn section(line: &[u8]) -> Option<usize> {
    let line = std::str::from_utf8(line.trim_ascii()).ok()?;
    let line = line.trim_start_matches('\u{feff}');
    line.strip_prefix(SECTION)?
        .trim()
        .parse()
        .ok()
        .filter(|number| *number > 0)
}

/// Reads up to the next divider or the end; `None` at the end. Lines go to
/// `keep`, the divider too, as many at a time as had arrived together.
fn read_answer(
    input: &mut BufReader<Box<dyn Read + Send>>,
    keep: &mut dyn FnMut(Vec<String>),
) -> std::io::Result<Option<Piece>> {
    let mut bytes = Vec::new();
    let mut line = Vec::new();
    let mut unkept: Vec<String> = Vec::new();
    let mut divided = false;
    let mut opens = None;
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let plain = line.strip_suffix(b"\n").unwrap_or(&line);
        unkept.push(String::from_utf8_lossy(plain).into_owned());
        if input.buffer().is_empty() {
            keep(std::mem::take(&mut unkept));
        }
        if line.trim_ascii() == DIVIDER.as_bytes() {
            divided = true;
            break;
        }
        opens = section(&line);
        if opens.is_some() {
            break;
        }
        bytes.extend_from_slice(&line);
    }
    if !unkept.is_empty() {
        keep(unkept);
    }
    let text = String::from_utf8_lossy(&bytes)
        .replace("\r\n", "\n")
        .trim_matches(['\n', ' ', '\t', '\r', '\u{feff}'])
        .to_owned();
    // An empty answer between two dividers is silence; after the last one it
    // is only the end of the file or of a section.
    let text = (divided || !text.is_empty()).then_some(text);
    Ok((text.is_some() || opens.is_some()).then_some(Piece { text, opens }))
}

/// Returns the score that was typed, or that it was passed over; `None` when
/// it is neither.
fn own_score(text: &str) -> Option<Option<u8>> {
    match text.trim() {
        "" => Some(None),
        text => text.parse().ok().filter(|score| *score <= 10).map(Some),
    }
}

fn echo(text: &str) -> String {
    if text.trim().is_empty() {
        return "(silence)".to_owned();
    }
    match text.char_indices().nth(ECHO_LETTERS) {
        None => text.to_owned(),
        Some((end, _)) => format!(
            "{} \u{2026} ({} more bytes, all kept)",
            &text[..end],
            text.len() - end
        ),
    }
}

/// Returns the commands of an interview.
pub fn allowed() -> Vec<Slash> {
    let mut allowed = Slash::at(Moment::Answering);
    // The next question is asked at once, so that trying the last one again
    // is a command of this moment too.
    allowed.push(Slash::Again);
    // So is contesting a verdict that was just shown.
    allowed.push(Slash::Contest);
    allowed.sort_unstable();
    allowed.dedup();
    allowed
}

fn command_of(slash: Slash, argument: &str) -> Option<Command> {
    Some(match slash {
        Slash::Hint => Command::Hint,
        Slash::Repeat => Command::Repeat,
        Slash::Skip => Command::Skip,
        Slash::Pause => Command::Pause,
        Slash::Time => Command::Time,
        Slash::Status => Command::Status,
        Slash::Why => Command::Why,
        Slash::Again => Command::Again,
        Slash::Harder => Command::Harder,
        Slash::Easier => Command::Easier,
        Slash::Note => Command::Note(argument.to_owned()),
        Slash::Quit => Command::Quit,
        Slash::Contest => {
            let (number, words) = contested(argument)?;
            Command::Contest { number, words }
        }
        Slash::Help => return None,
    })
}

/// Returns the number of a verdict and the words that follow it.
fn contested(argument: &str) -> Option<(usize, String)> {
    let (number, words) = argument
        .split_once(char::is_whitespace)
        .unwrap_or((argument, ""));
    Some((number.parse().ok()?, words.trim().to_owned()))
}

#[cfg(test)]
#[path = "candidate_tests.rs"]
mod tests;
