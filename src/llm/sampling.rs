//! Drawing one token: the grammar first, then penalties, cuts, temperature
//! and the seeded draw.
//!
//! The order matters: a grammar applied after a cut can be left without a
//! legal token, which the library answers with an abort. The library's own
//! one-call sampling is not used because it accepts into a grammar that may
//! already be dead.

use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::token::data_array::LlamaTokenDataArray;

use super::api::{EngineError, Grammar, Sampling};
use super::schema;

/// Draws tokens for one request.
pub(super) struct Drawer {
    grammar: Option<LlamaSampler>,
    rest: LlamaSampler,
}

/// What was drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Draw {
    /// A token.
    Token(i32),
    /// The grammar allows no token: the output ends here.
    Nothing,
}

impl Drawer {
    /// Returns a drawer for `sampling` under `grammar`.
    ///
    /// # Errors
    /// [`EngineError::BadRequest`] for numbers out of range or a grammar that
    /// does not parse.
    pub(super) fn new(
        model: &LlamaModel,
        sampling: &Sampling,
        grammar: Option<&Grammar>,
    ) -> Result<Self, EngineError> {
        check(sampling)?;
        let grammar = match grammar {
            None => None,
            Some(grammar) => Some(build_grammar(model, grammar)?),
        };
        let mut chain = Vec::new();
        if (sampling.repeat_penalty - 1.0).abs() > f32::EPSILON && sampling.repeat_last_n != 0 {
            chain.push(LlamaSampler::penalties(
                model.n_vocab(),
                sampling.repeat_last_n,
                sampling.repeat_penalty,
                0.0,
                0.0,
            ));
        }
        if sampling.temperature <= 0.0 {
            chain.push(LlamaSampler::greedy());
        } else {
            if sampling.top_k > 0 {
                chain.push(LlamaSampler::top_k(sampling.top_k));
            }
            if sampling.min_p > 0.0 {
                chain.push(LlamaSampler::min_p(sampling.min_p, 1));
            }
            chain.push(LlamaSampler::temp(sampling.temperature));
            chain.push(LlamaSampler::dist(sampling.seed));
        }
        Ok(Self {
            grammar,
            rest: LlamaSampler::chain(chain, true),
        })
    }

    /// Draws a token from `candidates`.
    ///
    /// # Errors
    /// [`EngineError::Library`] when the logits are not numbers.
    pub(super) fn draw(
        &mut self,
        mut candidates: LlamaTokenDataArray,
    ) -> Result<Draw, EngineError> {
        if candidates.data.iter().any(|c| c.logit().is_nan()) {
            return Err(EngineError::Library(
                "the model's output is not a number".to_owned(),
            ));
        }
        if let Some(grammar) = &mut self.grammar {
            candidates.apply_sampler(grammar);
            // What the grammar forbids must not come back through a later step.
            candidates
                .data
                .retain(|candidate| candidate.logit() != f32::NEG_INFINITY);
            if candidates.data.is_empty() {
                return Ok(Draw::Nothing);
            }
        }
        candidates.apply_sampler(&mut self.rest);
        let Some(token) = candidates.selected_token() else {
            return Err(EngineError::Library("no token could be drawn".to_owned()));
        };
        if let Some(grammar) = &mut self.grammar
            && grammar.try_accept(token).is_err()
        {
            // The grammar is dead now and must not be sampled from again.
            self.grammar = None;
            return Ok(Draw::Nothing);
        }
        self.rest.accept(token);
        Ok(Draw::Token(token.0))
    }

    /// Shows the drawer tokens that came before, for the repeat penalty.
    pub(super) fn remember(&mut self, tokens: &[i32]) {
        for token in tokens {
            self.rest.accept(LlamaToken::new(*token));
        }
    }
}

fn check(sampling: &Sampling) -> Result<(), EngineError> {
    let refuse = |what: &str| Err(EngineError::BadRequest(what.to_owned()));
    if !(0.0..=10.0).contains(&sampling.temperature) {
        return refuse("the temperature is not between 0 and 10");
    }
    if !(0.0..=1.0).contains(&sampling.min_p) {
        return refuse("min-p is not between 0 and 1");
    }
    if !(0.1..=10.0).contains(&sampling.repeat_penalty) {
        return refuse("the repeat penalty is not between 0.1 and 10");
    }
    if !(-1..=1 << 20).contains(&sampling.repeat_last_n) || sampling.top_k < 0 {
        return refuse("a sampling count is out of range");
    }
    Ok(())
}

fn build_grammar(model: &LlamaModel, grammar: &Grammar) -> Result<LlamaSampler, EngineError> {
    let bad = |what: String| EngineError::BadRequest(what);
    let text = match grammar {
        Grammar::Gbnf(text) => text.clone(),
        Grammar::JsonSchema(schema) => {
            schema::check_schema(schema)
                .map_err(|error| bad(format!("the JSON Schema is not valid: {error}")))?;
            llama_cpp_2::json_schema_to_grammar(&schema.to_string())
                .map_err(|_| bad("the JSON Schema cannot be turned into a grammar".to_owned()))?
        }
    };
    if text.contains('\0') {
        return Err(bad("the grammar holds a NUL byte".to_owned()));
    }
    // The library's test for the start rule is a search for its name anywhere.
    if !text.lines().any(defines_root) {
        return Err(bad("the grammar has no rule named `root`".to_owned()));
    }
    LlamaSampler::grammar(model, &text, "root")
        .map_err(|_| bad("the grammar does not parse".to_owned()))
}

fn defines_root(line: &str) -> bool {
    line.trim_start()
        .strip_prefix("root")
        .is_some_and(|rest| rest.trim_start().starts_with("::="))
}

/// Checks finished output against the shape it was asked to have.
///
/// The grammar is not trusted alone: it silently leaves out what it cannot
/// express.
///
/// # Errors
/// [`EngineError::BadOutput`].
pub(super) fn validate(grammar: &Grammar, text: &str) -> Result<(), EngineError> {
    let Grammar::JsonSchema(schema) = grammar else {
        return Ok(());
    };
    let value: serde_json::Value = serde_json::from_str(text.trim())
        .map_err(|error| EngineError::BadOutput(format!("it is not JSON: {error}")))?;
    schema::validate(schema, &value).map_err(EngineError::BadOutput)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_is_checked_again_after_decoding() {
        let grammar = Grammar::JsonSchema(json!({
            "type": "object", "required": ["n"],
            "properties": {"n": {"type": "integer", "minimum": 0, "maximum": 100}}
        }));
        assert!(validate(&grammar, r#"{"n": 7}"#).is_ok());
        for bad in [r#"{"n": 700}"#, r#"{"n": "#, "{}", ""] {
            assert!(
                matches!(validate(&grammar, bad), Err(EngineError::BadOutput(_))),
                "{bad}"
            );
        }
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        let bad = [
            Sampling {
                temperature: f32::NAN,
                ..Sampling::default()
            },
            Sampling {
                temperature: -1.0,
                ..Sampling::default()
            },
            Sampling {
                min_p: 1.5,
                ..Sampling::default()
            },
            Sampling {
                repeat_penalty: 0.0,
                ..Sampling::default()
            },
            Sampling {
                repeat_last_n: i32::MAX,
                ..Sampling::default()
            },
        ];
        for sampling in bad {
            assert!(check(&sampling).is_err(), "{sampling:?}");
        }
        assert!(check(&Sampling::default()).is_ok());
    }

    #[test]
    fn the_start_rule_is_looked_for_as_a_rule() {
        assert!(defines_root("root ::= \"a\""));
        assert!(!defines_root("roots ::= \"a\""));
        assert!(!defines_root("x ::= root"));
    }
}
