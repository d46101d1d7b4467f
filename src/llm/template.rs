//! Chat templates: a transcript becomes framing and text, kept apart.
//!
//! The model's own Jinja template is rendered with every message's content
//! replaced by a private mark; the output, split at the marks, tells framing
//! (which may become control tokens) from text (which never may). Knows
//! templates, not tokens; the prompt module makes those.

use minijinja::value::Value;
use minijinja::{Environment, ErrorKind, context};

use super::api::{Message, Part, Role};

/// A piece of a rendered transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// Written by the template: its markers become control tokens.
    Framing(String),
    /// Content of a message: plain text, whatever it says.
    Text(String),
}

/// A template that was tried and works.
#[derive(Debug, Clone)]
pub struct Template {
    source: String,
    bos: String,
    eos: String,
    manners: Manners,
}

/// What a template will not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Manners {
    /// There is a system role; without, it is folded into the first user turn.
    system: bool,
    /// Turns must begin with the user.
    user_first: bool,
}

const TRIES: [Manners; 4] = [
    Manners {
        system: true,
        user_first: false,
    },
    Manners {
        system: true,
        user_first: true,
    },
    Manners {
        system: false,
        user_first: false,
    },
    Manners {
        system: false,
        user_first: true,
    },
];

/// Why no template can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The model has none and none was given.
    #[error("it has no chat template")]
    Missing,
    /// The one given is neither a family name nor a readable file.
    #[error("the chat template {0:?} is neither a family ({1}) nor a file that can be read")]
    Unknown(String, String),
    /// It cannot be rendered.
    #[error("its chat template cannot be used: {0}")]
    Broken(String),
}

/// The families with a built-in template: name, template, and a marker that
/// tells that a template is of the family.
pub const FAMILIES: [(&str, &str, &str); 6] = [
    ("chatml", CHATML, "<|im_start|>"),
    ("llama3", LLAMA3, "<|start_header_id|>"),
    ("gemma", GEMMA, "<start_of_turn>"),
    ("phi3", PHI3, "<|assistant|>"),
    ("mistral", MISTRAL, "[INST]"),
    ("zephyr", ZEPHYR, "<|user|>"),
];

const CHATML: &str = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{{ '<|im_start|>assistant\\n' }}";
const LLAMA3: &str = "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{{ m.content }}<|eot_id|>{% endfor %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}";
const GEMMA: &str = "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system role') }}{% endif %}<start_of_turn>{{ 'model' if m.role == 'assistant' else 'user' }}\n{{ m.content }}<end_of_turn>\n{% endfor %}{{ '<start_of_turn>model\\n' }}";
const PHI3: &str = "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}{{ '<|assistant|>\\n' }}";
const MISTRAL: &str = "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }}[/INST]{% elif m.role == 'assistant' %} {{ m.content }}{{ eos_token }}{% else %}{{ raise_exception('no system role') }}{% endif %}{% endfor %}";
const ZEPHYR: &str = "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}{{ eos_token }}\n{% endfor %}{{ '<|assistant|>\\n' }}";

impl Template {
    /// Returns the template to use: `chosen` (a family name or a file), or the
    /// model's `own`, or the built-in one of the family that `own` belongs to
    /// when `own` cannot be rendered.
    ///
    /// `bos` and `eos` are the texts of those tokens, for templates that write
    /// them.
    ///
    /// # Errors
    /// See [`TemplateError`].
    pub fn choose(
        own: Option<&str>,
        chosen: Option<&str>,
        bos: &str,
        eos: &str,
    ) -> Result<Self, TemplateError> {
        if let Some(chosen) = chosen {
            let family = FAMILIES.iter().find(|(name, ..)| *name == chosen);
            let source = match family {
                Some((_, source, _)) => (*source).to_owned(),
                None => std::fs::read_to_string(chosen).map_err(|_| {
                    let names = FAMILIES.map(|(name, ..)| name).join(", ");
                    TemplateError::Unknown(chosen.to_owned(), names)
                })?,
            };
            return Self::tried(&source, bos, eos);
        }
        let own = own
            .filter(|own| !own.trim().is_empty())
            .ok_or(TemplateError::Missing)?;
        Self::tried(own, bos, eos).or_else(|error| {
            FAMILIES
                .iter()
                .find(|(_, _, marker)| own.contains(marker))
                .map_or(Err(error), |(_, source, _)| Self::tried(source, bos, eos))
        })
    }

    /// Tries a template on a short interview in each way it may want it.
    fn tried(source: &str, bos: &str, eos: &str) -> Result<Self, TemplateError> {
        let say = |role, text: &str| Message::new(role, Part::Prompt(text.to_owned()));
        let trial = [
            say(Role::System, "a"),
            say(Role::Assistant, "b"),
            say(Role::User, "c"),
            say(Role::Assistant, "d"),
            say(Role::User, "e"),
        ];
        let mut first_error = None;
        for manners in TRIES {
            let template = Self {
                source: source.to_owned(),
                bos: bos.to_owned(),
                eos: eos.to_owned(),
                manners,
            };
            // With instructions and without, the panel speaking first.
            match template
                .render(&trial)
                .and_then(|_| template.render(&trial[1..]))
            {
                Ok(_) => return Ok(template),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        Err(first_error.unwrap_or(TemplateError::Missing))
    }

    /// Renders `messages` and opens the assistant's next turn.
    ///
    /// # Errors
    /// [`TemplateError::Broken`] when the template refuses the transcript or
    /// leaves a message out.
    pub fn render(&self, messages: &[Message]) -> Result<Vec<Segment>, TemplateError> {
        let turns = self.turns(messages);
        let listed: Vec<Value> = turns
            .iter()
            .enumerate()
            .map(|(n, (role, _))| {
                let role = match role {
                    Role::System => "system",
                    Role::User => "user",
                    Role::Assistant => "assistant",
                };
                context! { role => role, content => mark(n) }
            })
            .collect();
        let environment = environment();
        let rendered = environment
            .render_str(
                &self.source,
                context! {
                    messages => listed,
                    add_generation_prompt => true,
                    bos_token => self.bos.as_str(),
                    eos_token => self.eos.as_str(),
                    // Thinking aloud costs the listener's patience: off where a
                    // template knows the switch.
                    enable_thinking => false,
                    // A fixed day: the same seed gives the same words tomorrow.
                    date_string => "01 Jan 2026",
                },
            )
            .map_err(|error| TemplateError::Broken(explain(&error)))?;
        let mut segments = split(&rendered, &turns)?;
        close_thinking(&mut segments);
        Ok(segments)
    }

    /// The transcript as this template takes it: neighbours of one role
    /// joined, the system message folded or not, a user turn first if need be.
    fn turns(&self, messages: &[Message]) -> Vec<(Role, String)> {
        let mut turns: Vec<(Role, String)> = Vec::new();
        let mut system = String::new();
        for message in messages {
            let text: String = message.parts.iter().map(Part::text).collect();
            if message.role == Role::System {
                if !system.is_empty() {
                    system.push_str("\n\n");
                }
                system.push_str(&text);
                continue;
            }
            match turns.last_mut() {
                Some((role, last)) if *role == message.role => {
                    last.push_str("\n\n");
                    last.push_str(&text);
                }
                _ => turns.push((message.role, text)),
            }
        }
        let opens_with_user = matches!(turns.first(), Some((Role::User, _)));
        if !self.manners.system && !system.is_empty() {
            match turns.first_mut() {
                Some((Role::User, first)) => *first = format!("{system}\n\n{first}"),
                _ => turns.insert(0, (Role::User, std::mem::take(&mut system))),
            }
            system.clear();
        } else if self.manners.user_first && !opens_with_user {
            turns.insert(0, (Role::User, "Please begin.".to_owned()));
        }
        if !system.is_empty() {
            turns.insert(0, (Role::System, system));
        }
        turns
    }
}

/// Private-use characters cannot be typed by accident, and survive trimming.
fn mark(n: usize) -> String {
    format!("\u{F8E0}{n}\u{F8E1}")
}

/// Splits the rendering at the marks, which must all be there, in order.
fn split(rendered: &str, turns: &[(Role, String)]) -> Result<Vec<Segment>, TemplateError> {
    let mut segments = Vec::new();
    let mut rest = rendered;
    for (n, (role, text)) in turns.iter().enumerate() {
        let mark = mark(n);
        let Some((before, after)) = rest.split_once(&mark) else {
            return Err(TemplateError::Broken(format!(
                "it leaves out the {} message",
                format!("{role:?}").to_lowercase()
            )));
        };
        if !before.is_empty() {
            segments.push(Segment::Framing(before.to_owned()));
        }
        segments.push(Segment::Text(text.clone()));
        rest = after;
    }
    if rest.contains('\u{F8E0}') {
        return Err(TemplateError::Broken("it repeats a message".to_owned()));
    }
    if !rest.is_empty() {
        segments.push(Segment::Framing(rest.to_owned()));
    }
    Ok(segments)
}

/// A template that opens a thinking block for the model gets it closed again.
fn close_thinking(segments: &mut [Segment]) {
    if let Some(Segment::Framing(last)) = segments.last_mut()
        && last.trim_end().ends_with("<think>")
    {
        let end = last.trim_end().len();
        last.truncate(end);
        last.push_str("\n\n</think>\n\n");
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    // Both on, as chat templates are written for it.
    if let Ok(syntax) = minijinja::syntax::SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()
    {
        environment.set_syntax(syntax);
    }
    // A template is a stranger's program: bound what it may cost.
    environment.set_recursion_limit(64);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.add_function(
        "raise_exception",
        |message: String| -> Result<Value, minijinja::Error> {
            Err(minijinja::Error::new(ErrorKind::InvalidOperation, message))
        },
    );
    environment.add_function("strftime_now", |format: String| -> String {
        strftime(&format)
    });
    environment
}

/// The fixed day of [`Template::render`] in the few forms templates ask for.
fn strftime(format: &str) -> String {
    [
        ("%d", "01"),
        ("%b", "Jan"),
        ("%B", "January"),
        ("%m", "01"),
        ("%Y", "2026"),
        ("%H", "09"),
        ("%M", "00"),
        ("%S", "00"),
    ]
    .iter()
    .fold(format.to_owned(), |text, (key, value)| {
        text.replace(key, value)
    })
}

fn explain(error: &minijinja::Error) -> String {
    match error.detail() {
        Some(detail) => detail.to_owned(),
        None => error.to_string(),
    }
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
