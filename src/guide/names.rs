//! The names of rounds, levels and competencies as they are written in files
//! and on the command line: the kebab-case ones that serde knows.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use serde::de::value::{Error as NameError, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};

use super::coverage::ItemKind;
use super::model::{AdviceKind, Competency, Level, PointKind, Round, Severity, StarPart};

/// Returns the value that `name` names.
///
/// # Errors
/// Says which names there are.
fn read<T: DeserializeOwned>(name: &str) -> Result<T, String> {
    let deserializer: StrDeserializer<'_, NameError> = name.trim().into_deserializer();
    T::deserialize(deserializer).map_err(|error| error.to_string().replace('`', "'"))
}

fn write(value: &impl Serialize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => f.pad(&name),
        _ => Err(fmt::Error),
    }
}

macro_rules! named {
    ($($type:ty),+) => {$(
        impl FromStr for $type {
            type Err = String;

            fn from_str(name: &str) -> Result<Self, String> {
                read(name)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write(self, f)
            }
        }
    )+};
}

named!(
    Round, Level, Competency, PointKind, Severity, StarPart, AdviceKind, ItemKind
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written() {
        assert_eq!("system-design".parse(), Ok(Round::SystemDesign));
        assert_eq!(Round::SystemDesign.to_string(), "system-design");
        assert_eq!("head".parse(), Ok(Level::Head));
        assert_eq!(format!("{:<6}|", Level::Head), "head  |");
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = "whiteboard".parse::<Round>().expect_err("no such round");
        assert!(error.contains("'take-home'"), "{error}");
    }
}
