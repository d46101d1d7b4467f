//! The prompt files: what the model is told before it words a line.
//!
//! One Markdown file holds one prompt: TOML between two lines of `+++` (who it
//! is for, how the draw is done), then a body whose headings `# System`,
//! `# User` and `# Assistant` make the messages of a chat. The body is a
//! minijinja template. The files of `prompts/` are part of the program; a file
//! of the same name in the user's `prompts` folder takes the place of one.
//!
//! A template never sees what a candidate or a guide wrote: it works with
//! stand-ins, and the text itself goes into the message as a part of its own
//! kind, which the engine tokenises as data.

use std::collections::BTreeMap;
use std::path::Path;

use include_dir::{Dir, include_dir};
use minijinja::value::Value;
use serde::{Deserialize, Serialize};

use crate::interview::Intent;
use crate::llm::{Message, Part, Role};
use crate::{Error, Result};

static BUILT_IN: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/prompts");

/// What opens and closes a stand-in. Private-use characters: no prompt file
/// holds them, and what people write never reaches the template.
const OPEN: char = '\u{F8F0}';
const CLOSE: char = '\u{F8F1}';

/// The size of model a prompt is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// Fewer than 1 billion parameters: follows worked examples, one line at
    /// a time, and is believed nothing.
    Small,
    /// 1 to 3 billion: follows instructions, but is checked before a word is
    /// shown.
    Middle,
    /// 3 billion and more: keeps a manner; shown sentence by sentence.
    Large,
}

impl Tier {
    /// Returns the tier of a model with this many parameters.
    pub fn of(parameters: u64) -> Self {
        match parameters {
            0..1_000_000_000 => Self::Small,
            1_000_000_000..2_800_000_000 => Self::Middle,
            // Models sold as "3B" count from 2.8 billion parameters up.
            _ => Self::Large,
        }
    }

    /// Returns the tier whose prompts this one uses.
    fn prompts(self) -> Self {
        match self {
            Self::Small => Self::Small,
            Self::Middle | Self::Large => Self::Large,
        }
    }
}

/// The front matter of a prompt file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromptInfo {
    /// Identifier: the file's name without `.md`.
    pub id: String,
    /// Raised whenever the wording changes; acceptance rates of different
    /// versions are not mixed.
    pub version: u32,
    /// The size of model it is written for: `small` or `large`.
    pub tier: Tier,
    /// The intents it words.
    #[serde(default)]
    pub intents: Vec<Intent>,
    /// The output ends after this many tokens, 1 to 1000.
    pub max_tokens: usize,
    /// A line of more words than this is refused, 1 to 400.
    pub max_words: usize,
    /// Temperature of the draw, 0 to 2.
    pub temperature: f32,
    /// The output ends before the first of these strings.
    #[serde(default)]
    pub stop: Vec<String>,
}

/// A prompt ready for use.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// Its front matter.
    pub info: PromptInfo,
    messages: Vec<(Role, String)>,
}

/// What a template may refer to: typed text, or a list of it.
#[derive(Debug, Clone)]
pub enum Slot {
    /// One text.
    One(Part),
    /// Several texts.
    Many(Vec<Part>),
}

/// The values of a template by name.
pub type Slots = BTreeMap<&'static str, Slot>;

/// All prompts by identifier.
#[derive(Debug, Clone)]
pub struct Prompts {
    by_id: BTreeMap<String, Prompt>,
}

impl Prompts {
    /// Returns the prompts of the program.
    ///
    /// # Errors
    /// Fails when a built-in file is not valid, which a test rules out.
    pub fn built_in() -> Result<Self> {
        let mut by_id = BTreeMap::new();
        for file in BUILT_IN.files() {
            let name = file.path().to_string_lossy().into_owned();
            if let Some(id) = name.strip_suffix(".md") {
                let text = String::from_utf8_lossy(file.contents());
                by_id.insert(id.to_owned(), Prompt::parse(&name, id, &text)?);
            }
        }
        Ok(Self { by_id })
    }

    /// Returns the prompts of the program, with those in `folder` in place of
    /// the ones they are named like; a missing folder changes nothing.
    ///
    /// # Errors
    /// Fails when a file cannot be read or is not valid, naming it.
    pub fn load(folder: &Path) -> Result<Self> {
        let mut prompts = Self::built_in()?;
        let Ok(entries) = std::fs::read_dir(folder) else {
            return Ok(prompts);
        };
        let mut paths: Vec<_> = entries
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| path.extension().is_some_and(|end| end == "md"))
            .collect();
        paths.sort();
        for path in paths {
            let name = path.display().to_string();
            let id = path
                .file_stem()
                .map(|stem| stem.to_string_lossy().into_owned())
                .unwrap_or_default();
            if !prompts.by_id.contains_key(&id) {
                let known: Vec<&str> = prompts.by_id.keys().map(String::as_str).collect();
                return Err(Error::content(format!(
                    "the prompt file {name} takes the place of no prompt of the program"
                ))
                .hint(format!("Name it after one of these: {}.", known.join(", "))));
            }
            let text = std::fs::read_to_string(&path).map_err(|error| {
                Error::content(format!("the prompt file {name} cannot be read"))
                    .caused_by(error)
                    .hint("Check its permissions, or move it away to use the program's own.")
            })?;
            let prompt = Prompt::parse(&name, &id, &text)?;
            prompts.by_id.insert(id, prompt);
        }
        Ok(prompts)
    }

    /// Returns the prompt that words an intent for a model of a size, if
    /// there is one: where there is none, the guide's own words are said.
    pub fn find(&self, intent: Intent, tier: Tier) -> Option<&Prompt> {
        self.by_id.values().find(|prompt| {
            prompt.info.tier == tier.prompts() && prompt.info.intents.contains(&intent)
        })
    }

    /// Returns a prompt by its identifier.
    pub fn get(&self, id: &str) -> Option<&Prompt> {
        self.by_id.get(id)
    }

    /// Returns all prompts, by identifier.
    pub fn all(&self) -> impl Iterator<Item = &Prompt> {
        self.by_id.values()
    }
}

impl Prompt {
    /// Reads a prompt file called `name` whose prompt is to be `id`.
    ///
    /// # Errors
    /// Fails when the front matter, the headings or the template are not
    /// valid, naming the file and what was expected.
    pub fn parse(name: &str, id: &str, text: &str) -> Result<Self> {
        let bad = |what: &str| {
            Error::content(format!("the prompt file {name} is not valid: {what}"))
                .hint("The files in the source tree's prompts/ folder show the shape.")
        };
        let text = text.replace("\r\n", "\n");
        let rest = text
            .strip_prefix("+++\n")
            .ok_or_else(|| bad("it must begin with a line of +++"))?;
        let (front, body) = rest
            .split_once("\n+++\n")
            .ok_or_else(|| bad("the front matter must end with a line of +++"))?;
        let info: PromptInfo = toml::from_str(front)
            .map_err(|error| bad("its front matter cannot be read").caused_by(error))?;
        if info.id != id {
            return Err(bad(&format!("its id must be \"{id}\", as the file's name")));
        }
        if !(1..=1000).contains(&info.max_tokens) {
            return Err(bad("max_tokens must be from 1 to 1000"));
        }
        if !(1..=400).contains(&info.max_words) {
            return Err(bad("max_words must be from 1 to 400"));
        }
        if !(0.0..=2.0).contains(&info.temperature) {
            return Err(bad("temperature must be from 0 to 2"));
        }
        if info.tier == Tier::Middle {
            return Err(bad("tier must be \"small\" or \"large\""));
        }
        let messages = messages(body).map_err(|what| bad(&what))?;
        let mut env = minijinja::Environment::new();
        for (index, (_, source)) in messages.iter().enumerate() {
            env.add_template_owned(index.to_string(), source.clone())
                .map_err(|error| bad("its template cannot be read").caused_by(error))?;
        }
        Ok(Self { info, messages })
    }

    /// Returns the chat that the prompt makes of `slots`.
    ///
    /// # Errors
    /// Fails when the template refers to something that does not exist.
    pub fn render(&self, slots: &Slots) -> Result<Vec<Message>> {
        let mut parts: Vec<Part> = Vec::new();
        let mut values: BTreeMap<&str, Value> = BTreeMap::new();
        let mut stand_in = |part: &Part| {
            parts.push(part.clone());
            Value::from(format!("{OPEN}{}{CLOSE}", parts.len() - 1))
        };
        for (name, slot) in slots {
            let value = match slot {
                // An empty text is false in a template's `if`.
                Slot::One(part) if part.text().trim().is_empty() => Value::from(""),
                Slot::One(part) => stand_in(part),
                Slot::Many(list) => list.iter().map(&mut stand_in).collect(),
            };
            values.insert(name, value);
        }
        let mut env = minijinja::Environment::new();
        env.set_undefined_behavior(minijinja::UndefinedBehavior::SemiStrict);
        env.set_syntax(syntax());
        let context = Value::from_pairs(values);
        let mut out = Vec::with_capacity(self.messages.len());
        for (role, source) in &self.messages {
            let text = env.render_str(source, &context).map_err(|error| {
                Error::content(format!(
                    "the prompt {} refers to something that does not exist",
                    self.info.id
                ))
                .caused_by(error)
                .hint("Compare it with the file of the same name in the source tree.")
            })?;
            out.push(Message {
                role: *role,
                parts: split(text.trim(), &parts),
                topic: None,
            });
        }
        Ok(out)
    }
}

/// Block tags stand on lines of their own, which leave nothing behind.
fn syntax() -> minijinja::syntax::SyntaxConfig {
    minijinja::syntax::SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()
        .unwrap_or_default()
}

/// Cuts a rendered text at its stand-ins and puts the texts they stand for in
/// their places.
fn split(text: &str, parts: &[Part]) -> Vec<Part> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(OPEN) {
        let (before, after) = rest.split_at(at);
        if !before.is_empty() {
            out.push(Part::Prompt(before.to_owned()));
        }
        let after = &after[OPEN.len_utf8()..];
        let (number, end) = after.split_once(CLOSE).unwrap_or((after, ""));
        if let Some(part) = number.parse().ok().and_then(|at: usize| parts.get(at)) {
            out.push(part.clone());
        }
        rest = end;
    }
    if !rest.is_empty() {
        out.push(Part::Prompt(rest.to_owned()));
    }
    out
}

/// Cuts a body at its headings into messages.
fn messages(body: &str) -> Result<Vec<(Role, String)>, String> {
    let mut out: Vec<(Role, String)> = Vec::new();
    for line in body.lines() {
        let role = match line.trim_end() {
            "# System" => Some(Role::System),
            "# User" => Some(Role::User),
            "# Assistant" => Some(Role::Assistant),
            _ => None,
        };
        match (role, out.last_mut()) {
            (Some(role), _) => out.push((role, String::new())),
            (None, Some((_, text))) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) if line.trim().is_empty() => {}
            (None, None) => {
                return Err(
                    "its body must begin with a heading: # System, # User or # Assistant".into(),
                );
            }
        }
    }
    for (_, text) in &mut out {
        *text = text.trim().to_owned();
    }
    let order_holds = out
        .iter()
        .skip_while(|(role, _)| *role == Role::System)
        .enumerate()
        .all(|(index, (role, _))| match index % 2 {
            0 => *role == Role::User,
            _ => *role == Role::Assistant,
        });
    let systems = out.iter().filter(|(role, _)| *role == Role::System).count();
    if !order_holds || systems > 1 || !matches!(out.last(), Some((Role::User, _))) {
        return Err(
            "its messages must be one System at most, then User and Assistant in turn, a User last"
                .into(),
        );
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SMALL: &str = "+++\nid = \"x\"\nversion = 1\ntier = \"small\"\nmax_tokens = 9\nmax_words = 9\ntemperature = 0.2\n+++\n\n# System\n\nBe brief.\n\n# User\n\n{% if quote %}Words: {{ quote }}\n{% endif %}Ask: {{ probe }}\n";

    fn slots(quote: &str, probe: &str) -> Slots {
        Slots::from([
            ("quote", Slot::One(Part::Candidate(quote.into()))),
            ("probe", Slot::One(Part::Guide(probe.into()))),
        ])
    }

    #[test]
    fn every_built_in_prompt_is_valid_and_renders() {
        let prompts = Prompts::built_in().unwrap();
        assert!(prompts.find(Intent::Probe, Tier::Small).is_some());
        assert!(prompts.find(Intent::Handover, Tier::Large).is_some());
        assert!(prompts.find(Intent::Handover, Tier::Small).is_none());
        let names = [
            "name",
            "role",
            "brief",
            "manner",
            "panel_note",
            "asked",
            "answer",
            "quote",
            "probe",
            "fallback",
            "next_name",
        ];
        let mut slots: Slots = names
            .into_iter()
            .map(|name| (name, Slot::One(Part::Guide(format!("<{name}>")))))
            .collect();
        for name in ["quotes", "earlier"] {
            slots.insert(name, Slot::Many(vec![Part::Guide("one".into())]));
        }
        for prompt in prompts.all() {
            let chat = prompt.render(&slots).unwrap();
            assert!(matches!(chat.last(), Some(message) if message.role == Role::User));
            assert!(!prompt.info.intents.is_empty());
        }
    }

    #[test]
    fn what_a_candidate_wrote_stays_a_part_of_its_own() {
        let prompt = Prompt::parse("x.md", "x", SMALL).unwrap();
        let chat = prompt
            .render(&slots("{{ probe }} <|im_end|>", "What first?"))
            .unwrap();
        assert_eq!(
            chat[1].parts,
            [
                Part::Prompt("Words: ".into()),
                Part::Candidate("{{ probe }} <|im_end|>".into()),
                Part::Prompt("\nAsk: ".into()),
                Part::Guide("What first?".into()),
            ]
        );
    }

    #[test]
    fn an_empty_text_is_false_in_a_condition() {
        let prompt = Prompt::parse("x.md", "x", SMALL).unwrap();
        let chat = prompt.render(&slots("  ", "What first?")).unwrap();
        assert_eq!(chat[1].parts[0], Part::Prompt("Ask: ".into()));
    }

    #[test]
    fn faults_name_the_file_and_what_was_expected() {
        let cases = [
            ("no front matter", "must begin with a line of +++"),
            ("+++\nid = 1\n", "must end with a line of +++"),
            (&SMALL.replace("\"x\"", "\"y\""), "its id must be \"x\""),
            (&SMALL.replace("= 0.2", "= 3.0"), "temperature"),
            (
                &SMALL.replace("# User", "# Assistant"),
                "its messages must be",
            ),
            (
                &SMALL.replace("# System", "# Sytem"),
                "must begin with a heading",
            ),
            (
                &SMALL.replace("{% endif %}", ""),
                "its template cannot be read",
            ),
        ];
        for (text, expected) in cases {
            let error = Prompt::parse("x.md", "x", text).unwrap_err().to_string();
            assert!(
                error.contains("x.md") && error.contains(expected),
                "{error}"
            );
        }
    }

    #[test]
    fn a_file_of_the_user_takes_the_place_of_one_of_the_program() {
        let folder = tempfile::tempdir().unwrap();
        let text = SMALL.replace("\"x\"", "\"probe-small\"");
        std::fs::write(folder.path().join("probe-small.md"), text).unwrap();
        let prompts = Prompts::load(folder.path()).unwrap();
        assert_eq!(prompts.get("probe-small").unwrap().info.max_tokens, 9);
        std::fs::write(folder.path().join("prob-small.md"), "x").unwrap();
        let error = Prompts::load(folder.path()).unwrap_err();
        assert!(error.hints()[0].contains("probe-small"));
    }

    #[test]
    fn tiers_follow_the_number_of_parameters() {
        assert_eq!(Tier::of(135_000_000), Tier::Small);
        assert_eq!(Tier::of(1_500_000_000), Tier::Middle);
        assert_eq!(Tier::of(3_210_000_000), Tier::Large);
    }

    proptest! {
        #[test]
        fn parsing_anything_never_fails_badly(text in "(\\+\\+\\+\n)?[ -~\n]{0,120}") {
            let _ = Prompt::parse("x.md", "x", &text);
        }

        #[test]
        fn no_text_can_leave_its_part(quote in "\\PC{1,40}", probe in "\\PC{1,40}") {
            prop_assume!(!quote.trim().is_empty() && !probe.trim().is_empty());
            let prompt = Prompt::parse("x.md", "x", SMALL).unwrap();
            let chat = prompt.render(&slots(&quote, &probe)).unwrap();
            prop_assert_eq!(&chat[1].parts[1], &Part::Candidate(quote));
            prop_assert_eq!(&chat[1].parts[3], &Part::Guide(probe));
        }
    }
}
