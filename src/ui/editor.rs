//! The line editor in which a person types answers of several lines.
//!
//! rustyline runs on a thread of its own, because it blocks; while it holds
//! the terminal nothing else prints. The whole answer is one buffer, so that
//! earlier lines can still be mended. Enter starts a new line; a blank line,
//! Ctrl-S or Alt-Enter sends. A pasted text is inserted as it is, blank lines
//! and all. Ctrl-C clears the line, twice in a row leaves; Ctrl-D at the end
//! of an answer sends it, and on an empty screen ends.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use rustyline::completion::{Completer, Pair};
use rustyline::config::BellStyle;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::{Hint, Hinter};
use rustyline::history::{DefaultHistory, History};
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{
    Behavior, Cmd, ColorMode, CompletionType, ConditionalEventHandler, Config, Event, EventContext,
    EventHandler, Helper, KeyCode, KeyEvent, Modifiers, Movement, RepeatCount,
};
use tokio::sync::oneshot;

use super::Ui;
use super::out::lock;
use super::slash::{Slash, Typed, parse};
use super::terminal::TerminalGuard;
use super::theme::Meaning;
use crate::{Error, Result};

/// Called with everything typed so far, each time a line is entered.
pub type OnTyped = Arc<dyn Fn(&str) + Send + Sync>;

/// What is asked of the person.
#[derive(Clone)]
pub struct Ask {
    /// The prompt, for example `you`.
    pub prompt: String,
    /// Words that are in the editor from the start: a draft to go on with.
    pub draft: String,
    /// The commands that mean something now.
    pub allowed: Vec<Slash>,
    /// Whether one line is all that is wanted: Enter sends, even an empty one.
    pub one_line: bool,
    /// Called on the editor's thread with the draft whenever a line is
    /// entered, so that it can be stored at once. It must not print.
    pub on_typed: Option<OnTyped>,
}

impl std::fmt::Debug for Ask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ask")
            .field("prompt", &self.prompt)
            .field("draft", &self.draft)
            .field("allowed", &self.allowed)
            .field("one_line", &self.one_line)
            .finish_non_exhaustive()
    }
}

impl Ask {
    /// Asks for an answer of any length.
    pub fn answer(allowed: Vec<Slash>) -> Self {
        Self {
            prompt: "you".into(),
            draft: String::new(),
            allowed,
            one_line: false,
            on_typed: None,
        }
    }

    /// Asks for one line.
    pub fn line(prompt: impl Into<String>) -> Self {
        Self {
            prompt: prompt.into(),
            draft: String::new(),
            allowed: Vec::new(),
            one_line: true,
            on_typed: None,
        }
    }

    /// Goes on with what was typed before.
    #[must_use]
    pub fn with_draft(mut self, draft: impl Into<String>) -> Self {
        self.draft = draft.into();
        self
    }

    /// Reports the draft whenever a line is entered.
    #[must_use]
    pub fn on_typed(mut self, call: OnTyped) -> Self {
        self.on_typed = Some(call);
        self
    }
}

/// What the person did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// Sent an answer; trimmed of white space at both ends.
    Text(String),
    /// Typed a command.
    Command {
        /// The command.
        command: Slash,
        /// What followed its name.
        argument: String,
        /// The lines typed before it: hand them back with the next [`Ask`].
        draft: String,
    },
    /// Pressed Ctrl-C twice.
    Leave {
        /// What had been typed.
        draft: String,
    },
    /// Ended the input.
    End,
}

/// What Enter means for what is in the editor.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Decision {
    /// Another line follows.
    More,
    /// The answer, or the command, is complete.
    Send,
    /// Nothing is sent; the message says why.
    Refuse(String),
}

/// Decides what Enter means at the end of `text`.
fn decide(text: &str, ask: &Ask) -> Decision {
    if ask.one_line {
        return match parse(text, &ask.allowed) {
            Typed::Unknown(message) if !ask.allowed.is_empty() => Decision::Refuse(message),
            _ => Decision::Send,
        };
    }
    let last = text.rsplit('\n').next().unwrap_or(text);
    match parse(last, &ask.allowed) {
        Typed::Command(..) => Decision::Send,
        Typed::Unknown(message) => {
            Decision::Refuse(format!("{message} To send it as words, press Ctrl-S."))
        }
        Typed::Words if text.trim().is_empty() => Decision::Refuse(
            if ask.allowed.contains(&Slash::Skip) {
                "Type an answer, or /skip to leave this question."
            } else {
                "Type something, or press Ctrl-D to leave."
            }
            .into(),
        ),
        Typed::Words if last.trim().is_empty() => Decision::Send,
        Typed::Words => Decision::More,
    }
}

/// Makes an entry of what was sent.
fn entry(text: &str, ask: &Ask, as_words: bool) -> Entry {
    let body = text.trim_end();
    let (before, last) = match body.rsplit_once('\n') {
        Some((before, last)) => (before, last),
        None => ("", body),
    };
    match parse(last, &ask.allowed) {
        Typed::Command(command, argument) if !as_words => Entry::Command {
            command,
            argument,
            draft: before.to_owned(),
        },
        _ => Entry::Text(text.trim().to_owned()),
    }
}

/// What the editor's parts share.
#[derive(Default)]
struct Shared {
    ask: Mutex<Option<Ask>>,
    /// What is in the editor at this moment.
    now: Mutex<String>,
    /// How many lines have been reported.
    lines: Mutex<usize>,
    /// Ctrl-C was pressed on an empty line: once more leaves.
    armed: AtomicBool,
    /// Ctrl-C has just cleared a line.
    cleared: AtomicBool,
    /// The text is to be sent as words even if it looks like a command.
    as_words: AtomicBool,
}

impl Shared {
    /// Takes note of what is in the editor; reports it when a line was added.
    fn note(&self, text: &str) {
        {
            let mut now = lock(&self.now);
            if now.as_str() != text {
                self.armed.store(false, Ordering::Release);
                text.clone_into(&mut now);
            }
        }
        let count = text.matches('\n').count();
        let reported = std::mem::replace(&mut *lock(&self.lines), count);
        if count > reported
            && let Some(ask) = lock(&self.ask).as_ref()
            && let Some(call) = &ask.on_typed
        {
            call(text.trim_end_matches('\n'));
        }
    }
}

/// A note behind the cursor; nothing of it can be taken into the text.
struct Note(String);

impl Hint for Note {
    fn display(&self) -> &str {
        &self.0
    }

    fn completion(&self) -> Option<&str> {
        None
    }
}

struct Assistant {
    shared: Arc<Shared>,
    ui: Ui,
}

impl Helper for Assistant {}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        pos: usize,
        _ctx: &rustyline::Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let ask = lock(&self.shared.ask);
        let allowed = ask.as_ref().map_or(&[][..], |ask| &ask.allowed);
        Ok(complete(line, pos, allowed))
    }
}

/// Returns the commands that the word before the cursor may become, and where
/// that word begins. Only a word at the beginning of a line can be a command.
fn complete(line: &str, pos: usize, allowed: &[Slash]) -> (usize, Vec<Pair>) {
    let before = &line[..pos];
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let word = &before[start..];
    if !word.starts_with('/') {
        return (pos, Vec::new());
    }
    let found = allowed
        .iter()
        .map(|command| command.info())
        .filter(|info| info.name.starts_with(word))
        .map(|info| Pair {
            display: info.name.to_owned(),
            replacement: if info.argument.is_empty() {
                info.name.to_owned()
            } else {
                format!("{} ", info.name)
            },
        })
        .collect();
    (start, found)
}

impl Hinter for Assistant {
    type Hint = Note;

    fn hint(&self, line: &str, pos: usize, _ctx: &rustyline::Context<'_>) -> Option<Note> {
        self.shared.note(line);
        if self.shared.armed.load(Ordering::Acquire) {
            return Some(Note("(Ctrl-C again leaves; all is saved)".into()));
        }
        if !line_at(line, pos).is_empty() {
            self.shared.cleared.store(false, Ordering::Release);
        } else if self.shared.cleared.load(Ordering::Acquire) {
            return Some(Note("(Ctrl-Y brings it back)".into()));
        }
        if pos < line.len() {
            return None;
        }
        let last = line.rsplit('\n').next().unwrap_or(line);
        if line.contains('\n') && last.is_empty() && !line.trim().is_empty() {
            return Some(Note("(Enter sends)".into()));
        }
        let ask = lock(&self.shared.ask);
        match parse(last, ask.as_ref().map_or(&[][..], |ask| &ask.allowed)) {
            Typed::Command(command, _) => Some(Note(format!("  {}", command.info().help))),
            _ => None,
        }
    }
}

impl Highlighter for Assistant {
    fn highlight_hint<'h>(&self, hint: &'h str) -> std::borrow::Cow<'h, str> {
        let mut out = String::new();
        self.ui.stage().theme.paint(&mut out, Meaning::Muted, hint);
        out.into()
    }
}

impl Validator for Assistant {
    fn validate(&self, ctx: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let ask = lock(&self.shared.ask).clone();
        let Some(ask) = ask else {
            return Ok(ValidationResult::Valid(None));
        };
        Ok(match decide(ctx.input(), &ask) {
            Decision::Send => ValidationResult::Valid(None),
            Decision::More => ValidationResult::Incomplete,
            Decision::Refuse(message) => ValidationResult::Invalid(Some(format!("\n  {message}"))),
        })
    }
}

/// Returns the line of `text` that the cursor, at byte `pos`, is in.
fn line_at(text: &str, pos: usize) -> &str {
    let start = text[..pos].rfind('\n').map_or(0, |at| at + 1);
    let end = text[pos..].find('\n').map_or(text.len(), |at| pos + at);
    &text[start..end]
}

/// What Ctrl-C, Ctrl-D, Ctrl-S and Enter do.
struct Keys(Arc<Shared>);

impl ConditionalEventHandler for Keys {
    fn handle(
        &self,
        event: &Event,
        _n: RepeatCount,
        _positive: bool,
        ctx: &EventContext<'_>,
    ) -> Option<Cmd> {
        let key = event.get(0).copied()?;
        let (text, pos) = (ctx.line(), ctx.pos());
        let one_line = lock(&self.0.ask).as_ref().is_some_and(|ask| ask.one_line);
        match (key.0, key.1) {
            (KeyCode::Char('C'), Modifiers::CTRL) => {
                if !line_at(text, pos).is_empty() {
                    self.0.cleared.store(true, Ordering::Release);
                    return Some(Cmd::Kill(Movement::WholeLine));
                }
                if self.0.armed.swap(true, Ordering::AcqRel) {
                    return Some(Cmd::Interrupt);
                }
                Some(Cmd::Repaint)
            }
            (KeyCode::Char('D'), Modifiers::CTRL) => {
                if text.is_empty() {
                    Some(Cmd::EndOfFile)
                } else if pos == text.len() && !text.trim().is_empty() {
                    self.0.as_words.store(true, Ordering::Release);
                    Some(Cmd::AcceptLine)
                } else {
                    None
                }
            }
            (KeyCode::Char('S'), Modifiers::CTRL) | (KeyCode::Enter, Modifiers::ALT) => {
                if text.trim().is_empty() && !one_line {
                    return Some(Cmd::Noop);
                }
                self.0.as_words.store(true, Ordering::Release);
                Some(Cmd::AcceptLine)
            }
            (KeyCode::Enter, _) | (KeyCode::Char('M' | 'J'), Modifiers::CTRL) => {
                // In the middle of an answer Enter makes a new line, so that a
                // blank line can be put between two others without sending.
                if !one_line && pos < text.len() {
                    return Some(Cmd::Newline);
                }
                None
            }
            _ => None,
        }
    }
}

struct Request {
    ask: Ask,
    reply: oneshot::Sender<Result<Entry>>,
}

/// The line editor. Dropping it puts the terminal back as it was.
#[derive(Debug)]
pub struct Editor {
    ui: Ui,
    requests: mpsc::Sender<Request>,
    _terminal: TerminalGuard,
}

impl Editor {
    /// Starts the editor's thread.
    ///
    /// # Errors
    /// Fails when the terminal cannot be used or no thread can be started.
    pub fn start(ui: &Ui) -> Result<Self> {
        let guard = TerminalGuard::new();
        let (requests, inbox) = mpsc::channel::<Request>();
        let own = ui.clone();
        std::thread::Builder::new()
            .name("viva-editor".into())
            .spawn(move || serve(&own, &inbox))
            .map_err(|error| {
                Error::internal("the line editor cannot be started").caused_by(error)
            })?;
        Ok(Self {
            ui: ui.clone(),
            requests,
            _terminal: guard,
        })
    }

    /// Lets the person type until something is sent, and returns it. Nothing
    /// else prints meanwhile.
    ///
    /// # Errors
    /// Fails when the terminal is gone or cannot be read.
    pub async fn read(&self, ask: Ask) -> Result<Entry> {
        let (reply, answer) = oneshot::channel();
        let _hold = self.ui.hold();
        let gone = || Error::internal("the line editor has stopped");
        self.requests
            .send(Request { ask, reply })
            .map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

type Line = rustyline::Editor<Assistant, DefaultHistory>;

/// Serves requests until the other side is gone.
fn serve(ui: &Ui, inbox: &mpsc::Receiver<Request>) {
    let shared = Arc::new(Shared::default());
    let mut editor: Option<Line> = None;
    while let Ok(Request { ask, reply }) = inbox.recv() {
        let result = match &mut editor {
            Some(editor) => read_one(editor, &shared, ui, ask),
            None => match open(ui, &shared) {
                Ok(opened) => read_one(editor.insert(opened), &shared, ui, ask),
                Err(error) => Err(Error::internal("the terminal cannot be used").caused_by(error)),
            },
        };
        // The asker may have gone away; there is nobody to tell.
        let _ = reply.send(result);
    }
}

fn open(ui: &Ui, shared: &Arc<Shared>) -> rustyline::Result<Line> {
    let coloured = ui.stage().theme != super::Theme::Off;
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .completion_show_all_if_ambiguous(true)
        .bell_style(BellStyle::None)
        .bracketed_paste(true)
        .auto_add_history(false)
        .color_mode(if coloured {
            ColorMode::Enabled
        } else {
            ColorMode::Disabled
        })
        // With JSON on standard output the person still types on the terminal.
        .behavior(if ui.is_json() {
            Behavior::PreferTerm
        } else {
            Behavior::Stdio
        })
        .build();
    let mut editor = Line::with_config(config)?;
    editor.set_helper(Some(Assistant {
        shared: Arc::clone(shared),
        ui: ui.clone(),
    }));
    let keys = [
        KeyEvent::ctrl('C'),
        KeyEvent::ctrl('D'),
        KeyEvent::ctrl('S'),
        KeyEvent::ctrl('M'),
        KeyEvent::ctrl('J'),
        KeyEvent(KeyCode::Enter, Modifiers::NONE),
        KeyEvent(KeyCode::Enter, Modifiers::ALT),
    ];
    for key in keys {
        editor.bind_sequence(
            key,
            EventHandler::Conditional(Box::new(Keys(Arc::clone(shared)))),
        );
    }
    Ok(editor)
}

fn read_one(editor: &mut Line, shared: &Arc<Shared>, ui: &Ui, ask: Ask) -> Result<Entry> {
    let raw = format!("{}> ", super::sanitise::sanitise_line(&ask.prompt));
    let mut styled = String::new();
    ui.stage().theme.paint(&mut styled, Meaning::Command, &raw);
    let draft = if ask.draft.is_empty() || ask.one_line {
        ask.draft.clone()
    } else {
        format!("{}\n", ask.draft.trim_end_matches('\n'))
    };
    *lock(&shared.lines) = draft.matches('\n').count();
    lock(&shared.now).clone_from(&draft);
    shared.armed.store(false, Ordering::Release);
    shared.cleared.store(false, Ordering::Release);
    shared.as_words.store(false, Ordering::Release);
    *lock(&shared.ask) = Some(ask.clone());
    let read = editor.readline_with_initial(&(raw, styled), (&draft, ""));
    *lock(&shared.ask) = None;
    match read {
        Ok(text) => {
            let entry = entry(&text, &ask, shared.as_words.load(Ordering::Acquire));
            if let Entry::Text(text) = &entry
                && !ask.one_line
            {
                // A history that cannot be kept costs a convenience only.
                let _ = editor.history_mut().add(text);
            }
            Ok(entry)
        }
        Err(ReadlineError::Eof) => Ok(Entry::End),
        Err(ReadlineError::Interrupted) => Ok(Entry::Leave {
            draft: std::mem::take(&mut *lock(&shared.now)).trim().to_owned(),
        }),
        // A closed terminal is the end of the input; what was typed is stored.
        Err(ReadlineError::Io(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Ok(Entry::End)
        }
        Err(error) => Err(Error::internal("the terminal cannot be read").caused_by(error)),
    }
}

#[cfg(test)]
#[path = "editor_tests.rs"]
mod tests;
