//! Plays a sitting: shows questions, takes answers, has them judged, and
//! stores every event before it takes effect.

use tokio::sync::mpsc::UnboundedReceiver;

use super::super::Context;
use super::super::interview::candidate::{Candidate, Heard};
use super::super::interview::driver::{judged, store};
use super::super::interview::minds::Minds;
use super::super::interview::stops;
use super::ledger::{self, Deck};
use super::{view, wire};
use crate::drill::sitting::{RUNGS, as_counted};
use crate::drill::{Asked, DrillEvent, Sitting, Step, Task, Whole};
use crate::interview::{Command, Listen};
use crate::judge::{Assessment, Case};
use crate::store::{Journal, SessionId, Status};
use crate::{Error, ErrorKind, Result};

/// The question at hand, apart from the sitting it belongs to.
#[derive(Debug, Clone)]
pub(super) enum Question {
    /// One point, and whether it was missed before in this sitting.
    Point(Box<Task>, bool),
    /// A whole question.
    Whole(Box<Whole>),
}

impl Question {
    fn of(asked: Asked<'_>) -> Self {
        match asked {
            Asked::Point { task, again } => Self::Point(Box::new(task.clone()), again),
            Asked::Whole(whole) => Self::Whole(Box::new(whole.clone())),
        }
    }
}

/// Everything a sitting needs of the world.
pub(super) struct Player<'a> {
    ctx: &'a Context,
    journal: &'a Journal,
    session: &'a SessionId,
    candidate: &'a mut dyn Candidate,
    minds: &'a Minds,
    stops: UnboundedReceiver<()>,
}

impl<'a> Player<'a> {
    /// Returns a player; it has to be called on a runtime.
    pub(super) fn new(
        ctx: &'a Context,
        journal: &'a Journal,
        session: &'a SessionId,
        candidate: &'a mut dyn Candidate,
        minds: &'a Minds,
    ) -> Self {
        Self {
            ctx,
            journal,
            session,
            candidate,
            minds,
            stops: stops(),
        }
    }

    /// Plays from `first`, the event that starts or resumes it, to the end.
    ///
    /// # Errors
    /// Fails when the input cannot be read or an event cannot be stored; with
    /// [`ErrorKind::Interrupted`] when the person left to come back.
    pub(super) async fn run(mut self, mut sitting: Sitting, first: DrillEvent) -> Result<()> {
        self.happen(&mut sitting, &first).await?;
        loop {
            let event = match sitting.step() {
                Step::Done => break,
                Step::Ask(asked) => {
                    let question = Question::of(asked);
                    let text = asked.wording().whole();
                    self.ask(&sitting, &question)?;
                    DrillEvent::Spoken { text }
                }
                Step::Listen(asked) => {
                    let question = Question::of(asked);
                    let event = self.listen(&sitting, &question).await?;
                    let number = sitting.number();
                    self.happen(&mut sitting, &event).await?;
                    if let DrillEvent::Answered { text } = &event {
                        wire::line(&self.ctx.ui, || wire::answer(number, &question, text));
                    }
                    if event == DrillEvent::Interrupted {
                        return Err(self.left());
                    }
                    continue;
                }
                Step::Judge(asked, answer) => {
                    let question = Question::of(asked);
                    let case = asked.case(answer);
                    let event = self.judge(&case).await;
                    let before = sitting.findings().len();
                    self.happen(&mut sitting, &event).await?;
                    if let DrillEvent::Assessed { assessment } = &event {
                        ledger::keep_sitting(self.journal, self.session)?;
                        self.tell(&sitting, before, &question, &case, assessment)?;
                    }
                    if event == DrillEvent::Interrupted {
                        return Err(self.left());
                    }
                    continue;
                }
            };
            self.happen(&mut sitting, &event).await?;
            if event == DrillEvent::Interrupted {
                return Err(self.left());
            }
        }
        self.close(&sitting)
    }

    /// Stores an event, then lets it take effect.
    async fn happen(&mut self, sitting: &mut Sitting, event: &DrillEvent) -> Result<()> {
        let ui = &self.ctx.ui;
        store(ui, self.journal, self.session, self.candidate, event).await?;
        sitting.handle(event);
        Ok(())
    }

    fn ask(&self, sitting: &Sitting, question: &Question) -> Result<()> {
        view::question(&self.ctx.ui, sitting, question);
        wire::line(&self.ctx.ui, || wire::question(sitting.number(), question));
        if let Question::Point(task, again) = question {
            let wording = if *again { &task.again } else { &task.wording };
            ledger::note_asked(self.journal, &task.question, &task.point, &wording.id)?;
        }
        Ok(())
    }

    async fn listen(&mut self, sitting: &Sitting, question: &Question) -> Result<DrillEvent> {
        let ui = &self.ctx.ui;
        let listen = Listen {
            question: sitting.number().saturating_sub(1),
            follow_up: false,
            seconds: None,
            help: true,
        };
        loop {
            // The line editor takes Ctrl-C as a key; this is for a pipe, and
            // for a signal sent by another process.
            let heard = tokio::select! {
                heard = self.candidate.listen(&listen) => heard?,
                Some(()) = self.stops.recv() => Heard::Left,
            };
            match heard {
                Heard::Answer(text) => {
                    return Ok(DrillEvent::Answered { text });
                }
                Heard::Command(Command::Hint) => {
                    let rung = sitting.hints();
                    match question {
                        Question::Point(task, _) if rung < RUNGS => {
                            if let Some(hint) = task.hints.get(usize::from(rung)) {
                                ui.hint_card(usize::from(rung) + 1, usize::from(RUNGS), hint);
                                wire::line(ui, || {
                                    wire::hint(sitting.number(), question, rung + 1, hint)
                                });
                                return Ok(DrillEvent::Hinted);
                            }
                            ui.remark("There are no more hints for this.");
                        }
                        Question::Point(..) => ui.remark("There are no more hints for this."),
                        Question::Whole(_) => {
                            ui.remark("There are no hints for the whole answer.");
                        }
                    }
                }
                Heard::Command(Command::Repeat) => view::question(ui, sitting, question),
                Heard::Command(Command::Skip) => {
                    ui.remark("Left out. It is not counted and comes again another day.");
                    return Ok(DrillEvent::Skipped);
                }
                Heard::Command(Command::Quit) => return Ok(DrillEvent::Quit),
                Heard::Command(_) | Heard::OwnScore(_) => {
                    ui.remark("That means nothing in a drill; /help lists what does.");
                }
                Heard::End => return Ok(DrillEvent::EndOfInput),
                Heard::Left => return Ok(DrillEvent::Interrupted),
            }
        }
    }

    async fn judge(&mut self, case: &Case) -> DrillEvent {
        let progress = self.ctx.ui.spinner("Reading your answer");
        let judged = judged(self.minds, case, &mut self.stops).await;
        progress.finish();
        match judged {
            // The answer is stored; it is judged when the drill goes on.
            None => DrillEvent::Interrupted,
            Some(Ok(assessment)) => DrillEvent::Assessed {
                assessment: Box::new(as_counted(assessment)),
            },
            Some(Err(error)) => {
                self.ctx.ui.warn(&format!(
                    "That answer could not be judged and is not counted: {error}."
                ));
                DrillEvent::NotAssessed {
                    reason: error.to_string(),
                }
            }
        }
    }

    /// Shows what came of an answer: the findings from `before` on.
    fn tell(
        &self,
        sitting: &Sitting,
        before: usize,
        question: &Question,
        case: &Case,
        assessment: &Assessment,
    ) -> Result<()> {
        let new = sitting.findings().get(before..).unwrap_or_default();
        let deck = Deck::read(self.journal)?;
        let due = |index: usize| new.get(index).and_then(|one| deck.due_at(&one.key));
        let number = sitting.number().saturating_sub(1);
        match question {
            Question::Point(task, _) => {
                if let Some(finding) = new.first() {
                    let back = sitting.comes_back(&finding.key);
                    view::verdict(&self.ctx.ui, task, finding, case, assessment, back, due(0));
                    wire::line(&self.ctx.ui, || {
                        wire::verdict(number, question, finding, case, assessment, due(0), back)
                    });
                }
            }
            Question::Whole(whole) => {
                view::whole(&self.ctx.ui, case, assessment);
                wire::line(&self.ctx.ui, || {
                    wire::whole(number, whole, new, case, assessment)
                });
            }
        }
        Ok(())
    }

    fn left(&self) -> Error {
        wire::line(&self.ctx.ui, || wire::end("interrupted", None, None));
        Error::new(
            ErrorKind::Interrupted,
            format!("you left drill {} before its end", self.session.short()),
        )
        .hint("Everything is saved. `viva drill` goes on where you stopped.")
    }

    fn close(&self, sitting: &Sitting) -> Result<()> {
        self.journal.finish(self.session, Status::Finished)?;
        ledger::enter(self.journal, self.session)?;
        super::refit(self.ctx, self.journal);
        let deck = Deck::read(self.journal)?;
        let now = jiff::Timestamp::now().as_millisecond();
        let next = deck.next_due(now);
        view::closing(&self.ctx.ui, sitting, deck.due(now), next);
        wire::line(&self.ctx.ui, || {
            let reason = if sitting.is_cut_short() {
                "ended"
            } else {
                "finished"
            };
            wire::end(reason, Some(sitting), next.map(|(at, _)| at))
        });
        self.ctx.ui.status(&format!(
            "Saved as session {}. `viva history show {}` shows it again.",
            self.session.as_str(),
            self.session.short()
        ));
        Ok(())
    }
}
