//! The JSON Schema of guide files, for editors, and a template to start from.

use serde_json::Value;

use super::model::Guide;

/// The template that `viva guide new` writes: every field explained, and sound
/// as it stands, so that one replaces the words and keeps the shape.
pub const TEMPLATE: &str = include_str!("template.toml");

/// Returns the JSON Schema of a guide file.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(Guide).to_value();
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".to_owned(), "viva guide".into());
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Run with `VIVA_UPDATE_SCHEMA=1` to write the file anew after a change of
    /// the types.
    #[test]
    fn the_schema_in_the_repository_is_that_of_the_types() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/content/guide.schema.json");
        let now = serde_json::to_string_pretty(&schema()).expect("JSON") + "\n";
        if std::env::var_os("VIVA_UPDATE_SCHEMA").is_some() {
            std::fs::write(path, &now).expect("written");
        }
        let kept = std::fs::read_to_string(path).expect("content/guide.schema.json");
        assert_eq!(kept, now, "run this test with VIVA_UPDATE_SCHEMA=1");
    }
}
