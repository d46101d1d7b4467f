//! Which competencies have a story, which have none, and which story is told
//! too often.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::is_behavioural;
use crate::guide::{Competency, Question};
use crate::store::{SessionId, Story, StoryId, Telling};

/// Sessions with stories in them that are looked back on: about the rounds of
/// one application, whose interviewers compare notes.
pub const LOOK_BACK: usize = 5;

/// Sessions of these from which a story is told too often.
const OFTEN: usize = 3;

/// Answers needed before a share of them says anything.
const LEAST_ANSWERS: usize = 4;

/// One competency that behavioural questions ask for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The competency.
    pub competency: Competency,
    /// Behavioural questions of the guides that ask for it.
    pub questions: usize,
    /// The stories tagged with it, oldest first; none is a gap.
    pub stories: Vec<StoryId>,
    /// How often these stories were told.
    pub told: usize,
}

/// Returns a row a competency that behavioural `questions` ask for, most asked
/// for first.
pub fn coverage(questions: &[&Question], stories: &[Story], tellings: &[Telling]) -> Vec<Row> {
    let mut asked: BTreeMap<Competency, usize> = BTreeMap::new();
    for question in questions.iter().filter(|question| is_behavioural(question)) {
        for competency in &question.competencies {
            *asked.entry(*competency).or_default() += 1;
        }
    }
    let mut rows: Vec<Row> = asked
        .into_iter()
        .map(|(competency, questions)| {
            let name = competency.to_string();
            let stories: Vec<StoryId> = stories
                .iter()
                .filter(|story| story.tags.contains(&name))
                .map(|story| story.id.clone())
                .collect();
            let told = tellings
                .iter()
                .filter(|telling| stories.contains(&telling.story))
                .count();
            Row {
                competency,
                questions,
                stories,
                told,
            }
        })
        .collect();
    rows.sort_by(|a, b| {
        b.questions
            .cmp(&a.questions)
            .then(a.competency.cmp(&b.competency))
    });
    rows
}

/// A session and how many behavioural questions were answered in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The session.
    pub session: SessionId,
    /// Different attempts at behavioural questions.
    pub answers: usize,
}

/// A story that is told too often.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Overuse {
    /// The story.
    pub story: StoryId,
    /// Sessions it was told in, of [`Overuse::of_sessions`].
    pub sessions: usize,
    /// Sessions looked back on.
    pub of_sessions: usize,
    /// Answers it was told in, of [`Overuse::of_answers`].
    pub answers: usize,
    /// Behavioural answers in those sessions.
    pub of_answers: usize,
}

/// Returns the stories that were told in three or more of the last
/// [`LOOK_BACK`] sessions that had behavioural answers, or in more than half of
/// their answers when there were four or more; most told first. `sessions` come
/// newest first.
pub fn overuse(sessions: &[Answered], tellings: &[Telling]) -> Vec<Overuse> {
    let recent: Vec<&Answered> = sessions
        .iter()
        .filter(|session| session.answers > 0)
        .take(LOOK_BACK)
        .collect();
    let of_answers: usize = recent.iter().map(|session| session.answers).sum();
    let mut told: BTreeMap<&StoryId, (BTreeSet<&SessionId>, usize)> = BTreeMap::new();
    for telling in tellings {
        if recent
            .iter()
            .any(|session| session.session == telling.session)
        {
            let (sessions, answers) = told.entry(&telling.story).or_default();
            sessions.insert(&telling.session);
            *answers += 1;
        }
    }
    let mut out: Vec<Overuse> = told
        .into_iter()
        .filter(|(_, (sessions, answers))| {
            sessions.len() >= OFTEN || (of_answers >= LEAST_ANSWERS && 2 * answers > of_answers)
        })
        .map(|(story, (sessions, answers))| Overuse {
            story: story.clone(),
            sessions: sessions.len(),
            of_sessions: recent.len(),
            answers,
            of_answers,
        })
        .collect();
    out.sort_by(|a, b| b.answers.cmp(&a.answers).then(a.story.cmp(&b.story)));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guide::Library;

    fn story(tags: &[&str]) -> Story {
        Story {
            id: StoryId::fresh(),
            made_at: 0,
            changed_at: 0,
            title: "A story".to_owned(),
            text: "I did it.".to_owned(),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            origin: None,
        }
    }

    fn telling(story: &StoryId, session: &SessionId, question: &str) -> Telling {
        Telling {
            story: story.clone(),
            session: session.clone(),
            question: question.to_owned(),
            attempt: 0,
            at_ms: 0,
            likeness: 0.8,
        }
    }

    #[test]
    fn every_competency_that_is_asked_for_has_a_row_and_gaps_are_seen() {
        let library = Library::built_in();
        let questions: Vec<&Question> = library.questions().collect();
        let one = story(&["growth", "communication"]);
        let session = SessionId::fresh();
        let tellings = [telling(&one.id, &session, "q")];
        let rows = coverage(&questions, std::slice::from_ref(&one), &tellings);
        let row = |competency| {
            rows.iter()
                .find(|row| row.competency == competency)
                .expect("asked for")
        };
        assert_eq!(row(Competency::Growth).stories, [one.id]);
        assert_eq!(row(Competency::Growth).told, 1);
        assert!(row(Competency::Leadership).stories.is_empty());
        assert!(rows.iter().all(|row| row.questions > 0));
        assert!(
            rows.windows(2)
                .all(|two| two[0].questions >= two[1].questions)
        );
        // No behavioural question of the guides is about language models.
        assert!(
            rows.iter()
                .all(|row| row.competency != Competency::LlmEngineering)
        );
    }

    #[test]
    fn a_story_told_in_three_of_five_sessions_is_overused_and_one_of_two_is_not() {
        let (often, seldom) = (StoryId::fresh(), StoryId::fresh());
        let sessions: Vec<Answered> = (0..7)
            .map(|_| Answered {
                session: SessionId::fresh(),
                answers: 4,
            })
            .collect();
        let at = |n: usize| &sessions[n].session;
        let tellings = [
            telling(&often, at(0), "a"),
            telling(&often, at(2), "a"),
            telling(&often, at(4), "a"),
            telling(&seldom, at(1), "a"),
            telling(&seldom, at(3), "a"),
            // Too long ago to matter.
            telling(&seldom, at(5), "a"),
            telling(&seldom, at(6), "a"),
        ];
        let found = overuse(&sessions, &tellings);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].story, often);
        assert_eq!((found[0].sessions, found[0].of_sessions), (3, 5));
    }

    #[test]
    fn a_story_for_most_answers_of_one_session_is_overused() {
        let story = StoryId::fresh();
        let session = SessionId::fresh();
        let tellings: Vec<Telling> = ["a", "b", "c"]
            .iter()
            .map(|question| telling(&story, &session, question))
            .collect();
        let answered = |answers| {
            vec![Answered {
                session: session.clone(),
                answers,
            }]
        };
        assert_eq!(overuse(&answered(4), &tellings).len(), 1);
        assert_eq!(overuse(&answered(6), &tellings), []);
        // Three answers are too few to speak of most.
        assert_eq!(overuse(&answered(3), &tellings), []);
        assert_eq!(overuse(&[], &tellings), []);
    }
}
