//! The commands a person can type during an interview: one table feeds help,
//! completion and the question whether a command is allowed now.

/// A command typed during an interview.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Slash {
    /// Show the commands.
    Help,
    /// Ask the question again.
    Repeat,
    /// Give a hint.
    Hint,
    /// Leave this question.
    Skip,
    /// Stop the clock.
    Pause,
    /// Say how much time has gone and is left.
    Time,
    /// Say where the interview stands.
    Status,
    /// Say what the question tests.
    Why,
    /// Try the question once more.
    Again,
    /// Ask harder questions.
    Harder,
    /// Ask easier questions.
    Easier,
    /// Keep a note with the question.
    Note,
    /// Question a verdict.
    Contest,
    /// Leave the interview.
    Quit,
}

/// When a command means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Moment {
    /// A question is open and the person is answering it.
    Answering,
    /// A question is settled and the next one has not been asked.
    Between,
    /// The critique has been shown.
    Debrief,
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct SlashInfo {
    /// The command.
    pub command: Slash,
    /// What is typed, with the slash.
    pub name: &'static str,
    /// What may follow it, for the help.
    pub argument: &'static str,
    /// What it does, in the imperative.
    pub help: &'static str,
    /// When it means something.
    pub moments: &'static [Moment],
}

use Moment::{Answering, Between, Debrief};

/// All commands, in the order the help shows them.
pub const COMMANDS: &[SlashInfo] = &[
    row(
        Slash::Help,
        "/help",
        "",
        "Show these commands",
        &[Answering, Between, Debrief],
    ),
    row(
        Slash::Repeat,
        "/repeat",
        "",
        "Hear the question again",
        &[Answering],
    ),
    row(
        Slash::Hint,
        "/hint",
        "",
        "Get a hint; three to a question, each plainer",
        &[Answering],
    ),
    row(
        Slash::Skip,
        "/skip",
        "",
        "Leave this question and go to the next",
        &[Answering],
    ),
    row(
        Slash::Pause,
        "/pause",
        "",
        "Stop the clock until you press Enter",
        &[Answering, Between],
    ),
    row(
        Slash::Time,
        "/time",
        "",
        "See the time used and left",
        &[Answering, Between],
    ),
    row(
        Slash::Status,
        "/status",
        "",
        "See where the interview stands",
        &[Answering, Between],
    ),
    row(
        Slash::Why,
        "/why",
        "",
        "See what the question is after",
        &[Answering, Between],
    ),
    row(
        Slash::Again,
        "/again",
        "",
        "Answer the last question once more",
        &[Between, Debrief],
    ),
    row(
        Slash::Harder,
        "/harder",
        "",
        "Ask for harder questions from here on",
        &[Answering, Between],
    ),
    row(
        Slash::Easier,
        "/easier",
        "",
        "Ask for easier questions from here on",
        &[Answering, Between],
    ),
    row(
        Slash::Note,
        "/note",
        "TEXT",
        "Keep a note with this question",
        &[Answering, Between, Debrief],
    ),
    row(
        Slash::Contest,
        "/contest",
        "N WORDS",
        "Have verdict N judged again by words of your answer",
        &[Between, Debrief],
    ),
    row(
        Slash::Quit,
        "/quit",
        "",
        "End here; everything is saved",
        &[Answering, Between, Debrief],
    ),
];

const fn row(
    command: Slash,
    name: &'static str,
    argument: &'static str,
    help: &'static str,
    moments: &'static [Moment],
) -> SlashInfo {
    SlashInfo {
        command,
        name,
        argument,
        help,
        moments,
    }
}

/// What a typed line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// Words of an answer.
    Words,
    /// A command with what followed its name.
    Command(Slash, String),
    /// Something that looks like a command and is none, or is none now: what
    /// to tell the person.
    Unknown(String),
}

impl Slash {
    /// Returns the command's row in the table.
    pub fn info(self) -> &'static SlashInfo {
        COMMANDS
            .iter()
            .find(|info| info.command == self)
            .unwrap_or(&COMMANDS[0])
    }

    /// Returns the commands of `list` that mean something at `moment`.
    pub fn at(moment: Moment) -> Vec<Slash> {
        COMMANDS
            .iter()
            .filter(|info| info.moments.contains(&moment))
            .map(|info| info.command)
            .collect()
    }
}

/// Tells what a line is, when `allowed` are the commands that mean something
/// now. Case does not matter; a command that takes nothing stands alone on its
/// line. A line such as `/etc/hosts held it` is words: only letters after the
/// slash make a command.
pub fn parse(line: &str, allowed: &[Slash]) -> Typed {
    let line = line.trim();
    let Some(rest) = line.strip_prefix('/') else {
        return Typed::Words;
    };
    let (name, argument) = match rest.split_once(char::is_whitespace) {
        Some((name, argument)) => (name, argument.trim()),
        None => (rest, ""),
    };
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphabetic()) {
        return Typed::Words;
    }
    let name = format!("/{}", name.to_ascii_lowercase());
    let Some(info) = COMMANDS.iter().find(|info| info.name == name) else {
        let near = COMMANDS
            .iter()
            .filter(|info| allowed.contains(&info.command))
            .find(|info| near(info.name, &name));
        let advice = match near {
            Some(info) => format!("Did you mean {}?", info.name),
            None => "/help lists the commands.".to_owned(),
        };
        return Typed::Unknown(format!("There is no command {name}. {advice}"));
    };
    if !allowed.contains(&info.command) {
        return Typed::Unknown(format!("{name} does nothing at this point."));
    }
    if info.argument.is_empty() && !argument.is_empty() {
        return Typed::Unknown(format!("{name} stands alone on its line."));
    }
    Typed::Command(info.command, argument.to_owned())
}

/// Whether a wrong name is one slip away: a shared beginning of three letters,
/// or two letters exchanged, added or left out.
fn near(name: &str, typed: &str) -> bool {
    let common = name
        .bytes()
        .zip(typed.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    let sorted = |text: &str| {
        let mut bytes = text.as_bytes().to_vec();
        bytes.sort_unstable();
        bytes
    };
    common >= 4 || sorted(name) == sorted(typed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Vec<Slash> {
        Slash::at(Moment::Answering)
    }

    #[test]
    fn a_command_is_known_by_its_name_in_any_case() {
        assert_eq!(
            parse("  /HINT ", &now()),
            Typed::Command(Slash::Hint, String::new())
        );
        assert_eq!(
            parse("/note ask about drift", &now()),
            Typed::Command(Slash::Note, "ask about drift".into())
        );
    }

    #[test]
    fn a_path_at_the_start_of_an_answer_is_words() {
        for line in ["/etc/hosts held it", "/", "/ 2", "and/or", "/24 networks"] {
            assert_eq!(parse(line, &now()), Typed::Words, "{line}");
        }
    }

    #[test]
    fn a_slip_is_answered_with_the_nearest_command() {
        let Typed::Unknown(message) = parse("/hnit", &now()) else {
            panic!("/hnit is no command");
        };
        assert_eq!(message, "There is no command /hnit. Did you mean /hint?");
    }

    #[test]
    fn a_command_out_of_place_is_explained() {
        let Typed::Unknown(message) = parse("/contest 2", &now()) else {
            panic!("there is nothing to contest yet");
        };
        assert!(message.contains("does nothing at this point"));
    }

    #[test]
    fn words_after_a_lone_command_are_not_swallowed() {
        assert!(matches!(
            parse("/skip connections help gradients", &now()),
            Typed::Unknown(_)
        ));
    }

    #[test]
    fn names_are_unique_and_every_command_has_a_row() {
        let names: std::collections::BTreeSet<_> = COMMANDS.iter().map(|info| info.name).collect();
        assert_eq!(names.len(), COMMANDS.len());
        for info in COMMANDS {
            assert_eq!(info.command.info().name, info.name);
            assert!(!info.moments.is_empty());
        }
    }
}
