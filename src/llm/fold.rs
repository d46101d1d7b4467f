//! What gives way when a transcript does not fit: the messages of the oldest
//! settled topic, all of them, never those of the last topic.

use super::api::Message;

/// Takes the oldest topic out of `messages`; returns whether there was one to
/// take. A message without a topic, and the last topic, always stay.
pub fn fold_oldest(messages: &mut Vec<Message>) -> bool {
    let last = messages.iter().rev().find_map(|m| m.topic.clone());
    let oldest = messages.iter().find_map(|m| m.topic.clone());
    match oldest {
        Some(oldest) if Some(&oldest) != last.as_ref() => {
            messages.retain(|message| message.topic.as_ref() != Some(&oldest));
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llm::api::{Part, Role};

    fn message(topic: Option<&str>) -> Message {
        Message {
            topic: topic.map(str::to_owned),
            ..Message::new(Role::User, Part::Candidate("x".into()))
        }
    }

    #[test]
    fn the_oldest_topic_goes_whole_and_the_last_stays() {
        let topics = [None, Some("a"), Some("b"), Some("a"), Some("b")];
        let mut messages = topics.map(message).to_vec();
        assert!(fold_oldest(&mut messages));
        let left: Vec<_> = messages.iter().map(|m| m.topic.as_deref()).collect();
        assert_eq!(left, [None, Some("b"), Some("b")]);
        assert!(!fold_oldest(&mut messages));
    }

    #[test]
    fn a_transcript_without_topics_is_left_alone() {
        let mut messages = vec![message(None), message(None)];
        assert!(!fold_oldest(&mut messages));
        assert_eq!(messages.len(), 2);
    }
}
