//! Checks JSON output against the part of JSON Schema that prompts use: types,
//! properties, items, enumerations, bounds and lengths (after JSON Schema
//! 2020-12). A keyword that is not known here is refused, never passed over:
//! the grammar would have left it out silently too.

use serde_json::Value;

/// Returns why `schema` cannot be used, or `Ok`.
pub(super) fn check_schema(schema: &Value) -> Result<(), String> {
    let Some(object) = schema.as_object() else {
        return if schema.is_boolean() {
            Ok(())
        } else {
            Err("a schema must be an object or a truth value".to_owned())
        };
    };
    for (key, value) in object {
        match key.as_str() {
            "type" => {
                let known = |name: &Value| {
                    matches!(
                        name.as_str(),
                        Some(
                            "object"
                                | "array"
                                | "string"
                                | "number"
                                | "integer"
                                | "boolean"
                                | "null"
                        )
                    )
                };
                let fine = match value {
                    Value::Array(names) => !names.is_empty() && names.iter().all(known),
                    name => known(name),
                };
                if !fine {
                    return Err(format!("{value} is not a type"));
                }
            }
            "properties" => {
                let properties = value.as_object().ok_or("`properties` must be an object")?;
                properties.values().try_for_each(check_schema)?;
            }
            "items" | "additionalProperties" => check_schema(value)?,
            "anyOf" | "oneOf" => {
                let all = value
                    .as_array()
                    .ok_or(format!("`{key}` must be an array"))?;
                all.iter().try_for_each(check_schema)?;
            }
            "required" => {
                let names = value.as_array().ok_or("`required` must be an array")?;
                if !names.iter().all(Value::is_string) {
                    return Err("`required` must hold names".to_owned());
                }
            }
            "enum" if value.is_array() => {}
            "minimum" | "maximum" if value.is_number() => {}
            "minLength" | "maxLength" | "minItems" | "maxItems" if value.is_u64() => {}
            "const" | "title" | "description" | "$schema" => {}
            _ => return Err(format!("`{key}` is not supported or has the wrong form")),
        }
    }
    Ok(())
}

/// Returns the first way in which `value` differs from `schema`, which passed
/// [`check_schema`].
pub(super) fn validate(schema: &Value, value: &Value) -> Result<(), String> {
    let Some(object) = schema.as_object() else {
        return if schema == &Value::Bool(false) {
            Err("nothing is allowed here".to_owned())
        } else {
            Ok(())
        };
    };
    if let Some(kind) = object.get("type") {
        let fits = match kind {
            Value::Array(kinds) => kinds.iter().any(|kind| is_a(value, kind)),
            kind => is_a(value, kind),
        };
        if !fits {
            return Err(format!("{value} is not of the type {kind}"));
        }
    }
    if let Some(wanted) = object.get("const")
        && wanted != value
    {
        return Err(format!("{value} is not {wanted}"));
    }
    if let Some(Value::Array(allowed)) = object.get("enum")
        && !allowed.contains(value)
    {
        return Err(format!("{value} is not one of the values allowed"));
    }
    if let Some(Value::Array(choices)) = object.get("anyOf")
        && !choices.iter().any(|schema| validate(schema, value).is_ok())
    {
        return Err(format!("{value} fits none of the shapes allowed"));
    }
    if let Some(Value::Array(choices)) = object.get("oneOf") {
        let fitting = choices
            .iter()
            .filter(|s| validate(s, value).is_ok())
            .count();
        if fitting != 1 {
            return Err(format!("{value} fits {fitting} shapes instead of one"));
        }
    }
    let bound = |key: &str| object.get(key).and_then(Value::as_f64);
    let within = |name: &str, number: f64, least: &str, most: &str| {
        if bound(least).is_some_and(|least| number < least)
            || bound(most).is_some_and(|most| number > most)
        {
            return Err(format!("{name} {number} is out of bounds"));
        }
        Ok(())
    };
    match value {
        Value::Number(number) => {
            within(
                "the number",
                number.as_f64().unwrap_or(f64::NAN),
                "minimum",
                "maximum",
            )?;
        }
        Value::String(text) => {
            within(
                "the length",
                text.chars().count() as f64,
                "minLength",
                "maxLength",
            )?;
        }
        Value::Array(items) => {
            within(
                "the number of items",
                items.len() as f64,
                "minItems",
                "maxItems",
            )?;
            if let Some(schema) = object.get("items") {
                items.iter().try_for_each(|item| validate(schema, item))?;
            }
        }
        Value::Object(fields) => {
            let required = object.get("required").and_then(Value::as_array);
            for name in required.into_iter().flatten().filter_map(Value::as_str) {
                if !fields.contains_key(name) {
                    return Err(format!("the field {name:?} is missing"));
                }
            }
            let properties = object.get("properties").and_then(Value::as_object);
            for (name, field) in fields {
                match properties.and_then(|all| all.get(name)) {
                    Some(schema) => validate(schema, field)?,
                    None => {
                        if let Some(schema) = object.get("additionalProperties") {
                            validate(schema, field)
                                .map_err(|reason| format!("the field {name:?}: {reason}"))?;
                        }
                    }
                }
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
    Ok(())
}

fn is_a(value: &Value, kind: &Value) -> bool {
    match kind.as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("number") => value.is_number(),
        Some("integer") => {
            value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|n| n.fract() == 0.0)
        }
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_keyword_refuses_what_it_should() {
        let cases = [
            (json!({"type": "integer"}), json!(7), json!(7.5)),
            (json!({"type": ["string", "null"]}), json!(null), json!(1)),
            (json!({"enum": ["a", "b"]}), json!("a"), json!("c")),
            (json!({"const": 1}), json!(1), json!(2)),
            (json!({"minimum": 0, "maximum": 10}), json!(10), json!(11)),
            (json!({"minLength": 2}), json!("éé"), json!("é")),
            (json!({"maxItems": 1}), json!([1]), json!([1, 2])),
            (
                json!({"items": {"type": "string"}}),
                json!(["a"]),
                json!([1]),
            ),
            (json!({"required": ["a"]}), json!({"a": 1}), json!({})),
            (
                json!({"properties": {"a": {"type": "null"}}}),
                json!({"a": null}),
                json!({"a": 1}),
            ),
            (
                json!({"additionalProperties": false}),
                json!({}),
                json!({"x": 1}),
            ),
            (
                json!({"anyOf": [{"const": 1}, {"const": 2}]}),
                json!(2),
                json!(3),
            ),
            (
                json!({"oneOf": [{"minimum": 0}, {"maximum": 5}]}),
                json!(9),
                json!(3),
            ),
        ];
        for (schema, good, bad) in cases {
            assert_eq!(check_schema(&schema), Ok(()), "{schema}");
            assert_eq!(validate(&schema, &good), Ok(()), "{schema} {good}");
            assert!(validate(&schema, &bad).is_err(), "{schema} {bad}");
        }
    }

    #[test]
    fn what_cannot_be_checked_is_refused() {
        for schema in [
            json!({"pattern": "a"}),
            json!({"type": "text"}),
            json!(3),
            json!({"enum": 1}),
        ] {
            assert!(check_schema(&schema).is_err(), "{schema}");
        }
    }
}
